/** Whether a trace's journal takes one more step (`market/journal-limits.ts`). */
import { MAX_ANSWER_BYTES, MAX_OUTCOME_BYTES, MAX_TRACE_BYTES } from "../market/journal-limits.ts";
import { MAX_CALLS_PER_STEP, type AnsweredStep } from "../market/step.ts";
import { utf8Bytes } from "../market/utf8.ts";
import type { AwardDoc, Journal } from "./journal.ts";
import { lineOf } from "./line.ts";

/** What its tools will answer counts at its most: once they have run, they are to have room. */
export function hasRoomFor(journal: Journal, award: AwardDoc, step: AnsweredStep): boolean {
  const bytes = utf8Bytes(JSON.stringify(step));
  const tools = Math.min(step.toolCalls.length, MAX_CALLS_PER_STEP) * MAX_OUTCOME_BYTES;
  return bytes <= MAX_ANSWER_BYTES && journal.stepBytes(lineOf(award)) + bytes + tools <= MAX_TRACE_BYTES;
}
