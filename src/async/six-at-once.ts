/** Much work of which each waits for an object or a host: an invocation has six connections. */
const AT_ONCE = 6;

/**
 * Begins the next as soon as one is done: what takes long holds up itself alone.
 *
 * @throws what `work` throws first; nothing waits for the rest then
 * @returns the results in the order of what they are of
 */
export async function sixAtOnce<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  // One iterator for all of them: each takes what no other has taken.
  const left = all.entries();
  const hand = async (): Promise<void> => {
    for (const [at, one] of left) done[at] = await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, hand));
  return done;
}
