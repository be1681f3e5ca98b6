/**
 * Deliveries in the market room: made in the transaction that ends a task, handed to consumers, settled by their reports.
 *
 * Called inside the room's transactions.
 */
import {
  abandonDelivery,
  claimDelivery,
  endAttempt,
  openDelivery,
  redeliver,
  type Delivery,
  type DeliveryReport,
} from "../../market/delivery.ts";
import type { TaskRow } from "../../market/history-row.ts";
import { newId, type Source, type WebhookId } from "../../market/ids.ts";
import {
  hears,
  signingSecrets,
  TEST_EVENT_TYPE,
  type TaskEventType,
  type Webhook,
  type WebhookEventType,
} from "../../market/webhook.ts";
import type { MarketTask } from "../task-store.ts";
import { taskData } from "./task-data.ts";
import type { ClaimedDeliveries } from "./webhook-api.ts";
import type { WebhookCalls } from "./webhook-calls.ts";
import type { WebhookStore } from "./webhook-store.ts";

/** Attempts at one endpoint at a time: an invocation has six connections. */
export const AT_ONCE = 5;
/** So many may be pending for an endpoint. What comes beyond that is kept as failed, and sent on request. */
export const MAX_PENDING = 5_000;

export interface DeliveryDeskParts {
  readonly store: WebhookStore;
  readonly calls: WebhookCalls;
  readonly source: Source;
}

interface NewEvent {
  readonly type: WebhookEventType;
  readonly taskId: Delivery["taskId"];
  readonly data: object;
  readonly atMs: number;
}

export class DeliveryDesk {
  readonly #store: WebhookStore;
  readonly #calls: WebhookCalls;
  readonly #source: Source;

  constructor({ store, calls, source }: DeliveryDeskParts) {
    this.#store = store;
    this.#calls = calls;
    this.#source = source;
  }

  /**
   * A task has a final state: one delivery for every endpoint that is to hear of it. A calibration's runs are the
   * operator's own, and nobody's event.
   */
  taskEnded(task: MarketTask, rowOf: () => TaskRow): void {
    if (task.calibrates !== null || task.end === null) return;
    const type: TaskEventType = `task.${task.end.state}`;
    const listeners = this.#store.all().filter((webhook) => hears(webhook, type));
    if (listeners.length === 0) return;
    const atMs = task.endedAtMs ?? this.#source.now();
    const event = { type, taskId: task.taskId, data: taskData(rowOf()), atMs };
    for (const webhook of listeners) this.#open(webhook, event);
  }

  /** Whether anything waits to be sent. */
  hasPending(): boolean {
    return this.#store.hasAnyPending();
  }

  /** An event that says nothing, for whoever sets an endpoint up. */
  sendTest(webhook: Webhook): Delivery {
    const { webhookId } = webhook;
    const atMs = this.#source.now();
    return this.#open(webhook, { type: TEST_EVENT_TYPE, taskId: null, data: { webhookId }, atMs });
  }

  #open({ webhookId }: Webhook, { type, taskId, data, atMs }: NewEvent): Delivery {
    const deliveryId = newId("dlv", this.#source);
    const payload = JSON.stringify({ type, timestamp: new Date(atMs).toISOString(), data });
    const made = { deliveryId, webhookId, type, taskId, payload, createdAtMs: this.#source.now() };
    const delivery = openDelivery(made, this.#store.hasPending(webhookId, MAX_PENDING));
    this.#store.add(delivery);
    this.#calls.touch(webhookId);
    return delivery;
  }

  redeliver(delivery: Delivery): Delivery {
    const again = redeliver(delivery, this.#source.now());
    this.#keep(again);
    return again;
  }

  /** Hands out what is due, each to this caller alone; null where there is nothing, or others have as many as go at once. */
  claim(webhookId: WebhookId): ClaimedDeliveries | null {
    const webhook = this.#store.find(webhookId);
    const nowMs = this.#source.now();
    this.#calls.touch(webhookId);
    if (webhook === null) return null;
    const free = AT_ONCE - this.#store.countHeld(webhookId, nowMs);
    const due = free > 0 ? this.#store.due(webhookId, nowMs, free) : [];
    const kept = due.map((delivery) => claimDelivery(delivery, nowMs));
    for (const delivery of kept) this.#keep(delivery);
    const claimed = kept.filter(({ heldUntilMs }) => heldUntilMs > nowMs);
    if (claimed.length === 0) return null;
    const deliveries = claimed.map(({ deliveryId, payload, claim, run }) => ({
      deliveryId,
      payload,
      claim,
      run,
    }));
    return { url: webhook.url, secrets: signingSecrets(webhook, nowMs), deliveries };
  }

  /** An endpoint that says that it is gone (410) is sent nothing any more; unless it has moved since it was asked. */
  report(webhookId: WebhookId, reports: readonly DeliveryReport[]): void {
    const nowMs = this.#source.now();
    const webhook = this.#store.find(webhookId);
    let gone = false;
    for (const report of reports) {
      const delivery = this.#store.findDelivery(webhookId, report.deliveryId);
      // Deleted meanwhile, with its endpoint.
      if (delivery === null) continue;
      const isThere = report.url === undefined || report.url === webhook?.url;
      gone ||= isThere && report.attempt.status === 410 && report.claim === delivery.claim;
      this.#keep(endAttempt(delivery, report, { nowMs, chance: this.#source.random() }));
    }
    if (gone && webhook?.disabled === null) this.disable(webhook, "gone");
  }

  /** Nothing more is sent to it, and what waits has failed. */
  disable(webhook: Webhook, reason: NonNullable<Webhook["disabled"]>["reason"]): Webhook {
    const disabled = { ...webhook, disabled: { reason, atMs: this.#source.now() } };
    this.#store.put(disabled);
    for (const delivery of this.#store.pending(webhook.webhookId)) this.#keep(abandonDelivery(delivery));
    return disabled;
  }

  /** Its endpoint is deleted, and its deliveries with it. */
  forgotten(webhookId: WebhookId): void {
    this.#calls.touch(webhookId);
  }

  #keep(delivery: Delivery): void {
    this.#store.keep(delivery);
    this.#calls.touch(delivery.webhookId);
  }
}
