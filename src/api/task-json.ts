/** Tasks as the API shows them: times as ISO 8601, money in micro-USD and in USD. */
import type { TaskRow } from "../market/history-row.ts";
import { asMicros, microsToUsd } from "../market/money.ts";
import type { CalibratedAuction } from "../market/policy.ts";
import type { TaskView } from "../taskroom/task-room-api.ts";

type EarlierAttempt = NonNullable<TaskView["earlierAttempts"]>[number];

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** One task in full. */
export function taskJson(view: TaskView): Record<string, unknown> {
  const { admittedAtMs, deadlineAtMs, endedAtMs, waitsUntilMs = null, ...more } = view;
  const { quote, earlierAttempts = [], ...rest } = more;
  return {
    object: "task",
    ...rest,
    earlierAttempts: earlierAttempts.map(attemptJson),
    quote: quote === null ? null : quoteRefJson(quote),
    costUsd: microsToUsd(view.costMicros),
    admittedAt: iso(admittedAtMs),
    deadlineAt: iso(deadlineAtMs),
    waitsUntil: iso(waitsUntilMs),
    endedAt: iso(endedAtMs),
  };
}

function attemptJson({ awardedAtMs, endedAtMs, ...rest }: EarlierAttempt): object {
  const costUsd = microsToUsd(rest.costMicros);
  return { ...rest, costUsd, awardedAt: iso(awardedAtMs), endedAt: iso(endedAtMs) };
}

function quoteRefJson({ id, expiresAtMs, acceptedAtMs }: NonNullable<TaskView["quote"]>) {
  return { id, expiresAt: iso(expiresAtMs), acceptedAt: iso(acceptedAtMs) };
}

/** The auction that a calibration run adds an outcome to; null for every task that the tenant submitted. */
function calibratedOf({ calibratesTaskId, calibratesAuctionId }: TaskRow): CalibratedAuction | null {
  if (calibratesTaskId === null || calibratesAuctionId === null) return null;
  return { taskId: calibratesTaskId, auctionId: calibratesAuctionId };
}

/** One task of a list: figures only. */
export function taskRowJson(row: TaskRow): Record<string, unknown> {
  return {
    object: "task",
    id: row.taskId,
    sequence: row.sequence,
    state: row.state,
    outcome: row.outcome,
    failureReason: row.state === "no_sale" ? null : row.failureReason,
    noSaleReason: row.state === "no_sale" ? row.failureReason : null,
    agentId: row.agentId,
    attempts: row.attempts,
    calibrates: calibratedOf(row),
    costMicros: row.costMicros,
    costUsd: microsToUsd(asMicros(row.costMicros)),
    admittedAt: iso(row.admittedAtMs),
    endedAt: iso(row.endedAtMs),
  };
}
