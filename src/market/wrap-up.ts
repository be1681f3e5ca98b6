/**
 * The wrap-up: the one step that a limit of a trace leaves, in which the agent hands in what it has. Pure.
 *
 * Whoever holds the trace decides by what is committed and by the clock, so that the next holder decides alike. What the
 * wrap-up needs is kept back while the trace still goes on: a step, money for its call, time, and room in the journal.
 */
import type { FailureReason } from "./task.ts";

/** Why an agent is asked to wrap up, and how the task ends where it hands nothing in. */
export type WrapUpLimit = Extract<
  FailureReason,
  "step_limit" | "cost_limit" | "budget" | "deadline" | "context_limit" | "journal_limit"
>;

/** Ours: most output of a wrap-up's call, reasoning included, in tokens. Room for a result, and for little more. */
export const WRAP_UP_OUTPUT_TOKENS = 4_096;

/**
 * Ours: what a step's own words are taken to come to when they are read back, in bytes for each token of its output. What
 * is kept back for a wrap-up behind a step is counted so, since bounds count bytes.
 */
export const READ_BACK_BYTES = 4;

/** Ours: no call is taken to need less, in milliseconds, unless that were more than a tenth of the trace's time. */
const LEAST_CALL_MS = 5_000;
const LEAST_CALL_SHARE = 0.1;

/** A trace's time, in milliseconds since 1970, and the longest of its calls so far, in milliseconds. */
export interface TraceTimes {
  readonly awardedAtMs: number;
  readonly deadlineAtMs: number;
  readonly longestCallMs: number;
}

/** Until when what the trace does may take, so that there is time left for a wrap-up: as long as its longest call took. */
export function workUntilMs(times: TraceTimes): number {
  return times.deadlineAtMs - callMs(times);
}

/** From when on nothing but the wrap-up is begun: another step would, like the longest so far, not leave time for it. */
export function wrapUpFromMs(times: TraceTimes): number {
  return workUntilMs(times) - callMs(times);
}

function callMs({ awardedAtMs, deadlineAtMs, longestCallMs }: TraceTimes): number {
  const least = Math.min(LEAST_CALL_MS, LEAST_CALL_SHARE * (deadlineAtMs - awardedAtMs));
  return Math.max(longestCallMs, least);
}

/** Code of the answer to a tool call that a wrap-up made beside or in place of its result: none of them runs. */
export const NOT_RUN = "not_run";
