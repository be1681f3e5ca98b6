/** Questions of the second bin: one document, one rule with an exception. */
import { equals, type TaskBody, tasksOf, wrongAnswer } from "../task.ts";

const osloAllowance: TaskBody = {
  id: "oslo-allowance",
  prompt:
    "Read {{docs}}/handbook.md. An employee of the team Sales leaves for Oslo (Norway) on a Monday and returns on Thursday of the same week: three nights in Oslo, breakfast provided by the hotel each time. How much daily allowance is paid in total? Answer with the amount in EUR only, two decimals.",
  verifier: equals("110.40"),
  solutions: {
    right: "110.40",
    wrong: [
      wrongAnswer("138.00", "forgets to deduct the breakfasts"),
      wrongAnswer("156.40", "pays the day of return in full"),
      wrongAnswer("101.40", "pays the day of return at the Danish rate"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the handbook with http and read the section on travel",
      "list the days from Monday to Thursday with the country of each night",
      "pay half of the allowance on the days of departure and return",
      "deduct 20 % of the full allowance for each breakfast that the hotel provides",
      "add the total with run_javascript",
    ],
    pitfalls: [
      "the rate of the day of return, which follows the last night in Norway",
      "the breakfast deducted from the halved allowance",
      "three breakfasts, not four",
      "the allowance for crews at sea, which Sales does not get",
    ],
    checks: ["recount nights and days from Monday to Thursday", "see that the total in EUR has two decimals"],
  },
  working: ["46/2 + 2*46 + 46/2", "3*0.2*46", "(138 - 27.6).toFixed(2)"],
};

const carTrips: TaskBody = {
  id: "car-mileage",
  prompt:
    "Read {{docs}}/handbook.md. An employee used a private car for three separate trips of 145 km, 18 km and 63 km (out and back counted together). How much is paid for the three trips in total? Answer with the amount in EUR only, two decimals.",
  verifier: equals("63.84"),
  solutions: {
    right: "63.84",
    wrong: [
      wrongAnswer("85.88", "pays every kilometre"),
      wrongAnswer("78.28", "takes off the 20 km only once"),
      wrongAnswer("63.08", "lets the short trip count as minus 2 km"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the handbook with http and find the rule for a private car",
      "subtract the unpaid kilometres from each of the three trips",
      "set a trip below 20 km to zero",
      "multiply the paid km by the rate in EUR with run_javascript",
    ],
    pitfalls: [
      "the trip of 18 km going below zero",
      "taking off 20 km once instead of for each trip",
      "doubling the km although out and back are counted together",
    ],
    checks: ["work out 145 km and 63 km separately and add", "see that the amount has two decimals"],
  },
  working: ["[145, 18, 63].map((km) => Math.max(0, km - 20))", "((125 + 0 + 43) * 0.38).toFixed(2)"],
};

const expressSweden: TaskBody = {
  id: "express-to-uppsala",
  prompt:
    "Read {{docs}}/shipping-tariff.md. What does one express parcel to Uppsala (Sweden) cost in total: real weight 8.3 kg, box 50 x 40 x 30 cm, value of the goods 420.00 EUR, no dangerous goods? Answer with the amount in EUR only, two decimals.",
  verifier: equals("49.10"),
  solutions: {
    right: "49.10",
    wrong: [
      wrongAnswer("32.08", "uses the real weight"),
      wrongAnswer("47.13", "takes fuel on the table price without express"),
      wrongAnswer("43.84", "forgets the fuel surcharge"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the shipping tariff with http",
      "compute the volumetric weight of the box and compare it with the real weight of 8.3 kg",
      "look up the zone of Sweden and the table price",
      "add 60 % for express and then fuel on the sum",
      "see whether the value of 420.00 EUR needs insurance",
    ],
    pitfalls: [
      "the real weight used although the box is bulky",
      "fuel taken before express is added",
      "Gotland rules for Uppsala",
      "insurance for goods below 500 EUR",
    ],
    checks: [
      "recompute the parcel with run_javascript, rounding each component",
      "compare the total with the table price times 1.6 and 1.12",
    ],
  },
  working: [
    "Math.ceil(Math.max(8.3, 50*40*30/5000))",
    "27.4*0.6",
    "(27.4 + 16.44 + Math.round(43.84*12)/100).toFixed(2)",
  ],
};

export const questionsBin2 = tasksOf("question", 2, [osloAllowance, carTrips, expressSweden]);
