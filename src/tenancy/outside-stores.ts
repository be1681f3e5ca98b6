/**
 * What the market room owes to the stores outside, its rows to the history and its vectors to the index: announced on a
 * queue, whose consumer comes for them, and again by a timer where nobody came.
 */
import type { Timers } from "../durable/timers.ts";
import type { HistoryMessage } from "../market/message.ts";

/** Also the timer's name. */
export type OutsideStore = HistoryMessage["kind"];

/** History rows that nobody came for are announced again after this long. */
const HISTORY_MS = 10_000;
/** The index takes a while to show what it was given; one that is down is asked ever more rarely. */
const MEMORY_MS = 5_000;
const MAX_MEMORY_DOUBLINGS = 7;

export interface OutsideStoresParts {
  readonly timers: Timers;
  readonly now: () => number;
  /** Whether the room still holds something for the store. */
  readonly owes: (store: OutsideStore) => boolean;
  /** Calls a consumer; what is sent may get lost. */
  readonly send: (store: OutsideStore) => void;
}

export class OutsideStores {
  readonly #parts: OutsideStoresParts;
  /** Stores whose timer is set, as far as this object remembers: announcing once too often is harmless. */
  readonly #announced = new Set<OutsideStore>();
  /** Announcements since the index last showed something new. */
  #memoryAnnouncements = 0;

  constructor(parts: OutsideStoresParts) {
    this.#parts = parts;
  }

  /** Announces what a transaction left; call it inside that transaction. */
  announceOwed(): void {
    for (const store of ["history", "memory"] as const) {
      if (!this.#announced.has(store) && this.#parts.owes(store)) this.#announce(store);
    }
  }

  /** The timer rang: nobody came. */
  remind(store: OutsideStore): void {
    if (this.#parts.owes(store)) this.#announce(store);
    else this.#settled(store);
  }

  /** A consumer carried something away. */
  carried(store: OutsideStore): void {
    if (store === "memory") this.#memoryAnnouncements = 0;
    if (!this.#parts.owes(store)) this.#settled(store);
  }

  #announce(store: OutsideStore): void {
    const { timers, now, send } = this.#parts;
    this.#announced.add(store);
    timers.set(store, "", now() + this.#delayMs(store));
    send(store);
  }

  #settled(store: OutsideStore): void {
    this.#parts.timers.clear(store, "");
    this.#announced.delete(store);
  }

  #delayMs(store: OutsideStore): number {
    if (store === "history") return HISTORY_MS;
    return MEMORY_MS * 2 ** Math.min(this.#memoryAnnouncements++, MAX_MEMORY_DOUBLINGS);
  }
}
