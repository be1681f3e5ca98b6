/**
 * A room's outbox: what it owes to others, written in the transaction that decided it (architecture, decision 3).
 *
 * Entries of one lane leave in order, those that wait together in one batch; lanes do not wait for each other. Delivery
 * is at least once: receivers are idempotent. A batch that fails stays, and its lane is tried again later with a growing
 * delay.
 *
 * A busy room does not pay for taking away each message that was delivered: what has gathered goes with one of its next
 * transactions. Until then a delivery is only remembered, and an object that dies delivers again.
 */
import type { Timers } from "./timers.ts";

/** What of one lane is to be delivered, oldest first. */
export interface OutboxBatch<M> {
  readonly lane: string;
  readonly messages: readonly M[];
}

const table = (more = "") => `
CREATE TABLE outbox (
  lane TEXT NOT NULL, id INTEGER NOT NULL, message TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,${more}
  PRIMARY KEY (lane, id)
) WITHOUT ROWID;
`;

/**
 * An entry's number is greater than that of any before it in its lane; nobody outside the room knows it. Of the oldest of a
 * lane that fails: since when, and the class of the latest error.
 */
export const OUTBOX_SCHEMA = table(" failing_since_ms INTEGER, error TEXT,");

/** The first version, as the steps of rooms hold it that began with it; the others upgrade it to the schema above. */
export const OUTBOX_VERSIONS = [
  `
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, message TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX outbox_lane ON outbox (lane, id);
`,
  `
ALTER TABLE outbox RENAME TO outbox_before;
${table()}
INSERT INTO outbox (lane, id, message, attempts) SELECT lane, id, message, attempts FROM outbox_before;
DROP TABLE outbox_before;
`,
  `
ALTER TABLE outbox ADD COLUMN failing_since_ms INTEGER;
ALTER TABLE outbox ADD COLUMN error TEXT;
`,
] as const;

/** A lane that does not deliver. */
export interface FailingLane {
  readonly lane: string;
  readonly tries: number;
  readonly sinceMs: number;
  readonly errorClass: string;
}

interface Row extends Record<string, SqlStorageValue> {
  id: number;
  message: string;
  attempts: number;
}

const TIMER = "outbox";
const FIRST_DUE_MS = 2_000;
const FIRST_RETRY_MS = 500;
/** Most messages that are delivered at once. */
const BATCH = 100;
const LAST_RETRY_MS = 60_000;
/** Rows of delivered entries gather for this long, or in so many lanes, before a transaction takes them along. */
const TIDY_AFTER_MS = 250;
const TIDY_LANES = 32;
/** Where none comes within this time, one is made for them. Far shorter than an entry's timer. */
const TIDY_ALONE_MS = 500;

export class Outbox<M extends { readonly kind: string }> {
  readonly #storage: DurableObjectStorage;
  readonly #timers: Timers;
  readonly #now: () => number;
  readonly #deliver: (batch: OutboxBatch<M>) => Promise<void>;
  readonly #transact: (work: () => void) => Promise<void>;
  readonly #report: (lane: string, error: unknown) => void;
  readonly #tidies: "at-once" | "together";
  readonly #running = new Map<string, Promise<void>>();
  /** Lanes that got an entry since their rows were last read. */
  readonly #added = new Set<string>();
  /** Lanes that may hold entries that were not delivered, among those that this object added to or delivered from. */
  readonly #left = new Set<string>();
  /** Newest entry of each lane that was delivered and whose row is still there, like those of all before it. */
  readonly #delivered = new Map<string, number>();
  /** When the oldest of them was delivered. */
  #deliveredAtMs = 0;
  #isTidyDue = false;
  /** How often rows of delivered entries were taken away. */
  #tidied = 0;
  /** Number of the newest entry; undefined: to be read. It only grows: one that is gone may still be on its way out. */
  #newestId: number | undefined = undefined;

  /** @param options.deliver throws where the receiver could not be reached or refused for now; the whole batch comes again */
  constructor(options: {
    readonly storage: DurableObjectStorage;
    readonly timers: Timers;
    readonly now: () => number;
    readonly deliver: (batch: OutboxBatch<M>) => Promise<void>;
    /** Runs work in a transaction, and arms the timers with it. */
    readonly transact: (work: () => void) => Promise<void>;
    readonly report: (lane: string, error: unknown) => void;
    /** Whether rows of what was delivered leave by themselves, or wait for the owner's next transactions (see `tidy`). */
    readonly tidy: "at-once" | "together";
  }) {
    this.#storage = options.storage;
    this.#timers = options.timers;
    this.#now = options.now;
    this.#deliver = options.deliver;
    this.#transact = options.transact;
    this.#report = options.report;
    this.#tidies = options.tidy;
  }

