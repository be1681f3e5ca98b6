/** Whether an answer can be a step at all: what cannot is a failed call, billed as it is. */
import type { Answer, StepAnswer } from "../agents/model-port.ts";
import type { CallFailure } from "../market/call.ts";
import type { Step, ToolCall } from "../market/step.ts";

/**
 * Ours: a model is told what was wrong with its calls, and may mend it. After so many steps in a row in which no call could
 * be read, it is not going to.
 */
const UNREADABLE_STEPS = 3;

/** @param steps those before it */
export function usable(answer: Answer<StepAnswer>, steps: readonly Step[]): Answer<StepAnswer> {
  const failure = answer.ok ? failureOf(answer.value, steps) : null;
  if (failure === null) return answer;
  const { bill, ms, requests } = answer;
  return { ok: false, failure, bill, ms, requests };
}

function failureOf({ text, toolCalls }: StepAnswer, steps: readonly Step[]): CallFailure | null {
  // As a step it would be asked again just as it was.
  if (toolCalls.length === 0 && text.trim() === "")
    return { reason: "empty", message: "neither text nor tool calls" };
  const before = steps.slice(-UNREADABLE_STEPS);
  const givenUp = before.length === UNREADABLE_STEPS && before.every((step) => isUnreadable(step.toolCalls));
  return givenUp && isUnreadable(toolCalls)
    ? { reason: "malformed", message: "calls whose arguments are no JSON object, again and again" }
    : null;
}

/** Arguments that are no JSON arrive as the text that came. */
function isUnreadable(toolCalls: readonly ToolCall[]): boolean {
  return toolCalls.length > 0 && toolCalls.every(({ input }) => typeof input === "string");
}
