/**
 * A room's outbox: what it owes to others, written in the transaction that decided it (architecture, decision 3).
 *
 * Entries of one lane leave in order; lanes do not wait for each other. Delivery is at least once: receivers are
 * idempotent. An entry that fails stays, and its lane is tried again later with a growing delay.
 */
import type { Timers } from "./timers.ts";

export interface OutboxEntry<M> {
  readonly lane: string;
  readonly message: M;
}

export const OUTBOX_SCHEMA = `
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, message TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_lane ON outbox (lane, id);
`;

const TIMER = "outbox";
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;

export class Outbox<M> {
  readonly #storage: DurableObjectStorage;
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #deliver: (entry: OutboxEntry<M>) => Promise<void>;
  readonly #report: (lane: string, error: unknown) => void;
  readonly #running = new Map<string, Promise<void>>();

  /** @param options.deliver throws where the receiver could not be reached or refused for now */
  constructor(options: {
    readonly storage: DurableObjectStorage;
    readonly timers: Timers;
    readonly now: () => number;
    readonly deliver: (entry: OutboxEntry<M>) => Promise<void>;
    readonly report: (lane: string, error: unknown) => void;
  }) {
    this.#storage = options.storage;
    this.#timers = options.timers;
    this.#now = options.now;
    this.#deliver = options.deliver;
    this.#report = options.report;
  }

  /** Adds an entry; call it inside the deciding transaction. The timer is the promise that it leaves. */
  add(lane: string, message: M): void {
    this.#storage.sql.exec("INSERT INTO outbox (lane, message) VALUES (?, ?)", lane, JSON.stringify(message));
    this.#timers.set(TIMER, lane, this.#now() + FIRST_RETRY_MS * 4);
  }

  /** Delivers a lane now, as far as it goes. Never throws: what fails is left to the lane's timer. */
  async flush(lane: string): Promise<void> {
    // Whoever comes while a delivery runs waits for it and then goes once more, for what was added meanwhile.
    while (this.#running.has(lane)) await this.#running.get(lane);
    if (this.#head(lane) === undefined) {
      this.#timers.clear(TIMER, lane);
      return;
    }
    const run = this.#drain(lane).finally(() => this.#running.delete(lane));
    this.#running.set(lane, run);
    await run;
  }

  /** True for the timers that belong to an outbox. */
  static owns(timerKind: string): boolean {
    return timerKind === TIMER;
  }

  async #drain(lane: string): Promise<void> {
    for (let head = this.#head(lane); head !== undefined; head = this.#head(lane)) {
      try {
        await this.#deliver({ lane, message: JSON.parse(head.message) as M });
      } catch (error) {
        this.#report(lane, error);
        this.#postpone(lane, head);
        await this.#timers.arm();
        return;
      }
      this.#storage.sql.exec("DELETE FROM outbox WHERE id = ?", head.id);
    }
    this.#timers.clear(TIMER, lane);
    await this.#timers.arm();
  }

  #head(lane: string): { id: number; message: string; attempts: number } | undefined {
    return this.#storage.sql
      .exec<{ id: number; message: string; attempts: number }>(
        "SELECT id, message, attempts FROM outbox WHERE lane = ? ORDER BY id LIMIT 1",
        lane,
      )
      .toArray()[0];
  }

  #postpone(lane: string, head: { readonly id: number; readonly attempts: number }): void {
    this.#storage.sql.exec("UPDATE outbox SET attempts = attempts + 1 WHERE id = ?", head.id);
    const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(head.attempts, 10));
    this.#timers.set(TIMER, lane, this.#now() + delay);
  }
}
