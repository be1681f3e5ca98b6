/**
 * A room's outbox: what it owes to others, written in the transaction that decided it (architecture, decision 3).
 *
 * Entries of one lane leave in order, those that wait together in one batch; lanes do not wait for each other. Delivery
 * is at least once: receivers are idempotent. A batch that fails stays, and its lane is tried again later with a growing
 * delay.
 */
import type { Timers } from "./timers.ts";

/** What of one lane is to be delivered, oldest first. */
export interface OutboxBatch<M> {
  readonly lane: string;
  readonly messages: readonly M[];
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
/** Most messages that are delivered at once. */
const BATCH = 100;
const LAST_RETRY_MS = 60_000;

export class Outbox<M extends { readonly kind: string }> {
  readonly #storage: DurableObjectStorage;
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #deliver: (batch: OutboxBatch<M>) => Promise<void>;
  readonly #transact: (work: () => void) => Promise<void>;
  readonly #report: (lane: string, error: unknown) => void;
  readonly #running = new Map<string, Promise<void>>();

  /** @param options.deliver throws where the receiver could not be reached or refused for now; the whole batch comes again */
  constructor(options: {
    readonly storage: DurableObjectStorage;
    readonly timers: Timers;
    readonly now: () => number;
    readonly deliver: (batch: OutboxBatch<M>) => Promise<void>;
    /** Runs work in a transaction, and arms the timers with it. */
    readonly transact: (work: () => void) => Promise<void>;
    readonly report: (lane: string, error: unknown) => void;
  }) {
    this.#storage = options.storage;
    this.#timers = options.timers;
    this.#now = options.now;
    this.#deliver = options.deliver;
    this.#transact = options.transact;
    this.#report = options.report;
  }

  /**
   * Adds an entry; call it inside the deciding transaction. The timer is the promise that it leaves.
   *
   * @param options.dueInMs when the timer delivers it, if no flush does before; default 2 s
   */
  add(lane: string, message: M, { dueInMs = FIRST_RETRY_MS * 4 }: { readonly dueInMs?: number } = {}): void {
    this.#storage.sql.exec("INSERT INTO outbox (lane, message) VALUES (?, ?)", lane, JSON.stringify(message));
    this.#timers.set(TIMER, lane, this.#now() + dueInMs);
  }

  /** Takes back what need not be told any more: call it inside the transaction that knows so. */
  drop(lane: string, kind: M["kind"]): void {
    const query = "DELETE FROM outbox WHERE lane = ? AND json_extract(message, '$.kind') = ?";
    this.#storage.sql.exec(query, lane, kind);
  }

  /** Delivers a lane now, as far as it goes. Never throws: what fails is left to the lane's timer. */
  async flush(lane: string): Promise<void> {
    // Whoever comes while a delivery runs waits for it and then goes once more, for what was added meanwhile.
    while (this.#running.has(lane)) await this.#running.get(lane);
    const run = this.#drain(lane).finally(() => this.#running.delete(lane));
    this.#running.set(lane, run);
    await run;
  }

  /** True for the timers that belong to an outbox. */
  static owns(timerKind: string): boolean {
    return timerKind === TIMER;
  }

  async #drain(lane: string): Promise<void> {
    let waiting = this.#waiting(lane);
    if (waiting.length === 0) return this.#timers.clear(TIMER, lane);
    while (waiting.length > 0) {
      const batch = waiting;
      try {
        await this.#deliver({ lane, messages: batch.map(({ message }) => JSON.parse(message) as M) });
      } catch (error) {
        this.#report(lane, error);
        return this.#transact(() => this.#postpone(lane, batch[0]?.attempts ?? 0));
      }
      await this.#transact(() => {
        for (const { id } of batch) this.#storage.sql.exec("DELETE FROM outbox WHERE id = ?", id);
        waiting = this.#waiting(lane);
        if (waiting.length === 0) this.#timers.clear(TIMER, lane);
      });
    }
  }

  #waiting(lane: string): { id: number; message: string; attempts: number }[] {
    return this.#storage.sql
      .exec<{ id: number; message: string; attempts: number }>(
        `SELECT id, message, attempts FROM outbox WHERE lane = ? ORDER BY id LIMIT ${BATCH}`,
        lane,
      )
      .toArray();
  }

  /** @param attempts of the lane's oldest entry so far */
  #postpone(lane: string, attempts: number): void {
    this.#storage.sql.exec(
      "UPDATE outbox SET attempts = attempts + 1 WHERE id = (SELECT min(id) FROM outbox WHERE lane = ?)",
      lane,
    );
    const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 10));
    this.#timers.set(TIMER, lane, this.#now() + delay);
  }
}
