/**
 * Timers of a room over its one alarm (architecture, decision 4).
 *
 * An object has one alarm, and the platform gives an alarm up after a few failures. So timers are rows, the alarm is
 * the earliest of them, and the handler re-arms before it works and lets no error out.
 */

export interface Timer {
  readonly kind: string;
  /** What the timer is about (a task, a lane); one timer per kind and subject. */
  readonly subject: string;
  readonly dueAtMs: number;
}

/** While a due timer is worked on, the alarm stands this far ahead: if the object dies, it rings again. */
const SAFETY_MS = 10_000;
/** A timer whose handler failed is tried again after this long. */
const RETRY_MS = 5_000;
/** An alarm that is overdue for longer rings no more: the platform retries for some two minutes. */
const GIVEN_UP_MS = 180_000;

/** Without an index on the time: every timer that is set would pay for it, and only a ring looks for what is due. */
export const TIMER_SCHEMA = `
CREATE TABLE timers (
  kind TEXT NOT NULL, subject TEXT NOT NULL, due_at_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
`;

/** The first version, as the steps of rooms hold it that began with it; the second upgrades it to the schema above. */
export const TIMER_VERSIONS = [
  `${TIMER_SCHEMA}CREATE INDEX timers_due ON timers (due_at_ms);`,
  "DROP INDEX timers_due;",
] as const;

export class Timers {
  readonly #storage: DurableObjectStorage;
  readonly #now: () => number;
  /** When the alarm stands; undefined: not known, because nothing was armed since the object woke. */
  #alarmAtMs: number | null | undefined = undefined;
  /** Earliest timer that was set since the alarm was looked at. */
  #earliestSetMs = Infinity;
  /** Whether one was set that was not cleared since, as far as that is seen without reading. */
  #hasSet = false;
  /** Whether one was cleared since the alarm was looked at. */
  #hasCleared = false;

