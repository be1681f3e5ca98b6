/**
 * A lease's heartbeat: renews while work is under way, and aborts the work when it may not go on.
 *
 * A holder renews three times per lease, so that one lost renewal costs nothing.
 */

/** Why work under a lease was aborted. */
export type HeartbeatAbort = "stop" | "lost";

export interface Heartbeat {
  /** Aborts with a `HeartbeatAbort` as reason. */
  readonly signal: AbortSignal;
  end(): void;
}

const RENEWALS_PER_LEASE = 3;

/**
 * @param renew answers `continue`, or why not; a renewal that throws is tried again at the next beat, until the
 *   lease would have run out
 */
export function startHeartbeat(
  leaseMs: number,
  renew: () => Promise<"continue" | HeartbeatAbort>,
): Heartbeat {
  const controller = new AbortController();
  let misses = 0;
  const beat = async (): Promise<void> => {
    try {
      const answer = await renew();
      misses = 0;
      if (answer !== "continue") controller.abort(answer);
    } catch {
      misses += 1;
      if (misses >= RENEWALS_PER_LEASE) controller.abort("lost" satisfies HeartbeatAbort);
    }
  };
  const timer = setInterval(() => void beat(), leaseMs / RENEWALS_PER_LEASE);
  return { signal: controller.signal, end: () => clearInterval(timer) };
}
