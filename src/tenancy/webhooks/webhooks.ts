/** A market room's webhooks, wired together. */
import type { Timers } from "../../durable/timers.ts";
import type { Source, WebhookId } from "../../market/ids.ts";
import type { KeyStore } from "../key-store.ts";
import type { Replays } from "../replays.ts";
import { DeliveryDesk } from "./delivery-desk.ts";
import { WebhookCalls } from "./webhook-calls.ts";
import { WebhookDesk } from "./webhook-desk.ts";
import { WebhookStore, type FailingEndpoint } from "./webhook-store.ts";

export interface WebhooksParts {
  readonly storage: DurableObjectStorage;
  readonly timers: Timers;
  readonly source: Source;
  readonly keys: KeyStore;
  readonly replays: Replays;
  /** False once the tenant's erasure has begun: nothing is sent any more. */
  readonly isLive: () => boolean;
  /** Calls the consumer for an endpoint; what is sent may get lost. */
  readonly send: (webhookId: WebhookId) => void;
}

export class Webhooks {
  readonly desk: WebhookDesk;
  readonly deliveries: DeliveryDesk;
  readonly calls: WebhookCalls;
  readonly #store: WebhookStore;

  constructor({ storage, timers, source, keys, replays, isLive, send }: WebhooksParts) {
    const store = new WebhookStore(storage);
    this.#store = store;
    this.calls = new WebhookCalls({
      timers,
      now: source.now,
      dueAtMs: (webhookId) => (isLive() ? store.dueAtMs(webhookId) : null),
      send,
    });
    this.deliveries = new DeliveryDesk({ store, calls: this.calls, source });
    this.desk = new WebhookDesk({ store, deliveries: this.deliveries, keys, replays, source });
  }

  /** Endpoints that deliveries do not get through to. */
  failing(tries: number, limit: number): FailingEndpoint[] {
    return this.#store.failing(tries, limit);
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#store.forget();
  }
}