  constructor(storage: DurableObjectStorage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  /** Sets or moves a timer. The alarm follows with the caller's transaction: see `arm`. */
  set(kind: string, subject: string, dueAtMs: number): void {
    this.#put("excluded.due_at_ms", { kind, subject, dueAtMs });
  }

  /** Sets a timer, or moves it forward; one that stands earlier keeps its time. */
  setAtLatest(kind: string, subject: string, dueAtMs: number): void {
    this.#put("min(due_at_ms, excluded.due_at_ms)", { kind, subject, dueAtMs });
  }

  /** @param moved what becomes of one that stands */
  #put(
    moved: "excluded.due_at_ms" | "min(due_at_ms, excluded.due_at_ms)",
    { kind, subject, dueAtMs }: Timer,
  ): void {
    this.#storage.sql.exec(
      `INSERT INTO timers (kind, subject, due_at_ms) VALUES (?, ?, ?)
       ON CONFLICT (kind, subject) DO UPDATE SET due_at_ms = ${moved}`,
      kind,
      subject,
      Math.ceil(dueAtMs),
    );
    this.#earliestSetMs = Math.min(this.#earliestSetMs, Math.ceil(dueAtMs));
    this.#hasSet = true;
  }

  /** Sets a timer where there is none; one that stands keeps its time. */
  ensure(kind: string, subject: string, dueAtMs: number): void {
    if (!this.has(kind, subject)) this.set(kind, subject, dueAtMs);
  }

  has(kind: string, subject: string): boolean {
    const query = "SELECT 1 FROM timers WHERE kind = ? AND subject = ?";
    return this.#storage.sql.exec(query, kind, subject).toArray().length > 0;
  }

  clear(kind: string, subject: string): void {
    this.#storage.sql.exec("DELETE FROM timers WHERE kind = ? AND subject = ?", kind, subject);
    this.#hasSet = false;
    this.#hasCleared = true;
  }

  /**
   * Sees to it that the alarm rings by the earliest timer; no timer, no alarm: an idle room costs nothing.
   *
   * Waits for nothing, so that the alarm is written in the same implicit transaction as the timers before it. An alarm
   * that stands earlier is left alone: it rings, finds nothing due, and arms again, which is cheaper than moving it
   * with every lease.
   */
  arm(): void {
    const known = this.#alarmAtMs;
    const due = known == null ? this.#earliest() : this.#earliestBefore(known);
    this.#looked();
    if (due === null ? known !== null : known == null || due < known) this.#setAlarm(due);
  }

  /**
   * The earliest timer as far as it moves an alarm that stands. The timers are not read where one was just set: the alarm
   * covers all that were there before. Nor where none is earlier: then it only counts whether there are any.
   */
  #earliestBefore(alarmAtMs: number): number | null {
    if (this.#hasSet) return this.#earliestSetMs;
    if (this.#earliestSetMs < alarmAtMs) return this.#earliest();
    return this.#hasCleared && this.#isEmpty() ? null : alarmAtMs;
  }

  /**
   * Sees to it that the alarm stands, whatever is remembered of it: the platform may have given it up. For an object that
   * wakes, and for whoever looks after it: one that stands is left alone, and then nothing is written.
   */
  async wake(): Promise<void> {
    const alarmAtMs = await this.#storage.getAlarm();
    const due = this.#earliest();
    if (due === null) return;
    const nowMs = this.#now();
    // Some runtimes show an alarm that was given up as one that stands, and take no other for the same time.
    if (alarmAtMs !== null && alarmAtMs < nowMs - GIVEN_UP_MS) this.#setAlarm(Math.max(due, nowMs));
    else if (alarmAtMs === null || due < alarmAtMs) this.#setAlarm(due);
  }

  /** As `arm`, after the alarm rang: it stands no more. */
  #rearm(): void {
    this.#looked();
    this.#setAlarm(this.#earliest());
  }

  #looked(): void {
    this.#earliestSetMs = Infinity;
    this.#hasSet = false;
    this.#hasCleared = false;
  }

  #isEmpty(): boolean {
    return this.#storage.sql.exec("SELECT 1 FROM timers LIMIT 1").toArray().length === 0;
  }

  #earliest(): number | null {
    const row = this.#storage.sql
      .exec<{ due: number | null }>("SELECT min(due_at_ms) AS due FROM timers")
      .toArray()[0];
    return row?.due ?? null;
  }

  /** A write that fails breaks the output gate and resets the object: nobody hears of what would not stand. */
  #setAlarm(atMs: number | null): void {
    this.#alarmAtMs = atMs;
    void (atMs === null ? this.#storage.deleteAlarm() : this.#storage.setAlarm(atMs));
  }

  /**
   * Works the due timers off, each in isolation.
   *
   * A handler clears or moves its own timer; one that leaves it or throws is tried again later.
   *
   * @param handle must be idempotent: a timer may ring twice
   * @param report receives what a handler threw; nothing is thrown from here
   */
  async ring(
    handle: (timer: Timer) => Promise<void>,
    report: (timer: Timer, error: unknown) => void,
  ): Promise<void> {
    const due = this.#storage.sql
      .exec<{ kind: string; subject: string; due_at_ms: number }>(
        "SELECT kind, subject, due_at_ms FROM timers WHERE due_at_ms <= ? ORDER BY due_at_ms LIMIT 100",
        this.#now(),
      )
      .toArray();
    if (due.length === 0) return this.#rearm();
    this.#setAlarm(this.#now() + SAFETY_MS);
    // A handler clears or moves its own timer; one that does not is tried again.
    for (const row of due) this.set(row.kind, row.subject, this.#now() + RETRY_MS);
    // Side by side: a handler that waits for a slow room delays nobody else's deadline.
    await Promise.all(
      due.map(async (row) => {
        const timer = { kind: row.kind, subject: row.subject, dueAtMs: row.due_at_ms };
        try {
          await handle(timer);
        } catch (error) {
          report(timer, error);
        }
      }),
    );
    this.#rearm();
  }
}
