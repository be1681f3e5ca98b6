/**
 * What a trace's journal takes (`market/journal-limits.ts`). While the trace goes on, the room of a wrap-up is kept back, as
 * its money and its time are (`market/wrap-up.ts`).
 */
import {
  CUT_STEP_BYTES,
  MAX_ANSWER_BYTES,
  MAX_OUTCOME_BYTES,
  MAX_REFUSAL_BYTES,
  MAX_STEP_BYTES,
  MAX_TRACE_BYTES,
  WRAP_UP_BYTES,
} from "../market/journal-limits.ts";
import { isKept, type ClosedStep } from "../market/last-step.ts";
import { MAX_CALLS_PER_STEP, type AnsweredStep } from "../market/step.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { READ_BACK_BYTES } from "../market/wrap-up.ts";
import type { AwardDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";

/** What its tools will answer counts at its most: once they have run, they are to have room. */
export function hasRoomFor({ journal }: Room, award: AwardDoc, step: AnsweredStep): boolean {
  const bytes = utf8Bytes(JSON.stringify(step));
  const calls = step.toolCalls.length;
  const run = Math.min(calls, MAX_CALLS_PER_STEP);
  const whole = bytes + run * MAX_OUTCOME_BYTES + (calls - run) * MAX_REFUSAL_BYTES;
  const used = journal.stepBytes(lineOf(award)) + WRAP_UP_BYTES;
  return bytes <= MAX_ANSWER_BYTES && whole <= MAX_STEP_BYTES && used + whole <= MAX_TRACE_BYTES;
}

/** The same of a step whose tools do not run. */
export function hasRoomAnswered({ journal }: Room, award: AwardDoc, closed: ClosedStep): boolean {
  return isKept(closed, journal.stepBytes(lineOf(award)) + WRAP_UP_BYTES);
}

/**
 * Of the next answer all that may be written counts, as it is taken to be read back: it stands there twice. One that takes
 * more bytes for its tokens (other scripts, text that JSON escapes, reasoning under a cipher) has room for its beginning.
 */
export function hasRoomToGoOn(room: Room, award: AwardDoc): boolean {
  const { pool, spec } = room.mustOpening();
  const { maxOutputTokens = Infinity } = pool.find(({ id }) => id === award.agentId) ?? {};
  const answer = 2 * READ_BACK_BYTES * Math.min(maxOutputTokens, spec.limits.maxOutputTokens);
  const next = Math.max(answer, CUT_STEP_BYTES);
  return room.journal.stepBytes(lineOf(award)) + next + WRAP_UP_BYTES <= MAX_TRACE_BYTES;
}
