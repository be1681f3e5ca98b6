/**
 * What of a tenant does not go on by itself, or not as it should: looked for in its market room when its operator asks.
 * Reads only, and no more than so much.
 */
import type { Outbox } from "../durable/outbox.ts";
import type { TaskId } from "../market/ids.ts";
import { isFinal } from "../market/task.ts";
import type { MarketDesk } from "./market-desk.ts";
import type { OwedToTaskRoom } from "./market-desk.ts";
import type { StuckFinding, StuckFindings } from "./stuck-api.ts";
import { beganAtMs, type LeanTask } from "./task-store.ts";
import type { FailingEndpoint } from "./webhooks/webhook-store.ts";

/** Ours: what is short of these is how things go. */
export const MIN_LAPSES = 2;
export const MIN_REMINDERS = 3;
const MIN_TRIES = 3;
const LONG_WAIT_MS = 15 * 60 * 1_000;
/** A deadline's timer, its holder's lease and the report take some time. */
const OVERDUE_MS = 2 * 60 * 1_000;
/** Findings of a tenant, and rooms of its tasks that are looked into. */
const MAX_FINDINGS = 50;
const MAX_ROOMS = 50;

export interface FindingParts {
  readonly desk: MarketDesk;
  readonly outbox: Outbox<OwedToTaskRoom>;
  readonly failingEndpoints: (tries: number, limit: number) => FailingEndpoint[];
}

export function findStuck({ desk, outbox, failingEndpoints }: FindingParts): StuckFindings {
  const nowMs = desk.now();
  const open = desk.store.tasks
    .all()
    .filter((task) => !isFinal(task.state))
    .toReversed();
  const parked = desk.store.history.parked();
  const findings: StuckFinding[] = [
    ...open.flatMap((task) => findingsOf(task, nowMs)),
    ...outbox.failing(MIN_TRIES, MAX_FINDINGS).map(({ lane, tries, sinceMs, errorClass }) => ({
      kind: "outbox" as const,
      // SAFETY: the outbox's lanes are ids of tasks.
      taskId: lane as TaskId,
      why: `The task's room could not be told something ${tries} times (${errorClass}); it is tried again every minute.`,
      sinceMs,
    })),
    ...(parked === null
      ? []
      : [
          {
            kind: "history_parked" as const,
            taskId: null,
            why: `The history has refused ${parked.rows} rows, which are kept aside in the market room.`,
            sinceMs: null,
          },
        ]),
    ...failingEndpoints(MIN_TRIES, MAX_FINDINGS).map(({ webhookId, pending, tries, sinceMs, disabled }) => ({
      kind: "webhook" as const,
      taskId: null,
      why: disabled
        ? `The endpoint ${webhookId} says that it is gone, and is sent nothing any more.`
        : `${pending} deliveries wait for the endpoint ${webhookId}, which failed ${tries} times in a row.`,
      sinceMs,
    })),
  ];
  const awarded = open.filter(({ state, heldBackSinceMs }) => state === "awarded" && heldBackSinceMs == null);
  // A checker is asked by holders, too.
  const waiting = open.filter(({ state }) => state === "waiting");
  return {
    findings: findings.slice(0, MAX_FINDINGS),
    running: [...awarded, ...waiting].slice(0, MAX_ROOMS).map(({ taskId }) => taskId),
  };
}

function findingsOf(task: LeanTask, nowMs: number): StuckFinding[] {
  const { taskId, state, lease, limits, heldBackSinceMs = null } = task;
  const found: StuckFinding[] = [];
  const add = (kind: StuckFinding["kind"], why: string, sinceMs: number | null) =>
    found.push({ kind, taskId, why, sinceMs });
  if (lease !== null && lease.lapses >= MIN_LAPSES)
    add(
      "auction",
      `Its auction was taken up ${lease.lapses} times by holders that were not heard of again.`,
      null,
    );
  if (lease !== null && lease.reminders >= MIN_REMINDERS)
    add(
      "auction",
      `Its auction was announced ${lease.reminders + 1} times, and nobody has taken it up.`,
      null,
    );
  const waitsSinceMs = state === "admitted" && lease === null ? beganAtMs(task) : heldBackSinceMs;
  if (waitsSinceMs !== null && nowMs - waitsSinceMs >= LONG_WAIT_MS)
    add(
      "waits",
      `It waits for its turn for its ${state === "admitted" ? "auction" : "trace"}.`,
      waitsSinceMs,
    );
  // One that waits for its verdict has a time of its own, and its room has the timer.
  const isTimed = task.quote == null && state !== "waiting";
  const dueAtMs = isTimed ? beganAtMs(task) + (limits?.deadlineS ?? Infinity) * 1_000 : Infinity;
  if (nowMs >= dueAtMs + OVERDUE_MS)
    add("overdue", "Its deadline has passed, and it has not ended.", dueAtMs);
  return found;
}
