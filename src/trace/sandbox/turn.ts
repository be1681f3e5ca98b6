/**
 * Whose turn it is to compute: scripts compute one after the other, and after so much computing the event loop turns for a
 * while before the next one does.
 *
 * A script computes in one stretch that nothing can interleave, so a semaphore held across it would guard nothing,
 * and in a Worker it could leak: when a request is cancelled its timers never fire and its `finally` never runs, so a
 * slot that it holds, or a chain of promises through it, would be stuck for every request after it.
 * So nothing is held. What was computed is owed to the loop, and paid back by the time that passes; where little is owed,
 * the next script goes at once if nobody waits. Otherwise each waiter sleeps on a timer of its own, and goes when no script
 * has computed while it slept: the loop has then turned at least once, and other requests have been answered.
 */

/** The scripts that share one isolate's time. */
export interface Turns {
  /**
   * Prepares and resolves when the caller may compute, which it must do at once; it says how long that was with `computed`,
   * before anything else runs. One prepares at a time: what is prepared is large, and computing, too.
   * @throws the signal's reason when it aborts first, and what `prepare` throws.
   */
  next<T>(prepare: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
  /** @param ms computing time, at most: a Worker's clock stands still meanwhile */
  computed(ms: number): void;
}

export interface TurnOptions {
  /** Resolves some turns of the event loop later, first come first served. */
  readonly pause: () => Promise<void>;
  /** Milliseconds of computing that may be owed when the next script begins; about as long as a pause. */
  readonly mostOwedMs: number;
  /** A clock, in milliseconds. */
  readonly now: () => number;
}

/** Makes turns. */
export function createTurns({ pause, mostOwedMs, now }: TurnOptions): Turns {
  /** Turns that were begun or ended: who slept meanwhile slept beside a script, and has seen no free time for sure. */
  let moves = 0;
  let owedMs = 0;
  /** From when on time pays back: by a clock that stood still while the script computed. */
  let sinceMs = -Infinity;
  /** Somebody has gone, and it is not known yet for how long. It may never be: its request may be cancelled. */
  let isOut = false;
  /** When somebody lay down who has not gone since. He looks again after his pause, unless his request was cancelled. */
  let sleptAtMs = -Infinity;
  const owed = (): number => Math.max(0, owedMs - Math.max(0, now() - sinceMs));
  const mayGo = (): boolean => !isOut && owed() < mostOwedMs;
  const rest = async (signal: AbortSignal | undefined): Promise<void> => {
    const before = moves;
    sleptAtMs = now();
    await pause();
    signal?.throwIfAborted();
    if (before !== moves) return;
    owedMs = 0;
    isOut = false;
  };
  const begin = async (signal: AbortSignal | undefined): Promise<number> => {
    // Whoever comes new does not overtake those who wait.
    if (now() - sleptAtMs < 2 * mostOwedMs) await rest(signal);
    while (!mayGo()) await rest(signal);
    sleptAtMs = -Infinity;
    isOut = true;
    moves += 1;
    return moves;
  };
  return {
    async next(prepare, signal) {
      signal?.throwIfAborted();
      const mine = await begin(signal);
      const prepared = await prepare();
      signal?.throwIfAborted();
      // It took so long that somebody else has gone.
      if (mine !== moves) await begin(signal);
      return prepared;
    },
    computed(ms) {
      moves += 1;
      isOut = false;
      owedMs = owed() + ms;
      sinceMs = now() + ms;
    },
  };
}
