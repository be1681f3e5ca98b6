/** What an agent is told behind an answer without tool calls: providers refuse a conversation that ends with its own words. */
import type { Step } from "../../market/step.ts";
import { CUT_OFF, cutOff, SUBMIT_TOOL, type CutOff } from "../../market/submission.ts";

const CONTINUE = "Continue: call a tool, or hand in your result.";

const SHORTER = `Go on, or call \`${SUBMIT_TOOL}\` with something shorter.`;

const CUT: Readonly<Record<CutOff, string>> = {
  length: `Your answer was cut at the output limit, so it is not your result. ${SHORTER}`,
  "content-filter": `Your answer was withheld by a content filter, so it is not your result. ${SHORTER}`,
  error: "Your answer broke off, so it is not your result. Say all of it again, or call a tool.",
};

/** The same for the same step. One that was cut is no result, and the agent is to know why. */
export function continueText(step: Pick<Step, "finishReason">): string {
  const cut = cutOff(step);
  return cut === null ? CONTINUE : CUT[cut];
}

/** The longest of them, for bounds. */
export const LONGEST_CONTINUE = CUT_OFF.map((cut) => CUT[cut]).reduce(
  (longest, text) => (text.length > longest.length ? text : longest),
  CONTINUE,
);
