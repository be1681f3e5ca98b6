/** Webhooks and their deliveries as the API shows them. */
import type { DeliveryView, WebhookView } from "../tenancy/webhooks/webhook-api.ts";

export function webhookJson(webhook: WebhookView): Record<string, unknown> {
  const { webhookId, url, description, events, disabled, overlapUntilMs, createdAtMs } = webhook;
  return {
    object: "webhook",
    id: webhookId,
    url,
    description,
    /** Null: every final state. */
    events,
    enabled: disabled === null,
    disabled: disabled === null ? null : { reason: disabled.reason, at: iso(disabled.atMs) },
    /** Until when a secret from before a rotation signs, too. */
    previousSecretUntil: overlapUntilMs === null ? null : iso(overlapUntilMs),
    createdAt: iso(createdAtMs),
  };
}

/** `id` is the `webhook-id` of every attempt. */
export function deliveryJson(delivery: DeliveryView): Record<string, unknown> {
  const { deliveryId, webhookId, type, taskId, state, reason, createdAtMs, dueAtMs, attempts } = delivery;
  return {
    object: "webhook_delivery",
    id: deliveryId,
    webhookId,
    type,
    taskId,
    state,
    reason,
    createdAt: iso(createdAtMs),
    nextAttemptAt: state === "pending" ? iso(dueAtMs) : null,
    attempts: attempts.map(({ atMs, ...attempt }) => ({ at: iso(atMs), ...attempt })),
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();
