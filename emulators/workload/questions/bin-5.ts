/** Questions of the hardest bin: four or five documents, exceptions that override each other, long arithmetic. */
import { equals, jsonValue, type TaskBody, tasksOf, wrongAnswer } from "../task.ts";

const fjordlab: TaskBody = {
  id: "fjordlab-delivered",
  prompt:
    "Read {{docs}}/catalogue.md, {{docs}}/agreements.md, {{docs}}/shipping-tariff.md and {{docs}}/minutes-april.md. Fjordlab AS orders on 5 May 2031 (no standing order): 2 solar buoy lanterns, 1 hand winch, 2 data loggers and 2 battery packs, sent on one day as ordinary parcels to Svolvaer. The goods' value for insurance is the net price of the piece. What is the total of goods after discounts and shipping, without tax? Answer with the amount in EUR only, two decimals.",
  verifier: equals("2687.72"),
  solutions: {
    right: "2687.72",
    wrong: [
      wrongAnswer("2651.78", "misses that Brandt's prices rose on 1 May"),
      wrongAnswer("2698.58", "forgets the reduction from five parcels on"),
      wrongAnswer("2621.22", "forgets that the Lofoten are remote"),
      wrongAnswer("2442.12", "leaves the shipping out"),
    ],
  },
  plan: {
    subGoals: [
      "fetch catalogue, agreements, shipping tariff and April minutes with http",
      "find the list price of each piece on 5 May 2031, with the price rise that the minutes decide for one supplier",
      "choose the discount of Fjordlab AS or the promotion for each line, whichever is larger",
      "work out the chargeable weight and table price of each of the parcels",
      "apply the reduction for five parcels, then fuel, remote area, dangerous goods and insurance for each parcel",
      "add goods and shipping to the total",
    ],
    pitfalls: [
      "the price of the hand winch after 1 May",
      "Svolvaer as a remote area",
      "battery packs as dangerous goods",
      "data loggers of the April promotion, which is over in May",
      "volumetric weight of the buoy lanterns",
      "each component rounded to the cent before adding",
    ],
    checks: [
      "compute each parcel in run_javascript and compare with a hand calculation",
      "count the parcels: one for every piece",
      "see that insurance is due only for the piece worth more than 500 EUR",
    ],
  },
  working: [
    "Math.ceil(1240*1.03)",
    "2*149*0.94 + 1278*0.94 + 2*415*0.94 + 2*96*0.94",
    "Math.ceil(Math.max(2.1, 30*30*30/5000))",
    "2*(16.47 + 1.98 + 9.5)",
    "37.35 + 4.48 + 9.5 + Math.round((1278*0.94 - 500)*0.6)/100",
    "2*(9.02 + 1.08 + 9.5) + 2*(11.59 + 1.39 + 9.5 + 25)",
    "(2442.12 + 55.9 + 55.54 + 134.16).toFixed(2)",
  ],
};

const onCallPay: TaskBody = {
  id: "on-call-pay-rehn",
  prompt:
    "Read {{docs}}/roster.md, {{docs}}/handbook.md, {{docs}}/incident-gateway.md and {{docs}}/incident-storage.md. How much on-call pay, stand-by and call-outs together, is due to Tomas Rehn for the weeks from 7 April 2031 up to and including the week from 26 May 2031? The two incidents were the only call-outs; swaps in the roster count. Answer with the amount in EUR only, two decimals.",
  verifier: equals("1602.50"),
  solutions: {
    right: "1602.50",
    wrong: [
      wrongAnswer("1620.00", "doubles a half hour that begins after 05:00"),
      wrongAnswer("1642.50", "misses the swap of 30 April"),
      wrongAnswer("1377.50", "misses the weekend taken over in April"),
      wrongAnswer("1480.00", "does not pay the second on call for the storage incident"),
    ],
  },
  plan: {
    subGoals: [
      "fetch roster, handbook and both incident documents with http",
      "list the weeks from 7 April to 26 May 2031 in which Tomas Rehn is first",
      "apply the swaps of the roster to his nights and weekends",
      "add stand-by pay for nights and weekend units",
      "count the started half hours of his call-outs in local time and double those that begin at night",
      "add stand-by and call-outs together",
    ],
    pitfalls: [
      "the swap of a single night in the roster",
      "the weekend that he takes over in April",
      "UTC in one incident and local time in the other",
      "a half hour that begins after 05:00",
      "the week in which he is second and paid for the call-out alone",
      "the weeks before 7 April",
    ],
    checks: [
      "recount the stand-by units of each week with run_javascript",
      "list the beginning of each half hour of both incidents",
      "see that the swaps appear once each",
    ],
  },
  working: [
    "4*40 + 3*75",
    "3*75",
    "385 - 40",
    "385 + 225 + 345 + 385",
    "4 * 17.5 * 2",
    "3*17.5*2 + 17.5",
    "(1340 + 140 + 122.5).toFixed(2)",
  ],
};

