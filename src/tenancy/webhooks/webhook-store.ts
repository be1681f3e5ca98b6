/**
 * The tenant's webhook endpoints and their deliveries: tables and the statements over them. No decisions here.
 *
 * Every task's end asks for the endpoints: they are remembered, and forgotten when a transaction did not stand.
 */
import { deliveryDueAt, type Delivery, type DeliveryState } from "../../market/delivery.ts";
import type { DeliveryId, WebhookId } from "../../market/ids.ts";
import type { Webhook } from "../../market/webhook.ts";

/** `next_at_ms`: when it may be handed out; null once it is settled. `held_until_ms`: 0 while nobody has it. */
export const WEBHOOK_SCHEMA = `
CREATE TABLE webhooks (webhook_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE deliveries (
  delivery_id TEXT PRIMARY KEY, webhook_id TEXT NOT NULL, state TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  held_until_ms INTEGER NOT NULL, next_at_ms INTEGER, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX deliveries_of ON deliveries (webhook_id, delivery_id);
CREATE INDEX deliveries_next ON deliveries (webhook_id, next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (webhook_id, held_until_ms) WHERE held_until_ms > 0;
`;

/** Of each endpoint's settled deliveries so many are kept, the newest, and no longer than this; what is pending stays. */
export const KEPT_DELIVERIES = 1_000;
export const KEPT_MS = 30 * 24 * 60 * 60 * 1_000;
/** Looking for what is to go reads all that is kept: it is done once in so many deliveries. */
const TIDY_EVERY = 64;

export interface DeliveryQuery {
  readonly limit: number;
  /** Those before this one; null: from the newest on. */
  readonly cursor: DeliveryId | null;
  /** Null: of every state. */
  readonly state: DeliveryState | null;
}

/** An endpoint that deliveries do not get through to. */
export interface FailingEndpoint {
  readonly webhookId: WebhookId;
  readonly pending: number;
  /** Failures of the worst of its deliveries. */
  readonly tries: number;
  readonly sinceMs: number;
  /** It said that it is gone. */
  readonly disabled: boolean;
}

type BodyRow = { body: string };

