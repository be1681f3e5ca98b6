/**
 * Transactions of an object that is under load, written together.
 *
 * Each stands or falls alone, but all that wait for the same turn of the event loop share one commit to storage: an
 * object that many callers reach at once pays for one write where it paid for many. A turn's wait is about a
 * millisecond, so it must pay: transactions wait for others as long as others come. Whether they do, an object with many
 * transactions finds out by letting one of them wait. Order is that of arrival.
 */

interface Waiting {
  readonly run: () => void;
  readonly reject: (error: unknown) => void;
}

/** After so many transactions within so many milliseconds that ran at once, one waits and sees whether others come. */
const TRY_AFTER = 8;
const TRY_WITHIN_MS = 100;
/** So many turns in which nobody else came end the waiting. */
const TURNS_ALONE = 4;

export interface GroupCommitParts {
  readonly storage: DurableObjectStorage;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What follows from any transaction (announcements, the alarm): once for those written together, in the same commit. */
  readonly finish: () => void;
  /** A transaction did not stand: what was remembered in it is to be forgotten. */
  readonly forget: () => void;
}

export class GroupCommit {
  readonly #parts: GroupCommitParts;
  #waiting: Waiting[] = [];
  /** Transactions that ran at once since `#sinceMs`. */
  #atOnce = 0;
  #sinceMs = 0;
  /** Turns that are still waited for. */
  #turns = 0;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
  }

  /**
   * Runs the work in a transaction of its own. Nothing that was read before may be taken for granted in it.
   *
   * Resolves before the commit is confirmed: the platform holds back whatever leaves the object until it is.
   * Rejects with what the work threw, and then it changed nothing.
   */
  async run<T>(work: () => T): Promise<T> {
    const { storage, now } = this.#parts;
    const done = Promise.withResolvers<T>();
    this.#waiting.push({ run: () => done.resolve(storage.transactionSync(work)), reject: done.reject });
    // Whoever waits already has the next turn under way.
    if (this.#waiting.length === 1) {
      if (this.#turns > 0 || this.#isToTry(now())) setTimeout(() => this.#turn(), 0);
      else this.#drain();
    }
    return done.promise;
  }

  #isToTry(nowMs: number): boolean {
    if (nowMs - this.#sinceMs > TRY_WITHIN_MS) {
      this.#sinceMs = nowMs;
      this.#atOnce = 0;
    }
    this.#atOnce += 1;
    return this.#atOnce > TRY_AFTER;
  }

  #turn(): void {
    this.#atOnce = 0;
    this.#turns = this.#waiting.length > 1 ? TURNS_ALONE : Math.max(0, this.#turns - 1);
    this.#drain();
  }

  #drain(): void {
    const group = this.#waiting;
    this.#waiting = [];
    for (const { run, reject } of group) {
      try {
        run();
      } catch (error) {
        this.#parts.forget();
        reject(error);
      }
    }
    this.#parts.finish();
  }
}