const reorder: TaskBody = {
  id: "battery-reorder",
  prompt:
    'Read {{docs}}/suppliers.md, {{docs}}/catalogue.md, {{docs}}/minutes-march.md and {{docs}}/minutes-april.md. On Tuesday 8 April 2031, after the meeting, the warehouse holds 31 battery packs, none are on order, and at 15:30 the fewest packs are ordered that bring the stock to the minimum then in force. How many packs are delivered, what does the order cost in EUR including any fee, and on which day do they arrive if the lead time is kept? Answer with JSON only: {"packs": <integer>, "cost": <EUR>, "arrives": "YYYY-MM-DD"}.',
  verifier: jsonValue({ packs: 24, cost: 1612.8, arrives: "2031-04-21" }),
  solutions: {
    right: '{"packs": 24, "cost": 1612.8, "arrives": "2031-04-21"}',
    wrong: [
      wrongAnswer(
        '{"packs": 32, "cost": 2150.4, "arrives": "2031-04-21"}',
        "uses the minimum that April revoked",
      ),
      wrongAnswer(
        '{"packs": 24, "cost": 1612.8, "arrives": "2031-04-18"}',
        "misses that orders after 14:00 count from the next working day",
      ),
      wrongAnswer('{"packs": 24, "cost": 1612.8, "arrives": "2031-04-16"}', "misses the holidays"),
      wrongAnswer(
        '{"packs": 17, "cost": 1142.4, "arrives": "2031-04-21"}',
        "misses that only full cartons are delivered",
      ),
    ],
  },
  plan: {
    subGoals: [
      "fetch suppliers, catalogue and the minutes of March and April with http",
      "find the minimum stock of battery packs in force after the April meeting",
      "subtract the 31 packs in the warehouse and round up to full cartons",
      "compute the cost in purchase prices and test the minimum order for a fee",
      "count working days from the day after the order, with the 14:00 rule and the holidays in April 2031",
      "write the JSON with packs, cost and the day they arrive",
    ],
    pitfalls: [
      "the minimum stock of March, which April changes",
      "packs delivered in full cartons only",
      "an order at 15:30, which counts from the next working day",
      "holidays around Easter in April",
      "the list price taken for the purchase price",
      "a fee for orders below the minimum",
    ],
    checks: [
      "walk the calendar day by day in run_javascript",
      "multiply the packs by the discounted price again",
      "parse the JSON and see the date form YYYY-MM-DD",
    ],
  },
  working: [
    "Math.ceil((48 - 31) / 8) * 8",
    "96 * 0.7",
    "24 * 67.2",
    "24 * 67.2 >= 600",
    "new Date(Date.UTC(2031, 3, 21)).getUTCDay()",
    "({ packs: 24, cost: Math.round(24 * 67.2 * 100) / 100, arrives: '2031-04-21' })",
  ],
};

export const questionsBin5 = tasksOf("question", 5, [fjordlab, onCallPay, reorder]);
