/**
 * One event on its way to one webhook endpoint: tries, retries, and what is kept of them. Pure.
 *
 * At least once: a holder that dies after it has sent and before it has said so leaves the delivery to the next one, which
 * sends it again under the same id. One holder at a time has it, under a claim; what anybody but the latest one says
 * changes nothing.
 */
import type { DeliveryId, TaskId, WebhookId } from "./ids.ts";
import type { WebhookEventType } from "./webhook.ts";

const S = 1_000;
const MIN = 60 * S;
const HOUR = 60 * MIN;
/** From each failure to the next try: the schedule that the Standard Webhooks specification gives; it ends after three days. */
export const RETRY_AFTER_MS: readonly number[] = [
  5 * S,
  5 * MIN,
  30 * MIN,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
/** Each wait is spread by this share to both sides: what failed together does not come back together. */
export const JITTER = 0.1;
/** A receiver that asks for more time than this gets this much. */
export const MAX_RETRY_AFTER_MS = 24 * HOUR;
/** Longest time that one attempt takes, its name's resolution included; see `send-webhook.ts`. */
export const ATTEMPT_MS = 20 * S;
/** Whoever has not reported by then has died: a batch is sent side by side, and every attempt ends by itself before. */
export const DELIVERY_CLAIM_MS = 3 * ATTEMPT_MS;
/** Attempts that are kept of a delivery, the latest ones. */
export const MAX_KEPT_ATTEMPTS = 20;

/** How an attempt went wrong: closed, so that clients can switch on it. */
export type AttemptError =
  /** An answer that is not 2xx. */
  | "status"
  /** Answers that lead elsewhere are not followed. */
  | "redirect"
  | "timeout"
  /** No connection, or it broke. */
  | "unreachable"
  /** The name has no address, or nobody could be asked. */
  | "unresolved"
  /** The address is not the public internet's. */
  | "not_public"
  /** Whoever was to send it has died, perhaps after it had sent. */
  | "lost";

export interface Attempt {
  readonly atMs: number;
  readonly ms: number;
  /** Null: there was no answer. */
  readonly status: number | null;
  /** Null: delivered. */
  readonly error: AttemptError | null;
}

export type DeliveryState = "pending" | "delivered" | "failed";
export const DELIVERY_STATES = ["pending", "delivered", "failed"] as const satisfies DeliveryState[];

export interface Delivery {
  /** Also the `webhook-id` of every attempt. */
  readonly deliveryId: DeliveryId;
  readonly webhookId: WebhookId;
  readonly type: WebhookEventType;
  readonly taskId: TaskId | null;
  /** The body, byte for byte the same with every attempt. */
  readonly payload: string;
  readonly createdAtMs: number;
  readonly state: DeliveryState;
  /** Why it failed: tried as often as it is to be; its endpoint was disabled; or too many waited already. */
  readonly reason: "exhausted" | "disabled" | "backlog" | null;
  /** Failures of the current run through the schedule; asking for a redelivery begins a new one. */
  readonly failures: number;
  /** Number of that run, from 1. */
  readonly run: number;
  readonly claim: number;
  readonly heldUntilMs: number;
  readonly dueAtMs: number;
  readonly attempts: readonly Attempt[];
}

export interface DeliveryReport {
  readonly deliveryId: DeliveryId;
  /** Where it was sent; absent: from a Worker of the version before. */
  readonly url?: string;
  readonly claim: number;
  readonly run: number;
  readonly attempt: Attempt;
  /** What the receiver asked for (`Retry-After`); null: nothing. */
  readonly retryAfterMs: number | null;
}

export type NewDelivery = Pick<
  Delivery,
  "deliveryId" | "webhookId" | "type" | "taskId" | "payload" | "createdAtMs"
>;

/** @param backlog true: too many wait for this endpoint; it is kept, and sent when somebody asks for it */
export function openDelivery(made: NewDelivery, backlog: boolean): Delivery {
  const idle = { failures: 0, run: 1, claim: 0, heldUntilMs: 0, attempts: [] };
  const sent = { state: "pending", reason: null, dueAtMs: made.createdAtMs } as const;
  return { ...made, ...idle, ...sent, ...(backlog && { state: "failed", reason: "backlog" }) };
}

/** When somebody may next be given it; null: it is settled. */
export function deliveryDueAt({ state, dueAtMs, heldUntilMs }: Delivery): number | null {
  return state === "pending" ? Math.max(dueAtMs, heldUntilMs) : null;
}

/** Hands it to one holder; the caller has seen that it is due. Not handed out where its last holder died, and it is to wait. */
export function claimDelivery(delivery: Delivery, nowMs: number): Delivery {
  const free = delivery.heldUntilMs > 0 ? lose(delivery) : delivery;
  if (free.state !== "pending" || free.dueAtMs > nowMs) return free;
  return { ...free, claim: free.claim + 1, heldUntilMs: nowMs + DELIVERY_CLAIM_MS };
}

/** Its holder's time is over without a word. That counts as a failure: also what kills its holders comes to an end. */
function lose(delivery: Delivery): Delivery {
  const atMs = delivery.heldUntilMs - DELIVERY_CLAIM_MS;
  const attempt = { atMs, ms: DELIVERY_CLAIM_MS, status: null, error: "lost" } as const;
  const report = { ...delivery, attempt, retryAfterMs: null };
  return endAttempt(delivery, report, { nowMs: atMs, chance: 0.5 });
}

/** @param chance uniform in [0, 1) */
export function endAttempt(
  delivery: Delivery,
  report: DeliveryReport,
  { nowMs, chance }: { readonly nowMs: number; readonly chance: number },
): Delivery {
  if (report.claim !== delivery.claim) return delivery;
  const attempts = [...delivery.attempts, report.attempt].slice(-MAX_KEPT_ATTEMPTS);
  const free = { ...delivery, attempts, heldUntilMs: 0 };
  // Asked for anew meanwhile: this attempt is not the one that was asked for.
  if (report.run !== delivery.run) return free;
  // Also where its endpoint was disabled meanwhile: it has come through.
  if (report.attempt.error === null) return { ...free, state: "delivered", reason: null };
  if (delivery.state !== "pending") return free;
  const failures = delivery.failures + 1;
  const wait = RETRY_AFTER_MS[delivery.failures];
  if (wait === undefined) return { ...free, failures, state: "failed", reason: "exhausted" };
  const spread = wait * (1 + JITTER * (2 * chance - 1));
  const asked = Math.min(report.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
  return { ...free, failures, dueAtMs: nowMs + Math.round(Math.max(spread, asked)) };
}

/** Sent once more, as soon as may be, whatever became of it; a new run through the schedule. */
export function redeliver(delivery: Delivery, nowMs: number): Delivery {
  const run = delivery.run + 1;
  return { ...delivery, state: "pending", reason: null, failures: 0, run, dueAtMs: nowMs };
}

/** Its endpoint is sent nothing any more. */
export function abandonDelivery(delivery: Delivery): Delivery {
  return { ...delivery, state: "failed", reason: "disabled" };
}