export class WebhookStore {
  readonly #sql: SqlStorage;
  #webhooks: readonly Webhook[] | undefined = undefined;
  /** Deliveries of each endpoint that were added since its old ones were last looked for. */
  readonly #addedSinceTidy = new Map<WebhookId, number>();

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#webhooks = undefined;
    this.#addedSinceTidy.clear();
  }

  /** Oldest first. */
  all(): readonly Webhook[] {
    const query = "SELECT body FROM webhooks ORDER BY webhook_id";
    this.#webhooks ??= Array.from(this.#sql.exec<BodyRow>(query), ({ body }) => JSON.parse(body) as Webhook);
    return this.#webhooks;
  }

  find(webhookId: WebhookId): Webhook | null {
    return this.all().find((webhook) => webhook.webhookId === webhookId) ?? null;
  }

  put(webhook: Webhook): void {
    this.#webhooks = undefined;
    const query = "INSERT OR REPLACE INTO webhooks (webhook_id, body) VALUES (?, ?)";
    this.#sql.exec(query, webhook.webhookId, JSON.stringify(webhook));
  }

  /** With its deliveries. Until when one of them may be about to be sent is noted: an erasure waits for that. */
  remove(webhookId: WebhookId): void {
    this.forget();
    this.#sql.exec(
      `INSERT INTO counters (name, value)
         SELECT 'removed-held-until', max(held_until_ms) FROM deliveries WHERE webhook_id = ? HAVING max(held_until_ms) > 0
       ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
      webhookId,
    );
    this.#sql.exec("DELETE FROM webhooks WHERE webhook_id = ?", webhookId);
    this.#sql.exec("DELETE FROM deliveries WHERE webhook_id = ?", webhookId);
  }

  add(delivery: Delivery): void {
    const { deliveryId, webhookId, createdAtMs } = delivery;
    this.#sql.exec(
      `INSERT INTO deliveries (delivery_id, webhook_id, state, created_at_ms, held_until_ms, next_at_ms, body)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      deliveryId,
      webhookId,
      delivery.state,
      createdAtMs,
      delivery.heldUntilMs,
      deliveryDueAt(delivery),
      JSON.stringify(delivery),
    );
    this.#tidy(webhookId, createdAtMs);
  }

  keep(delivery: Delivery): void {
    this.#sql.exec(
      "UPDATE deliveries SET state = ?, held_until_ms = ?, next_at_ms = ?, body = ? WHERE delivery_id = ?",
      delivery.state,
      delivery.heldUntilMs,
      deliveryDueAt(delivery),
      JSON.stringify(delivery),
      delivery.deliveryId,
    );
  }

  findDelivery(webhookId: WebhookId, deliveryId: DeliveryId): Delivery | null {
    const query = "SELECT body FROM deliveries WHERE delivery_id = ? AND webhook_id = ?";
    return this.#read(query, deliveryId, webhookId)[0] ?? null;
  }

  /** Newest first. */
  page(webhookId: WebhookId, { limit, cursor, state }: DeliveryQuery, nowMs: number): Delivery[] {
    return this.#read(
      `SELECT body FROM deliveries WHERE webhook_id = ?1 AND (?2 IS NULL OR delivery_id < ?2)
       AND (?3 IS NULL OR state = ?3) AND (next_at_ms IS NOT NULL OR created_at_ms > ?4)
       ORDER BY delivery_id DESC LIMIT ?5`,
      webhookId,
      cursor,
      state,
      nowMs - KEPT_MS,
      limit,
    );
  }

  /** Those that may be handed out now, longest due first. */
  due(webhookId: WebhookId, nowMs: number, limit: number): Delivery[] {
    const query = `SELECT body FROM deliveries WHERE webhook_id = ? AND next_at_ms <= ?
       ORDER BY next_at_ms, delivery_id LIMIT ?`;
    return this.#read(query, webhookId, nowMs, limit);
  }

  /** When the endpoint's next one is due; null: none is pending. */
  dueAtMs(webhookId: WebhookId): number | null {
    const query =
      "SELECT min(next_at_ms) AS due FROM deliveries WHERE webhook_id = ? AND next_at_ms IS NOT NULL";
    return this.#sql.exec<{ due: number | null }>(query, webhookId).one().due;
  }

  /** How many of them somebody has. */
  countHeld(webhookId: WebhookId, nowMs: number): number {
    const query =
      "SELECT count(*) AS n FROM deliveries WHERE webhook_id = ? AND held_until_ms > 0 AND held_until_ms > ?";
    return this.#sql.exec<{ n: number }>(query, webhookId, nowMs).one().n;
  }

  pending(webhookId: WebhookId): Delivery[] {
    return this.#read(
      "SELECT body FROM deliveries WHERE webhook_id = ? AND next_at_ms IS NOT NULL",
      webhookId,
    );
  }

  /** Endpoints that a delivery failed to so often, or oftener, and those that said that they are gone. */
  failing(tries: number, limit: number): FailingEndpoint[] {
    const gone = this.all().flatMap(({ webhookId, disabled }): FailingEndpoint[] =>
      disabled?.reason === "gone"
        ? [{ webhookId, pending: 0, tries: 0, sinceMs: disabled.atMs, disabled: true }]
        : [],
    );
    const failing = this.#sql
      .exec<{ webhookId: WebhookId; pending: number; tries: number; sinceMs: number }>(
        `SELECT webhook_id AS webhookId, count(*) AS pending, max(json_extract(body, '$.failures')) AS tries,
           min(created_at_ms) AS sinceMs
         FROM deliveries WHERE next_at_ms IS NOT NULL GROUP BY webhook_id
         HAVING max(json_extract(body, '$.failures')) >= ? LIMIT ?`,
        tries,
        limit,
      )
      .toArray()
      .map((row) => ({ ...row, disabled: false }));
    return [...gone, ...failing].slice(0, limit);
  }

  /** True where anything is pending for any endpoint. */
  hasAnyPending(): boolean {
    const query = "SELECT 1 FROM deliveries WHERE next_at_ms IS NOT NULL LIMIT 1";
    return this.#sql.exec(query).toArray().length > 0;
  }

  /** True where this many are pending, or more. */
  hasPending(webhookId: WebhookId, many: number): boolean {
    const query = `SELECT 1 FROM deliveries WHERE webhook_id = ? AND next_at_ms IS NOT NULL LIMIT 1 OFFSET ?`;
    return this.#sql.exec(query, webhookId, many - 1).toArray().length > 0;
  }

  #tidy(webhookId: WebhookId, nowMs: number): void {
    const added = this.#addedSinceTidy.get(webhookId) ?? TIDY_EVERY;
    this.#addedSinceTidy.set(webhookId, added >= TIDY_EVERY ? 1 : added + 1);
    if (added < TIDY_EVERY) return;
    this.#sql.exec(
      `DELETE FROM deliveries WHERE webhook_id = ?1 AND next_at_ms IS NULL AND (created_at_ms <= ?2 OR delivery_id <=
         (SELECT delivery_id FROM deliveries WHERE webhook_id = ?1 AND next_at_ms IS NULL
          ORDER BY delivery_id DESC LIMIT 1 OFFSET ?3))`,
      webhookId,
      nowMs - KEPT_MS,
      KEPT_DELIVERIES,
    );
  }

  #read(query: string, ...bindings: (string | number | null)[]): Delivery[] {
    return Array.from(
      this.#sql.exec<BodyRow>(query, ...bindings),
      ({ body }) => JSON.parse(body) as Delivery,
    );
  }
}
