/**
 * Takeover: where the agent of a trace cannot go on, the next best bidder of the same auction goes on with its steps. Pure.
 *
 * It says nothing of the result that the first one would have had: a takeover is no attempt more by the rules of verified
 * escalation, and no verdict on either agent.
 */
import type { Agent } from "./agent.ts";
import type { EndReport } from "./report.ts";
import { ZERO_MICROS } from "./money.ts";
import type { Forecast } from "./sale/forecast.ts";
import type { AnsweredStep, ToolOutcome } from "./step.ts";
import type { FailureReason } from "./task.ts";
import { utf8Bytes } from "./utf8.ts";

/** Ours: most takeovers of one task. Where so many providers in a row fail, it is hardly the providers. */
export const MAX_TAKEOVERS = 3;

/**
 * What another agent can be better at: a provider that failed after all retries, holders that die with this agent again and
 * again, be it by what it answers, and a window that does not take what there was before its first own step. All else is the
 * task's own end: its limits, its time, its tenant's word.
 */
const REASONS = [
  "agent_failed",
  "trace_abandoned",
  "context_limit",
] as const satisfies readonly FailureReason[];
export type TakeoverReason = (typeof REASONS)[number];

function isTakeoverReason(reason: FailureReason): reason is TakeoverReason {
  return (REASONS as readonly FailureReason[]).includes(reason);
}

/** @param ownSteps that the agent has made itself: what they fill is its own */
export function handsOn(reason: FailureReason, ownSteps: number): boolean {
  return isTakeoverReason(reason) && (reason !== "context_limit" || ownSteps === 0);
}

/** Why another agent may go on with the steps of the attempt that is reported; null: nobody may. */
export function takeoverReasonOf({ attempt, end, handsOn: isHandedOn }: EndReport): TakeoverReason | null {
  if (attempt < 1 || isHandedOn !== true || end.state !== "failed") return null;
  return isTakeoverReason(end.reason) ? end.reason : null;
}

/** Ours: markup around a message, a call, or its answer. */
const FRAME_BYTES = 100;

/** A conversation as an agent that takes over reads it, in UTF-8. */
export function contextBytesOf(
  steps: readonly { readonly answered: AnsweredStep; readonly outcomes: readonly ToolOutcome[] | null }[],
): number {
  return steps.reduce((sum, { answered, outcomes }) => {
    const { text, toolCalls } = answered;
    const frames = FRAME_BYTES * (1 + toolCalls.length);
    return sum + frames + utf8Bytes(text) + jsonBytes(toolCalls) + jsonBytes(outcomes ?? []);
  }, 0);
}

function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value));
}

/** Ours: no text comes to less than a token for so many bytes of it. A context that is fitted into a window holds to it. */
export const MOST_BYTES_PER_TOKEN = 5;

/** Of such a conversation, most that an agent is sent: what its window does not take is shortened before. In UTF-8. */
export function shownBytesTo({ contextTokens }: Pick<Agent, "contextTokens">, contextBytes: number): number {
  return Math.min(contextBytes, contextTokens * MOST_BYTES_PER_TOKEN);
}

/**
 * Of the rest of a trace nothing is known but what its next call is held at: forecasts are of whole traces, and how much is
 * done already nobody can say. So what stands is gone on with wherever that call can be made in time.
 */
export function restOf(forecast: Forecast): Forecast {
  return { ...forecast, medianMicros: ZERO_MICROS, medianMs: null, medianSteps: null };
}
