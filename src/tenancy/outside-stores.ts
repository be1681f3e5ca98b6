/**
 * What the market room owes to the stores outside, its rows to the history and its vectors to the index: announced on a
 * queue, whose consumer comes for them, and again by a timer where nobody came.
 */
import type { Timers } from "../durable/timers.ts";
import type { HistoryMessage } from "../market/message.ts";

/** Also the timer's name. */
export type OutsideStore = HistoryMessage["kind"];

const STORES: readonly OutsideStore[] = ["history", "memory"];
/** What nobody came for is announced again after this long. */
const TELL_AGAIN_MS = 10_000;

export interface OutsideStoresParts {
  readonly timers: Timers;
  readonly now: () => number;
  /** When the store is to be come for; null: the room holds nothing for it. */
  readonly dueAtMs: (store: OutsideStore) => number | null;
  /** Calls a consumer; what is sent may get lost. */
  readonly send: (store: OutsideStore) => void;
}

export class OutsideStores {
  readonly #parts: OutsideStoresParts;
  /** Until when nobody is told again, as far as this object remembers: announcing once too often is harmless. */
  readonly #toldUntilMs: Record<OutsideStore, number> = { history: 0, memory: 0 };

  constructor(parts: OutsideStoresParts) {
    this.#parts = parts;
  }

  /** Announces what a transaction left; call it inside that transaction. */
  announceOwed(): void {
    for (const store of STORES) {
      if (this.#parts.now() >= this.#toldUntilMs[store] && this.#isDue(store)) this.#announce(store);
    }
  }

  /** Makes timers anew that got lost, of what the room holds. */
  wake(): void {
    const { timers, now, dueAtMs } = this.#parts;
    for (const store of STORES) {
      const due = dueAtMs(store);
      if (due !== null) timers.ensure(store, "", Math.max(due, now()));
    }
  }

  /** The timer rang: something is due, or nobody came. */
  remind(store: OutsideStore): void {
    const toldUntilMs = this.#toldUntilMs[store];
    if (!this.#isDue(store)) this.follow(store);
    else if (this.#parts.now() < toldUntilMs) this.#parts.timers.set(store, "", toldUntilMs);
    else this.#announce(store);
  }

  /** A consumer carries something until then at the latest, and comes for more itself: nobody else is called meanwhile. */
  carried(store: OutsideStore, untilMs: number): void {
    this.#toldUntilMs[store] = untilMs;
  }

  /** A consumer came, and changed what is due: the timer goes with it. */
  follow(store: OutsideStore): void {
    const { timers, now, dueAtMs } = this.#parts;
    const due = dueAtMs(store);
    // Whoever was told has taken all there was, and what comes next is announced at once; or comes for the rest.
    const isLeft = due !== null && due <= now();
    this.#toldUntilMs[store] = isLeft ? now() + TELL_AGAIN_MS : 0;
    if (due === null) timers.clear(store, "");
    else timers.set(store, "", Math.max(due, this.#toldUntilMs[store]));
  }

  #announce(store: OutsideStore): void {
    const { timers, now, send } = this.#parts;
    this.#toldUntilMs[store] = now() + TELL_AGAIN_MS;
    timers.set(store, "", this.#toldUntilMs[store]);
    send(store);
  }

  #isDue(store: OutsideStore): boolean {
    return (this.#parts.dueAtMs(store) ?? Infinity) <= this.#parts.now();
  }
}
