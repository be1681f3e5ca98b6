/**
 * The management of a tenant's webhooks by its own keys: `read` looks, `admin` changes.
 *
 * Called inside the market room's transactions, which ask again who may, at the moment of the change.
 */
import type { Delivery } from "../../market/delivery.ts";
import { newId, type Source, type WebhookId } from "../../market/ids.ts";
import { fail, ok, type Result } from "../../market/result.ts";
import { MAX_WEBHOOKS, rotateSecret, type Webhook } from "../../market/webhook.ts";
import type { NamedRequest } from "../idempotency.ts";
import type { KeyStore } from "../key-store.ts";
import type { Replays } from "../replays.ts";
import type { DeliveryDesk } from "./delivery-desk.ts";
import type {
  DeliveryView,
  WebhookAnswer,
  WebhookOrder,
  WebhookRefusal,
  WebhooksTold,
  WebhookView,
} from "./webhook-api.ts";
import type { WebhookStore } from "./webhook-store.ts";

export interface WebhookDeskParts {
  readonly store: WebhookStore;
  readonly deliveries: DeliveryDesk;
  readonly keys: KeyStore;
  readonly replays: Replays;
  readonly source: Source;
}

type Order<K extends WebhookOrder["kind"]> = Extract<WebhookOrder, { readonly kind: K }>;
/** Orders about an endpoint that is there. */
type Naming = Extract<WebhookOrder, { readonly webhookId: WebhookId }>;

const READING: readonly WebhookOrder["kind"][] = ["list", "read", "deliveries"];

export class WebhookDesk {
  readonly #parts: WebhookDeskParts;

  constructor(parts: WebhookDeskParts) {
    this.#parts = parts;
  }

  /** @param request the order's Idempotency-Key, completed; null: it has none */
  carryOut(order: WebhookOrder, request: NamedRequest | null): WebhookAnswer {
    const { keys, source, replays } = this.#parts;
    const key = keys.use(order.by, source.now());
    if (key === null) return fail({ reason: "unauthenticated" });
    if (!key.scopes.includes(READING.includes(order.kind) ? "read" : "admin"))
      return fail({ reason: "forbidden" });
    const once = replays.once(
      { request, scope: key.account },
      {
        make: () => this.#obey(order),
        keep: (answer: WebhooksTold) => answer,
        again: (answer) => answer,
      },
    );
    return once.ok ? ok({ ...once.value.value, replay: once.value.replay ?? null }) : once;
  }

  #obey(order: WebhookOrder): WebhookAnswer {
    const { store } = this.#parts;
    if (order.kind === "list") return ok({ webhooks: store.all().map(viewOf), deliveries: [] });
    if (order.kind === "create") return shown(this.#create(order));
    const webhook = store.find(order.webhookId);
    return webhook === null ? fail({ reason: "webhook_not_found" }) : this.#named(order, webhook);
  }

  #named(order: Naming, webhook: Webhook): WebhookAnswer {
    const { store, deliveries, source } = this.#parts;
    switch (order.kind) {
      case "read":
        return shown(ok(webhook));
      case "remove":
        store.remove(webhook.webhookId);
        deliveries.forgotten(webhook.webhookId);
        return shown(ok(webhook));
      case "change":
        return shown(ok(this.#change(order, webhook)));
      case "rotate":
        return shown(ok(this.#rotate(order, webhook)));
      case "test":
        return webhook.disabled === null
          ? told(deliveries.sendTest(webhook))
          : fail({ reason: "webhook_disabled" });
      case "deliveries": {
        const page = store.page(webhook.webhookId, order.query, source.now());
        return ok({ webhooks: [], deliveries: page.map(deliveryView) });
      }
      case "redeliver": {
        const delivery = store.findDelivery(webhook.webhookId, order.deliveryId);
        if (delivery === null) return fail({ reason: "delivery_not_found" });
        return webhook.disabled === null
          ? told(deliveries.redeliver(delivery))
          : fail({ reason: "webhook_disabled" });
      }
    }
  }

  #create({ settings, secret }: Order<"create">): Result<Webhook, WebhookRefusal> {
    const { store, source } = this.#parts;
    if (store.all().length >= MAX_WEBHOOKS) return fail({ reason: "too_many_webhooks" });
    const webhook: Webhook = {
      webhookId: newId("whk", source),
      ...settings,
      disabled: null,
      secrets: [{ secret, untilMs: null }],
      createdAtMs: source.now(),
    };
    store.put(webhook);
    return ok(webhook);
  }

  #change({ settings, enabled }: Order<"change">, webhook: Webhook): Webhook {
    const { store, deliveries } = this.#parts;
    const changed = { ...webhook, ...settings, ...(enabled === true && { disabled: null }) };
    store.put(changed);
    return enabled === false && changed.disabled === null ? deliveries.disable(changed, "asked") : changed;
  }

  #rotate({ secret, overlapS }: Order<"rotate">, webhook: Webhook): Webhook {
    const nowMs = this.#parts.source.now();
    const rotated = rotateSecret(webhook, secret, { nowMs, untilMs: nowMs + overlapS * 1_000 });
    this.#parts.store.put(rotated);
    return rotated;
  }
}

function shown(found: Result<Webhook, WebhookRefusal>): WebhookAnswer {
  return found.ok ? ok({ webhooks: [viewOf(found.value)], deliveries: [] }) : found;
}

function told(delivery: Delivery): WebhookAnswer {
  return ok({ webhooks: [], deliveries: [deliveryView(delivery)] });
}

function viewOf({ secrets, ...webhook }: Webhook): WebhookView {
  const ends = secrets.map(({ untilMs }) => untilMs).filter((untilMs) => untilMs !== null);
  return { ...webhook, overlapUntilMs: ends.length === 0 ? null : Math.max(...ends) };
}

function deliveryView(delivery: Delivery): DeliveryView {
  const { payload: _payload, run: _run, claim: _claim, heldUntilMs: _held, ...view } = delivery;
  return view;
}
