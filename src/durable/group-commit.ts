/**
 * Transactions of an object that is under load, written together.
 *
 * Each stands or falls alone, but all that wait for the same turn of the event loop share one commit to storage: an
 * object that many callers reach at once pays for one write where it paid for many. A turn's wait is about a
 * millisecond, so an object that is not under load does not wait: its transactions run at once. Order is that of arrival.
 */

interface Waiting {
  readonly run: () => void;
  readonly reject: (error: unknown) => void;
}

/** Load is so many transactions within so many milliseconds: more than one caller alone brings about. */
const LOAD = 8;
const LOAD_MS = 5;

export interface GroupCommitParts {
  readonly storage: DurableObjectStorage;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What follows from any transaction (announcements, the alarm): once for those written together, in the same commit. */
  readonly finish: () => void;
}

export class GroupCommit {
  readonly #parts: GroupCommitParts;
  #waiting: Waiting[] = [];
  /** When the last transactions were asked for, oldest first. */
  #asked: number[] = [];

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
    const loaded = this.#isLoaded(now());
    // Whoever waits already has the next turn under way.
    if (this.#waiting.length === 1) {
      if (loaded) setTimeout(() => this.#drain(), 0);
      else this.#drain();
    }
    return done.promise;
  }

  #isLoaded(nowMs: number): boolean {
    this.#asked.push(nowMs);
    if (this.#asked.length <= LOAD) return false;
    const before = this.#asked.shift() ?? 0;
    return nowMs - before <= LOAD_MS;
  }

  #drain(): void {
    const group = this.#waiting;
    this.#waiting = [];
    for (const { run, reject } of group) {
      try {
        run();
      } catch (error) {
        reject(error);
      }
    }
    this.#parts.finish();
  }
}
