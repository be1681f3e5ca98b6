/** What an agent is told behind an answer without tool calls: providers refuse a conversation that ends with its own words. */
import type { Step } from "../../market/step.ts";
import { cutOff, SUBMIT_TOOL, type CutOff } from "../../market/submission.ts";

const CONTINUE = "Continue: call a tool, or hand in your result.";

const CUT: Readonly<Record<CutOff, string>> = {
  length: "Your answer was cut at the output limit",
  "content-filter": "Your answer was withheld by a content filter",
};

/** The same for the same step. One that was cut is no result, and the agent is to know why. */
export function continueText(step: Pick<Step, "finishReason">): string {
  const cut = cutOff(step);
  if (cut === null) return CONTINUE;
  return `${CUT[cut]}, so it is not your result. Go on, or call \`${SUBMIT_TOOL}\` with something shorter.`;
}

/** The longest of them, for bounds. */
export const LONGEST_CONTINUE = (["length", "content-filter"] as const)
  .map((finishReason) => continueText({ finishReason }))
  .reduce((longest, text) => (text.length > longest.length ? text : longest), CONTINUE);
