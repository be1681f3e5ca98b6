/**
 * A step for which a trace's journal has no room as it is: what its room keeps of it. Pure.
 *
 * Of the step that a trace ends with, whose message is sent to no model any more, the words go first; and a result stands in
 * the task's own row. Of one that a wrap-up follows only the beginning of its words is kept: its message cannot be cut, and
 * providers refuse calls without it.
 */
import { MAX_STEP_BYTES, MAX_TRACE_BYTES } from "./journal-limits.ts";
import { beginningWithin } from "./cut-text.ts";
import type { AnsweredStep, JsonValue, ToolOutcome } from "./step.ts";
import { utf8Bytes } from "./utf8.ts";

/** Ours: of words for which there is no room so much is kept, in bytes. */
const KEPT_BYTES = 1_000;

/** A step whose calls are answered. */
export interface ClosedStep {
  readonly step: AnsweredStep;
  readonly outcomes: readonly ToolOutcome[];
}

/** Null: not even the beginning of its words has room. @param usedBytes of the steps before it */
export function lastStep({ step, outcomes }: ClosedStep, usedBytes: number): ClosedStep | null {
  const whole = { ...step, assistant: null };
  const forms = [
    { step: whole, outcomes },
    { step: shortened(whole), outcomes },
    { step: cutStep(step), outcomes: [] },
  ];
  return forms.find((one) => isKept(one, usedBytes)) ?? null;
}

/** Whether a step has room. @param usedBytes of the steps before it, and whatever is kept back */
export function isKept({ step, outcomes }: ClosedStep, usedBytes: number): boolean {
  const bytes = jsonBytes(step) + jsonBytes(outcomes);
  return bytes <= MAX_STEP_BYTES && usedBytes + bytes <= MAX_TRACE_BYTES;
}

/** The beginning of its words, without message and calls: at most `CUT_STEP_BYTES`, however long it was. */
export function cutStep(step: AnsweredStep): AnsweredStep {
  return { ...step, text: cutWords(step), toolCalls: [], assistant: null };
}

function cutWords({ text, toolCalls }: AnsweredStep): string {
  if (toolCalls.length === 0) return shortText(text);
  const left = note(jsonBytes(text) + jsonBytes(toolCalls), `; tool calls left out: ${toolCalls.length}`);
  return [beginningWithin(text, KEPT_BYTES), left].filter((part) => part !== "").join("\n");
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

function note(bytes: number, more = ""): string {
  return `[cut: of ${bytes} bytes there was no room for more${more}]`;
}

function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value));
}
