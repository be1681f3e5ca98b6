/** The way out of a trace: the `submit` tool, or a plain answer without tool calls. */
import type { StepAnswer, ToolDescription } from "../agents/model-port.ts";
import { MAX_RESULT_BYTES } from "../market/journal-limits.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { SUBMIT_TOOL } from "../agents/prompts/trace-prompt.ts";

export const SUBMIT_DESCRIPTION: ToolDescription = {
  name: SUBMIT_TOOL,
  description: "Hand in the result of the task. Ends your work; the result is checked as it is.",
  inputSchema: {
    type: "object",
    properties: { result: { type: "string", description: "The result, and nothing else." } },
    required: ["result"],
    additionalProperties: false,
  },
};

/** Longest result that is kept, in characters. */
export const MAX_RESULT_CHARS = 500_000;

/**
 * The result in a model's answer, or null where the trace goes on.
 *
 * Lenient: a `result` that is not a string is taken as JSON; a `submit` without one is left to the tools to refuse.
 */
export function submittedResult(answer: StepAnswer): string | null {
  const submission = answer.toolCalls.find((call) => call.name === SUBMIT_TOOL);
  if (submission !== undefined) {
    const { input } = submission;
    if (typeof input !== "object" || input === null || !("result" in input)) return null;
    const { result } = input as { readonly result: unknown };
    return bounded(typeof result === "string" ? result : JSON.stringify(result));
  }
  return answer.toolCalls.length === 0 && answer.text.trim() !== "" ? bounded(answer.text) : null;
}

/** It stands in a row of its task's room: text that JSON must escape is cut further. */
function bounded(result: string): string {
  const kept = result.slice(0, MAX_RESULT_CHARS).toWellFormed();
  const size = utf8Bytes(JSON.stringify(kept));
  return size <= MAX_RESULT_BYTES
    ? kept
    : kept.slice(0, Math.floor((kept.length * MAX_RESULT_BYTES) / size) - 1);
}
