/**
 * Calls of the consumer that sends: for each endpoint by itself, so that a slow one delays no other. Announced on a queue,
 * and again by a timer where nobody came. An endpoint that nothing is pending for has no timer.
 */
import type { Timers } from "../../durable/timers.ts";
import type { WebhookId } from "../../market/ids.ts";

export const WEBHOOK_TIMER = "webhook";
/** What nobody came for is announced again after this long. */
export const CALL_AGAIN_MS = 10_000;

export interface WebhookCallsParts {
  readonly timers: Timers;
  readonly now: () => number;
  /** When the endpoint's next delivery is due; null: none is, or none is to be sent any more. */
  readonly dueAtMs: (webhookId: WebhookId) => number | null;
  /** Calls a consumer; what is sent may get lost. */
  readonly send: (webhookId: WebhookId) => void;
}

export class WebhookCalls {
  readonly #parts: WebhookCallsParts;
  /** Endpoints whose deliveries changed since `follow`; of a transaction that did not stand, too: they are read again. */
  readonly #touched = new Set<WebhookId>();
  /** Until when nobody is called again, as far as this object remembers: calling once too often is harmless. */
  readonly #calledUntilMs = new Map<WebhookId, number>();

  constructor(parts: WebhookCallsParts) {
    this.#parts = parts;
  }

  touch(webhookId: WebhookId): void {
    this.#touched.add(webhookId);
  }

  /** Whether any endpoint's deliveries changed since `follow`. */
  get isTouched(): boolean {
    return this.#touched.size > 0;
  }

  /** What follows from a transaction, in the same commit. */
  follow(): void {
    for (const webhookId of this.#touched) this.remind(webhookId);
    this.#touched.clear();
  }

  /** The timer rang, or something changed: calls for what is due, and sets the timer for what is to come. */
  remind(webhookId: WebhookId): void {
    const { timers, now, dueAtMs, send } = this.#parts;
    const due = dueAtMs(webhookId);
    // Whoever was called has taken all there was; what comes next is announced at once.
    if (due === null || due > now()) this.#calledUntilMs.delete(webhookId);
    if (due === null) return timers.clear(WEBHOOK_TIMER, webhookId);
    const calledUntilMs = this.#calledUntilMs.get(webhookId) ?? 0;
    if (due > now() || calledUntilMs > now())
      return timers.set(WEBHOOK_TIMER, webhookId, Math.max(due, calledUntilMs));
    this.#calledUntilMs.set(webhookId, now() + CALL_AGAIN_MS);
    timers.set(WEBHOOK_TIMER, webhookId, now() + CALL_AGAIN_MS);
    send(webhookId);
  }
}
