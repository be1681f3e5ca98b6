/** Questions of the fourth bin: several documents, competing rules, time zones. */
import { equals, jsonValue, type TaskBody, tasksOf, wrongAnswer } from "../task.ts";

const lundOrder: TaskBody = {
  id: "lund-order-net",
  prompt:
    "Read {{docs}}/catalogue.md and {{docs}}/agreements.md. Harbour Office Lund orders on 12 May 2031: 3 salinity probes, 12 crates of sample bottles and 1 tide gauge. What is the net price of the goods after discounts, without shipping and tax? Answer with the amount in EUR only, two decimals.",
  verifier: equals("1382.01"),
  solutions: {
    right: "1382.01",
    wrong: [
      wrongAnswer("1455.92", "uses the agreement for every line and misses the promotion of May"),
      wrongAnswer("1316.30", "adds discounts up"),
      wrongAnswer("1401.45", "takes the quantity discount for the crates although the agreement gives more"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the catalogue and the agreements with http",
      "take the list price of salinity probes, sample bottles and tide gauge",
      "collect for each line the agreement of Harbour Office Lund, the quantity discount and the promotions of May 2031",
      "use only the largest discount on each line and round the line to the cent",
      "add the lines to the net price of the goods",
    ],
    pitfalls: [
      "discounts added up instead of the largest one",
      "the promotion that fits the date 12 May 2031",
      "the quantity discount for 12 crates, which is smaller than the agreement",
      "shipping or tax in the net price",
    ],
    checks: [
      "recompute each line with run_javascript",
      "compare the net price with the list price of all goods",
      "see that the amount has two decimals",
    ],
  },
  working: ["3*189.5*0.8", "12*54*0.93", "Math.round(349*93)/100", "(454.8 + 602.64 + 324.57).toFixed(2)"],
};

const gatewayPay: TaskBody = {
  id: "gateway-callout-pay",
  prompt:
    "Read {{docs}}/incident-gateway.md and {{docs}}/handbook.md. How much call-out pay (section 4.2 to 4.4 of the handbook, without stand-by pay) is due for the gateway incident, for all engineers together? Answer with the amount in EUR only, two decimals.",
  verifier: equals("210.00"),
  solutions: {
    right: "210.00",
    wrong: [
      wrongAnswer("105.00", "misses the double rate at night"),
      wrongAnswer("140.00", "takes the UTC times of the incident for local time"),
      wrongAnswer("280.00", "pays the second engineer from the page on"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the incident and the handbook with http",
      "turn the UTC times of the gateway incident into local time",
      "count the started half hours of each engineer from the page or from joining to the all-clear",
      "double the half hours that begin at night under section 4.3",
      "add the call-out pay of all engineers",
    ],
    pitfalls: [
      "UTC taken for local time",
      "the second engineer paid from the page instead of from joining",
      "half hours that begin before midnight",
      "stand-by pay, which is not asked",
    ],
    checks: [
      "list when each half hour begins with run_javascript",
      "see that the at least one hour rule is met for each engineer",
      "see that the amount in EUR has two decimals",
    ],
  },
  working: [
    "Math.ceil((2*60+25 - 38) / 30)",
    "Math.ceil((2*60+25 - (60+31)) / 30)",
    "((4 + 2) * 17.5 * 2).toFixed(2)",
  ],
};

const outages: TaskBody = {
  id: "outage-minutes",
  prompt:
    'Read {{docs}}/incident-gateway.md and {{docs}}/incident-storage.md. Work out the outage in minutes of each incident by the counting rule given in its document, and by how many minutes the gateway outage exceeds the promise of the service agreement. Answer with JSON only: {"gateway": <minutes>, "exports": <minutes>, "over": <minutes>}.',
  verifier: jsonValue({ gateway: 119, exports: 57, over: 59 }),
  solutions: {
    right: '{"gateway": 119, "exports": 57, "over": 59}',
    wrong: [
      wrongAnswer(
        '{"gateway": 145, "exports": 57, "over": 85}',
        "does not count minutes at half while half of the uploads succeed",
      ),
      wrongAnswer('{"gateway": 119, "exports": 105, "over": 59}', "counts exports until the backlog is done"),
      wrongAnswer('{"gateway": 93, "exports": 57, "over": 33}', "stops counting at half of the uploads"),
    ],
  },
  plan: {
    subGoals: [
      "fetch both incident documents with http",
      "find the counting rule for the outage in each document",
      "count the gateway minutes in full until half of the uploads succeed, then at half",
      "count the exports from the stop until exports start again",
      "subtract the minutes of the promise and write the JSON",
    ],
    pitfalls: [
      "the minutes that count half in the gateway incident",
      "the all-clear or the backlog taken for the end of the outage",
      "midnight between the two times",
      "the promise in the service agreement, which holds for the gateway alone",
    ],
    checks: [
      "recompute the minutes with run_javascript across midnight",
      "parse the JSON and see the keys gateway, exports and over",
    ],
  },
  working: [
    "(23*60+20) - (21*60+47)",
    "(24*60+12) - (23*60+20)",
    "93 + 52/2",
    "({ gateway: 119, exports: (4*60+2) - (3*60+5), over: 119 - 60 })",
  ],
};

export const questionsBin4 = tasksOf("question", 4, [lundOrder, gatewayPay, outages]);