  /**
   * Adds an entry; call it inside the deciding transaction. The timer is the promise that it leaves.
   *
   * @param options.dueInMs when the timer delivers it, if no flush does before; default 2 s; null: a timer of the
   *   owner's stands that flushes the lane
   */
  add(lane: string, message: M, { dueInMs = FIRST_DUE_MS }: { readonly dueInMs?: number | null } = {}): void {
    this.#newestId = this.#newest() + 1;
    const insert = "INSERT INTO outbox (lane, id, message) VALUES (?, ?, ?)";
    this.#storage.sql.exec(insert, lane, this.#newestId, JSON.stringify(message));
    this.#promise(lane, dueInMs);
  }

  #promise(lane: string, dueInMs: number | null): void {
    // What waits there already is not to wait for longer.
    if (dueInMs !== null) this.#timers.setAtLatest(TIMER, lane, this.#now() + dueInMs);
    this.#added.add(lane);
    this.#left.add(lane);
  }

  #newest(): number {
    const query = "SELECT max(id) AS id FROM outbox";
    this.#newestId ??= this.#storage.sql.exec<{ id: number | null }>(query).one().id ?? 0;
    return this.#newestId;
  }

  /** As `add`, in the place of what need not be told any more. */
  replace(lane: string, kind: M["kind"], message: M): void {
    // A number of its own: what it replaces may be on its way out.
    this.#newestId = this.#newest() + 1;
    const { rowsWritten } = this.#storage.sql.exec(
      `UPDATE outbox SET id = ?, message = ?, attempts = 0
       WHERE lane = ? AND json_extract(message, '$.kind') = ?`,
      this.#newestId,
      JSON.stringify(message),
      lane,
      kind,
    );
    if (rowsWritten === 0) return this.add(lane, message);
    this.#promise(lane, FIRST_DUE_MS);
  }

  /** Takes back what need not be told any more: call it inside the transaction that knows so. */
  drop(lane: string, kind: M["kind"]): void {
    // Known before anything goes: this transaction may not stand, and then the entry is there again.
    this.#newest();
    const query = "DELETE FROM outbox WHERE lane = ? AND json_extract(message, '$.kind') = ?";
    this.#storage.sql.exec(query, lane, kind);
  }

  /** Takes back all that there is, also what was delivered and would come again should the object die. As `drop`. */
  dropAll(): void {
    this.#newest();
    this.#storage.sql.exec("DELETE FROM outbox");
    this.#delivered.clear();
  }

  /** True where nothing of the lane waits to be delivered. */
  isEmpty(lane: string): boolean {
    return this.#waiting(lane, 1).length === 0;
  }

  /** Lanes whose entries no timer of the outbox's own delivers. */
  untimed(limit: number): string[] {
    const query = `SELECT DISTINCT lane FROM outbox
       WHERE lane NOT IN (SELECT subject FROM timers WHERE kind = ?) LIMIT ?`;
    return this.#storage.sql
      .exec<{ lane: string }>(query, TIMER, limit)
      .toArray()
      .map(({ lane }) => lane);
  }

  /** Lanes of which something is on its way to its receiver. */
  get deliveringCount(): number {
    return this.#running.size;
  }

  /** Lanes whose oldest entry was tried as often, or oftener; the longest first. */
  failing(tries: number, limit: number): FailingLane[] {
    return this.#storage.sql
      .exec<{ lane: string; attempts: number; since: number; error: string }>(
        `SELECT lane, attempts, failing_since_ms AS since, error FROM outbox
         WHERE attempts >= ? AND failing_since_ms IS NOT NULL ORDER BY failing_since_ms LIMIT ?`,
        tries,
        limit,
      )
      .toArray()
      .map(({ lane, attempts, since, error }) => ({
        lane,
        tries: attempts,
        sinceMs: since,
        errorClass: error,
      }));
  }

  /** Delivers a lane now, as far as it goes. Never throws: what fails is left to the lane's timer. */
  async flush(lane: string): Promise<void> {
    // Whoever comes while a delivery runs waits for it and then goes once more, for what was added meanwhile.
    while (this.#running.has(lane)) await this.#running.get(lane);
    const run = this.#drain(lane).finally(() => this.#running.delete(lane));
    this.#running.set(lane, run);
    await run;
  }

  /**
   * Takes away what was delivered and has gathered: call it with every transaction, in the same commit, before the timers
   * are armed.
   */
  tidy(): void {
    const gathered = this.#now() - this.#deliveredAtMs >= TIDY_AFTER_MS;
    if (this.#delivered.size >= TIDY_LANES || gathered) this.#tidy();
  }

  #tidy(): void {
    for (const [lane, id] of this.#delivered) {
      this.#storage.sql.exec("DELETE FROM outbox WHERE lane = ? AND id <= ?", lane, id);
      if (!this.#left.has(lane) || this.#waiting(lane, 1).length === 0) this.#timers.clear(TIMER, lane);
    }
    this.#delivered.clear();
    this.#tidied += 1;
  }

  /** True for the timers that belong to an outbox. */
  static owns(timerKind: string): boolean {
    return timerKind === TIMER;
  }

  async #drain(lane: string): Promise<void> {
    this.#left.add(lane);
    let batch = this.#next(lane);
    if (batch.length === 0 && !this.#delivered.has(lane)) this.#timers.clear(TIMER, lane);
    while (batch.length > 0) {
      const { id: oldest = 0, attempts = 0 } = batch[0] ?? {};
      try {
        await this.#deliver({ lane, messages: batch.map(({ message }) => JSON.parse(message) as M) });
      } catch (error) {
        this.#report(lane, error);
        return this.#transact(() => this.#postpone(lane, { oldest, attempts, error }));
      }
      this.#remember(lane, batch.at(-1)?.id ?? oldest);
      if (this.#tidies === "at-once") await this.#transact(() => this.#tidy());
      const more = batch.length === BATCH || this.#added.has(lane);
      batch = more ? this.#next(lane) : [];
    }
    this.#left.delete(lane);
  }

  /** An entry was delivered, and with it all before it in its lane. */
  #remember(lane: string, id: number): void {
    if (this.#delivered.size === 0) this.#deliveredAtMs = this.#now();
    this.#delivered.set(lane, id);
    if (this.#tidies === "at-once" || this.#isTidyDue) return;
    this.#isTidyDue = true;
    void this.#tidyLater();
  }

  /** An idle room keeps nothing. In a busy one, what was delivered since has transactions to go with: it waits again. */
  async #tidyLater(): Promise<void> {
    let tidied: number;
    // A loop, not a call of itself: a room that is busy for days would keep every one of them.
    do {
      tidied = this.#tidied;
      await new Promise((resolve) => setTimeout(resolve, TIDY_ALONE_MS));
    } while (this.#delivered.size > 0 && this.#tidied !== tidied);
    this.#isTidyDue = false;
    if (this.#delivered.size === 0) return;
    try {
      await this.#transact(() => this.#tidy());
    } catch (error) {
      this.#report("", error);
    }
  }

  #next(lane: string): Row[] {
    this.#added.delete(lane);
    return this.#waiting(lane, BATCH);
  }

  /** What is to be delivered, oldest first. */
  #waiting(lane: string, limit: 1 | typeof BATCH): Row[] {
    // A limit that is bound would have SQLite plan the statement anew with every call.
    const query = `SELECT id, message, attempts FROM outbox WHERE lane = ? AND id > ? ORDER BY id LIMIT ${limit}`;
    return this.#storage.sql.exec<Row>(query, lane, this.#delivered.get(lane) ?? 0).toArray();
  }

  /** @param first the oldest entry that waits, and how often it was tried so far */
  #postpone(
    lane: string,
    first: { readonly oldest: number; readonly attempts: number; readonly error: unknown },
  ): void {
    this.#storage.sql.exec(
      `UPDATE outbox SET attempts = attempts + 1, failing_since_ms = coalesce(failing_since_ms, ?), error = ?
       WHERE lane = ? AND id = ?`,
      this.#now(),
      first.error instanceof Error ? first.error.name : typeof first.error,
      lane,
      first.oldest,
    );
    const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(first.attempts, 10));
    this.#timers.set(TIMER, lane, this.#now() + delay);
  }
}
