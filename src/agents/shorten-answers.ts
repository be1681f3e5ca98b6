/**
 * A step whose tools' answers are shortened: one that is long is replaced by a note, which says how long it was and that
 * it can be asked for again, and by its beginning. The model's own words, its calls, and short answers stay as they are.
 */
import type { AnsweredToolCall, Step, ToolOutcome } from "../market/step.ts";
import type { StepRequest } from "./model-port.ts";
import { utf8Bytes } from "../market/utf8.ts";

/** Longest note without the beginning that follows it, in UTF-8 bytes of its JSON. */
export const NOTE_BYTES = 200;

/** @param headChars so much of each answer's beginning is kept, in UTF-16 units */
export function shortenAnswers(step: Step, headChars: number): Step {
  return { ...step, toolCalls: step.toolCalls.map((call) => shortened(call, headChars)) };
}

/** The request with nothing but notes in place of the latest step's long answers, as `wrapUpBound` counts them. */
export function withShortEnd(request: StepRequest): StepRequest {
  const latest = request.history.at(-1);
  if (latest === undefined) return request;
  return { ...request, history: [...request.history.slice(0, -1), shortenAnswers(latest, 0)] };
}

function shortened(call: AnsweredToolCall, headChars: number): AnsweredToolCall {
  const { outcome } = call;
  const text = textOf(outcome);
  if (text.length <= headChars) return call;
  const note = `[This answer had ${text.length} characters and was shortened to save room. Call the tool again to see all of it.`;
  const short =
    headChars === 0 ? `${note}]` : `${note} It began:]\n${text.slice(0, headChars).toWellFormed()}`;
  // A note in place of an answer that is hardly longer would save nothing.
  if (jsonBytes(short) >= jsonBytes(text)) return call;
  return { ...call, outcome: withText(outcome, short) };
}

function textOf(outcome: ToolOutcome): string {
  return outcome.ok ? outcome.output : outcome.error.message;
}

function withText(outcome: ToolOutcome, text: string): ToolOutcome {
  return outcome.ok
    ? { ok: true, output: text }
    : { ok: false, error: { code: outcome.error.code, message: text } };
}

function jsonBytes(text: string): number {
  return utf8Bytes(JSON.stringify(text));
}
