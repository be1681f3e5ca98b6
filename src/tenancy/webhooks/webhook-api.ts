/** What a market room offers for its tenant's webhooks (over RPC: plain data in and out). */
import type { Delivery, DeliveryReport } from "../../market/delivery.ts";
import type { DeliveryId, WebhookId } from "../../market/ids.ts";
import type { Result } from "../../market/result.ts";
import type { TaskEventType, Webhook } from "../../market/webhook.ts";
import type { IdempotencyConflict, IdempotentRequest, Replay } from "../idempotency.ts";
import type { DeliveryQuery } from "./webhook-store.ts";

/** What a tenant says of an endpoint. */
export interface WebhookSettings {
  readonly url: string;
  readonly description: string;
  readonly events: readonly TaskEventType[] | null;
}

/** `by`: hash of the key that asks. */
export type WebhookOrder = {
  readonly by: string;
  /** Of orders that make or send something; null or absent: the client does not mind having it done again. */
  readonly idempotency?: IdempotentRequest | null;
} & (
  | { readonly kind: "list" }
  | { readonly kind: "create"; readonly settings: WebhookSettings; readonly secret: string }
  | ({ readonly webhookId: WebhookId } & (
      | { readonly kind: "read" | "remove" }
      /** What is not named stays as it is. */
      | { readonly kind: "change"; readonly settings: Partial<WebhookSettings>; readonly enabled?: boolean }
      | { readonly kind: "rotate"; readonly secret: string; readonly overlapS: number }
      | { readonly kind: "test" }
      | { readonly kind: "deliveries"; readonly query: DeliveryQuery }
      | { readonly kind: "redeliver"; readonly deliveryId: DeliveryId }
    ))
);

/** An endpoint as its tenant sees it: without its secrets. */
export type WebhookView = Omit<Webhook, "secrets"> & {
  /** When the last secret from before a rotation stops signing; null: the newest alone signs. */
  readonly overlapUntilMs: number | null;
};
/** A delivery as its tenant sees it. */
export type DeliveryView = Omit<Delivery, "payload" | "run" | "claim" | "heldUntilMs">;

export interface WebhookRefusal {
  readonly reason:
    | "unauthenticated"
    | "forbidden"
    | "webhook_not_found"
    | "delivery_not_found"
    | "webhook_disabled"
    | "too_many_webhooks"
    | IdempotencyConflict["reason"];
}

/** What the order was about: endpoints, or deliveries. */
export interface WebhooksTold {
  readonly webhooks: readonly WebhookView[];
  readonly deliveries: readonly DeliveryView[];
  /** Null or absent: it was done now. */
  readonly replay?: Replay | null;
}

export type WebhookAnswer = Result<WebhooksTold, WebhookRefusal>;

/** Deliveries handed to one consumer, and where they go. */
export interface ClaimedDeliveries {
  readonly url: string;
  /** Those that sign now, newest first. Never logged. */
  readonly secrets: readonly string[];
  readonly deliveries: readonly Pick<Delivery, "deliveryId" | "payload" | "claim" | "run">[];
}

export interface WebhookApi {
  manageWebhooks(order: WebhookOrder): Promise<WebhookAnswer>;
  /** What is due to this endpoint, for this caller alone until it reports or a claim's time is over; null: nothing. */
  claimDeliveries(webhookId: WebhookId): Promise<ClaimedDeliveries | null>;
  reportDeliveries(webhookId: WebhookId, reports: readonly DeliveryReport[]): Promise<void>;
}
