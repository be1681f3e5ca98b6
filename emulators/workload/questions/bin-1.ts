/** Questions of the easiest bin: one document, one place to look. */
import { equals, matches, type TaskBody, tasksOf, wrongAnswer } from "../task.ts";

const roofDate: TaskBody = {
  id: "roof-signing-date",
  prompt:
    "Read {{docs}}/minutes-march.md. By which date was the contract for the warehouse roof to be signed, according to the decision of 11 March 2031? Answer with the date only, as YYYY-MM-DD.",
  verifier: equals("2031-03-21"),
  solutions: {
    right: "2031-03-21",
    wrong: [
      wrongAnswer("2031-03-11", "takes the date of the meeting"),
      wrongAnswer("2031-04-08", "takes the date of the next meeting"),
      wrongAnswer("21 March 2031", "right day, wrong date format"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the March minutes with http",
      "find the item on the warehouse roof",
      "read off the date by which the contract is to be signed",
      "write the date as YYYY-MM-DD",
    ],
    pitfalls: [
      "the date of the meeting, 11 March, taken for the signing date",
      "an answer that is not in YYYY-MM-DD form",
      "the other dates in the minutes",
    ],
    checks: [
      "compare the date with the sentence about the contract once more",
      "make sure that nothing but the date is in the answer",
    ],
  },
  working: ["'2031-03-21'"],
};

const norwayParcel: TaskBody = {
  id: "norway-table-price",
  prompt:
    "Read {{docs}}/shipping-tariff.md. What is the table price, without any surcharge, for a parcel of 4 kg chargeable weight to Norway? Answer with the amount in EUR only, two decimals, such as 1.20.",
  verifier: equals("12.60"),
  solutions: {
    right: "12.60",
    wrong: [
      wrongAnswer("24.00", "takes Norway for zone C"),
      wrongAnswer("9.80", "reads the row up to 2 kg"),
      wrongAnswer("14.11", "adds the fuel surcharge"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the shipping tariff with http",
      "look up the zone of Norway",
      "choose the weight row for 4 kg of chargeable weight",
      "give the table price with two decimals",
    ],
    pitfalls: [
      "Norway in the wrong zone",
      "adding a surcharge although the table price is asked",
      "the row up to 2 kg instead of up to 5 kg",
    ],
    checks: ["read the zone list again for Norway", "see that the amount has two decimals and no currency"],
  },
  working: ["(12.6).toFixed(2)"],
};

const acknowledged: TaskBody = {
  id: "gateway-acknowledge-minutes",
  prompt:
    "Read {{docs}}/incident-gateway.md. How many minutes passed between the alert that paged the engineer on call and the acknowledgement? Answer with the number of minutes only.",
  verifier: matches("^\\s*6(?: minutes)?\\s*$"),
  solutions: {
    right: "6",
    wrong: [
      wrongAnswer("39", "counts from the first alert, which paged nobody"),
      wrongAnswer("57", "counts from the expiry of the certificate"),
      wrongAnswer("42", "counts to the first repair"),
    ],
  },
  plan: {
    subGoals: [
      "fetch the gateway incident with http",
      "find the alert that paged the engineer on call",
      "find the time of the acknowledgement",
      "subtract the two times in minutes",
    ],
    pitfalls: [
      "the first alert, which did not page the engineer",
      "counting to the repair instead of the acknowledgement",
    ],
    checks: [
      "check that both times belong to the same night",
      "see that the answer is a number of minutes only",
    ],
  },
  working: ["(22*60+44)-(22*60+38)"],
};

export const questionsBin1 = tasksOf("question", 1, [roofDate, norwayParcel, acknowledged]);
