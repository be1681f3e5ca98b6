/**
 * What a trace's journal takes (`market/journal-limits.ts`). While the trace goes on, the room of a wrap-up is kept back, as
 * its money and its time are (`market/wrap-up.ts`).
 */
import {
  MAX_ANSWER_BYTES,
  MAX_OUTCOME_BYTES,
  MAX_TRACE_BYTES,
  WRAP_UP_BYTES,
} from "../market/journal-limits.ts";
import { isKept } from "../market/last-step.ts";
import { MAX_CALLS_PER_STEP, type AnsweredStep, type ToolOutcome } from "../market/step.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { READ_BACK_BYTES } from "../market/wrap-up.ts";
import type { AwardDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";

/** What its tools will answer counts at its most: once they have run, they are to have room. */
export function hasRoomFor({ journal }: Room, award: AwardDoc, step: AnsweredStep): boolean {
  const bytes = utf8Bytes(JSON.stringify(step));
  const tools = Math.min(step.toolCalls.length, MAX_CALLS_PER_STEP) * MAX_OUTCOME_BYTES;
  const used = journal.stepBytes(lineOf(award)) + WRAP_UP_BYTES;
  return bytes <= MAX_ANSWER_BYTES && used + bytes + tools <= MAX_TRACE_BYTES;
}

/** The same of a step whose tools do not run. */
export function hasRoomAnswered(
  { journal }: Room,
  award: AwardDoc,
  { step, outcomes }: { readonly step: AnsweredStep; readonly outcomes: readonly ToolOutcome[] },
): boolean {
  return isKept(step, outcomes, journal.stepBytes(lineOf(award)) + WRAP_UP_BYTES);
}

/** Of the next answer all that may be written counts, as it is taken to be read back: it stands there twice. */
export function hasRoomToGoOn(room: Room, award: AwardDoc): boolean {
  const { pool, spec } = room.mustOpening();
  const { maxOutputTokens = Infinity } = pool.find(({ id }) => id === award.agentId) ?? {};
  const answer = 2 * READ_BACK_BYTES * Math.min(maxOutputTokens, spec.limits.maxOutputTokens);
  return room.journal.stepBytes(lineOf(award)) + answer + WRAP_UP_BYTES <= MAX_TRACE_BYTES;
}
