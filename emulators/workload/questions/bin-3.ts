/** Questions of the middle bin: two documents, of which one changes or limits what the other says. */
import { equals, jsonValue, type TaskBody, tasksOf, wrongAnswer } from "../task.ts";

const leaveDays: TaskBody = {
  id: "leave-days-part-time",
  prompt:
    "Read {{docs}}/handbook.md and {{docs}}/staff.md. How many days of leave does Mette Aagaard have in 2031, without anything carried over? Answer with the number only, with one decimal, such as 12.5.",
  verifier: equals("23.5"),
  solutions: {
    right: "23.5",
    wrong: [
      wrongAnswer("23.2", "does not round up to the half day"),
      wrongAnswer("24.0", "counts the years of service to the end of 2031"),
      wrongAnswer("29.0", "forgets that four days a week are part time"),
      wrongAnswer("20.0", "forgets the days for years of service"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the handbook and the staff list with http",
      "find when Mette Aagaard joined and how many days a week she works",
      "count her full years of service on 1 January 2031",
      "add one day of leave for every three full years",
      "reduce the sum in proportion to the days a week and round up to the next half day",
    ],
    pitfalls: [
      "years of service counted on the wrong date in 2031",
      "rounding before the proportion for part time",
      "a fraction of three years counted as a day",
      "leave carried over, which is not asked",
    ],
    checks: ["recompute the days with run_javascript", "see that the number has one decimal"],
  },
  working: ["Math.min(5, Math.floor(14/3))", "(25 + 4) * 4 / 5", "(Math.ceil(23.2 * 2) / 2).toFixed(1)"],
};

const fairReserve: TaskBody = {
  id: "trade-fair-reserve",
  prompt:
    "Read {{docs}}/minutes-march.md and {{docs}}/minutes-april.md. After everything that was decided in April, how much of the trade fair reserve for 2031 is left? Answer with the amount in EUR as a plain integer, without separators.",
  verifier: equals("3000"),
  solutions: {
    right: "3000",
    wrong: [
      wrongAnswer("3900", "misses the correction of the March minutes"),
      wrongAnswer("1800", "leaves out what Bergen saves"),
      wrongAnswer("9800", "does not pay Gdansk from the reserve"),
      wrongAnswer("0", "assumes that Gdansk uses the reserve up"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the minutes of March and April with http",
      "take the trade fair total and the amounts of March",
      "apply the correction that April makes to the March minutes",
      "add what one fair saves to the reserve in the order that was decided",
      "pay the new stand from the reserve and give what is left",
    ],
    pitfalls: [
      "the corrected amount in the first item of April",
      "the order of the saving and the payment from the reserve",
      "the total growing although the reserve covers the stand",
    ],
    checks: [
      "add all fairs and the reserve and compare with the total for 2031",
      "see that the amount is a plain integer without separators",
    ],
  },
  working: ["36000 - 15400 - 12000", "8600 + 0.1*12000", "9800 - 6800"],
};

const forklift: TaskBody = {
  id: "forklift-choice",
  prompt:
    'Read {{docs}}/minutes-march.md and {{docs}}/minutes-april.md. What does the forklift cost over 36 months under the option that was decided, and how much less is that than the next cheapest option? Answer with JSON only: {"cost": <EUR>, "saving": <EUR>}, both integers.',
  verifier: jsonValue({ cost: 24240, saving: 600 }),
  solutions: {
    right: '{"cost": 24240, "saving": 600}',
    wrong: [
      wrongAnswer('{"cost": 23040, "saving": 1800}', "forgets the final payment"),
      wrongAnswer('{"cost": 24240, "saving": 620}', "compares with the purchase, which is the dearest"),
      wrongAnswer('{"cost": 21800, "saving": 2440}', "forgets the service of the purchase"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the minutes of March and April with http",
      "list the three forklift options: the lease and the purchase of March, the second offer of April",
      "work out the cost of each option over 36 months with service and final payment",
      "choose the cheapest option and subtract it from the next cheapest",
      "write the JSON with cost and saving as integers",
    ],
    pitfalls: [
      "the final payment of the second offer",
      "service that is part of a lease but not of the purchase",
      "comparing with the dearest instead of the next cheapest option",
    ],
    checks: [
      "recompute the three costs over 36 months with run_javascript",
      "parse the JSON and see that both are integers",
    ],
  },
  working: ["690*36", "21800 + 85*36", "640*36 + 1200", "({ cost: 24240, saving: 24840 - 24240 })"],
};

export const questionsBin3 = tasksOf("question", 3, [leaveDays, fairReserve, forklift]);
