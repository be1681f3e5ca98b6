/**
 * Whose turn it is to compute: one script per turn of the event loop, in the order of arrival.
 *
 * A script computes in one stretch that nothing can interleave, so a semaphore held across it would guard nothing,
 * and in a Worker it could leak: when a request is cancelled its timers never fire and its `finally` never runs, so a
 * slot that it holds, or a chain of promises through it, would be stuck for every request after it.
 * So nothing is held. Each waiter sleeps on a timer of its own, and goes when no script has computed while it slept:
 * between two scripts the loop has then turned at least once, and other requests have been answered.
 */

/** The scripts that share one isolate's time. */
export interface Turns {
  /**
   * Prepares (which may take its time) and resolves when the caller may compute, which it must do at once.
   * @throws the signal's reason when it aborts first, and what `prepare` throws.
   */
  next<T>(prepare: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>;
}

/** Makes turns; `pause` resolves some turns of the event loop later, first come first served. */
export function createTurns(pause: () => Promise<void>): Turns {
  let started = 0;
  return {
    async next(prepare, signal) {
      let prepared: { readonly it: Awaited<ReturnType<typeof prepare>> } | undefined;
      for (;;) {
        signal?.throwIfAborted();
        const before = started;
        await pause();
        signal?.throwIfAborted();
        if (before !== started) continue;
        prepared ??= { it: await prepare() };
        if (before !== started) continue;
        started += 1;
        return prepared.it;
      }
    },
  };
}
