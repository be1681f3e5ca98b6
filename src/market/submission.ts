/**
 * The way out of a trace: the `submit` tool, or a plain answer without tool calls. Pure.
 *
 * Calls beside a submission are carried out first, as those of any answer; only where all of them succeed does it count,
 * for the agent wrote it before it knew what they would come to. Where nothing runs any more, it counts at once.
 */
import { beginningWithin } from "./cut-text.ts";
import { MAX_RESULT_BYTES } from "./journal-limits.ts";
import type { AnsweredStep, FinishReason, JsonValue, ToolCall, ToolOutcome } from "./step.ts";
import { utf8Bytes } from "./utf8.ts";
import { NOT_RUN } from "./wrap-up.ts";

/** The tool with which an agent hands in its result; a plain answer without tool calls counts as the result too. */
export const SUBMIT_TOOL = "submit";

/** Longest result that is kept, in characters, with the note that it was cut. */
export const MAX_RESULT_CHARS = 500_000;

const CUT = "\n[cut: the result was longer than 500,000 characters or 1 MB]";
/** As JSON, with the quotation marks of the whole. */
const CUT_BYTES = utf8Bytes(JSON.stringify(CUT));

type Said = Pick<AnsweredStep, "text" | "toolCalls" | "finishReason">;

/** How an answer ends before its model was done. */
export const CUT_OFF = ["length", "content-filter", "error"] as const satisfies readonly FinishReason[];
export type CutOff = (typeof CUT_OFF)[number];

/** Null: it is whole, as far as is known. */
export function cutOff({ finishReason }: Pick<AnsweredStep, "finishReason">): CutOff | null {
  return CUT_OFF.find((cut) => cut === finishReason) ?? null;
}

/**
 * The result in a model's answer, or null where the trace goes on. Of several submissions the first that has a result; a
 * plain answer that was cut off is none.
 *
 * Lenient: a `result` that is not a string is taken as JSON; a `submit` without one is refused like any tool's arguments.
 */
export function submittedResult(said: Said): string | null {
  const { text, toolCalls } = said;
  const submission = toolCalls[submissionAt(toolCalls)];
  if (submission !== undefined) {
    const result = resultIn(submission.input);
    return bounded(typeof result === "string" ? result : JSON.stringify(result));
  }
  const isPlain = toolCalls.length === 0 && text.trim() !== "";
  return isPlain && cutOff(said) === null ? bounded(text) : null;
}

/** What an answer leaves of a task that ends without a result: what it hands in, or else its words; null: neither. */
export function leftBy(said: Said): string | null {
  return [submittedResult(said), said.text].find((text) => text !== null && text.trim() !== "") ?? null;
}

/** Whether an answer has calls that run: all but those that hand a result in. */
export function runsTools(toolCalls: readonly ToolCall[]): boolean {
  return toolCalls.some(({ name }) => name !== SUBMIT_TOOL);
}

/** The answers to all calls of a step once its tools have run. @param ran what they answered, null for each `submit` */
export function withSubmission(
  toolCalls: readonly ToolCall[],
  ran: readonly (ToolOutcome | null)[],
): readonly ToolOutcome[] {
  const submission = submissionAt(toolCalls);
  const failed = toolCalls.find((_, at) => ran[at]?.ok === false);
  return toolCalls.map((call, at) => {
    const outcome = ran[at] ?? null;
    if (outcome !== null) return outcome;
    if (at !== submission) return refused(call);
    return failed === undefined ? RECEIVED : notSubmitted(failed.name);
  });
}

/** What stands for the answers where nothing runs any more. @param rest to the calls that hand no result in */
export function withoutTools(toolCalls: readonly ToolCall[], rest: ToolOutcome): readonly ToolOutcome[] {
  const submission = submissionAt(toolCalls);
  return toolCalls.map((call, at) => {
    if (call.name !== SUBMIT_TOOL) return rest;
    return at === submission ? RECEIVED : refused(call);
  });
}

/** Whether with these answers the step's submission has been taken. */
export function isSubmitted(toolCalls: readonly ToolCall[], outcomes: readonly ToolOutcome[]): boolean {
  return outcomes[submissionAt(toolCalls)]?.ok === true;
}

const RECEIVED: ToolOutcome = { ok: true, output: "received" };

/** To the other calls of the step that a trace ends with, where they were not to run. */
export const NOT_RUN_AT_END: ToolOutcome = {
  ok: false,
  error: { code: NOT_RUN, message: "No tool runs any more: this is the trace's last step." },
};

/** To the calls of a step for which there would be no room with what they answer: a wrap-up follows. */
export const NO_ROOM: ToolOutcome = {
  ok: false,
  error: {
    code: NOT_RUN,
    message:
      "Not run: the record of your work has no room for what it would answer, or for an answer as long.",
  },
};

/** @param failed the tool's name */
function notSubmitted(failed: string): ToolOutcome {
  const message = `not submitted: ${failed} failed; look at its error, then submit again`;
  return { ok: false, error: { code: "not_submitted", message } };
}

/** To a submission that is not the one that counts. */
function refused({ input }: ToolCall): ToolOutcome {
  if (hasResult(input))
    return {
      ok: false,
      error: { code: NOT_RUN, message: "Of one answer only the first submission counts." },
    };
  const message = `${SUBMIT_TOOL} was not taken; fix the arguments. result: is missing`;
  return { ok: false, error: { code: "invalid_arguments", message } };
}

/** Of the calls, the one that hands the result in; -1: none does. */
function submissionAt(toolCalls: readonly ToolCall[]): number {
  return toolCalls.findIndex(({ name, input }) => name === SUBMIT_TOOL && hasResult(input));
}

function hasResult(input: JsonValue): boolean {
  return resultIn(input) !== undefined;
}

function resultIn(input: JsonValue): JsonValue | undefined {
  if (typeof input !== "object" || input === null || !("result" in input)) return undefined;
  return (input as { readonly result?: JsonValue }).result;
}

/** Within what is kept of a result: in characters, and in bytes, since it stands in a row of its task's room. */
function bounded(result: string): string {
  const whole = result.toWellFormed();
  if (whole.length <= MAX_RESULT_CHARS && utf8Bytes(JSON.stringify(whole)) <= MAX_RESULT_BYTES) return whole;
  return `${beginningWithin(whole.slice(0, MAX_RESULT_CHARS - CUT.length), MAX_RESULT_BYTES - CUT_BYTES)}${CUT}`;
}
