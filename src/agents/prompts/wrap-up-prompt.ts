/** What an agent is told when one step is left to it. */
import { SUBMIT_TOOL } from "../../market/submission.ts";
import type { WrapUpLimit } from "../../market/wrap-up.ts";

const REACHED: Readonly<Record<WrapUpLimit, string>> = {
  step_limit: "no further step is allowed",
  cost_limit: "the task may cost no more",
  budget: "the budget is used up",
  deadline: "the time is almost over",
  context_limit: "the conversation fills your context window",
  journal_limit: "the record of your work is full",
};

/** The last message of the conversation, the user's. */
export function wrapUpText(limit: WrapUpLimit): string {
  return [
    `This is your last answer: ${REACHED[limit]}.`,
    `Call \`${SUBMIT_TOOL}\` now, with the best result that you have. If it is not complete, hand in what there is.`,
    "No other tool is run any more.",
  ].join(" ");
}

/** The longest of them, for bounds. */
export const LONGEST_WRAP_UP = (Object.keys(REACHED) as WrapUpLimit[])
  .map(wrapUpText)
  .reduce((longest, text) => (text.length > longest.length ? text : longest));
