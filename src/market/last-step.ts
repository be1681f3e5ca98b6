/**
 * The step that a trace ends with, as its room keeps it. Pure.
 *
 * Nobody is asked behind it, so that its message is sent to no model any more; and a result stands in the task's own row,
 * so that words for which there is no room need not be kept beside it.
 */
import { MAX_STEP_BYTES, MAX_TRACE_BYTES } from "./journal-limits.ts";
import { beginningWithin } from "./cut-text.ts";
import type { AnsweredStep, JsonValue, ToolOutcome } from "./step.ts";
import { utf8Bytes } from "./utf8.ts";

/** Ours: of words for which there is no room so much is kept, in bytes. */
const KEPT_BYTES = 1_000;

/** Null: not even what is left without its words has room. @param usedBytes of the steps before it */
export function lastStep(
  step: AnsweredStep,
  outcomes: readonly ToolOutcome[],
  usedBytes: number,
): AnsweredStep | null {
  const whole = { ...step, assistant: null };
  return [whole, shortened(whole)].find((one) => isKept(one, outcomes, usedBytes)) ?? null;
}

/** Whether a step whose calls are answered has room. @param usedBytes of the steps before it, and whatever is kept back */
export function isKept(step: AnsweredStep, outcomes: readonly ToolOutcome[], usedBytes: number): boolean {
  const bytes = jsonBytes(step) + jsonBytes(outcomes);
  return bytes <= MAX_STEP_BYTES && usedBytes + bytes <= MAX_TRACE_BYTES;
}

function shortened(step: AnsweredStep): AnsweredStep {
  const toolCalls = step.toolCalls.map((call) => ({ ...call, input: shortInput(call.input) }));
  return { ...step, text: shortText(step.text), toolCalls };
}

function shortText(text: string): string {
  const bytes = jsonBytes(text);
  return bytes <= KEPT_BYTES ? text : `${beginningWithin(text, KEPT_BYTES)}\n${note(bytes)}`;
}

function shortInput(input: JsonValue): JsonValue {
  const bytes = jsonBytes(input);
  return bytes <= KEPT_BYTES ? input : note(bytes);
}

function note(bytes: number): string {
  return `[cut: of ${bytes} bytes there was no room for more]`;
}

function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value));
}
