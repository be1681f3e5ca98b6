/**
 * Whether a step's call that failed is followed by another one. Pure.
 *
 * Each is a new call with a bound and a bill of its own; requests that are repeated within a call are the provider's
 * adapter's. The room counts the failed calls of the step that is due, so that no hand-over begins to count anew.
 */
import type { CallFailure, CallFailureReason } from "./call.ts";

/**
 * Ours: calls that a step may take, by what the latest of them failed of. A refusal costs nothing; what may have been
 * billed, or was, is made once more and no third time. Whatever stays as it is, is not asked again.
 */
const MOST_CALLS: Readonly<Record<CallFailureReason, number>> = {
  rate_limited: 3,
  unreachable: 3,
  provider_error: 3,
  timeout: 2,
  empty: 2,
  malformed: 2,
  misconfigured: 1,
  cancelled: 1,
  too_long: 1,
  unaffordable: 1,
  circuit_open: 3,
};

const FIRST_WAIT_MS = 1_000;
const WAIT_FACTOR = 4;
/** Ours: nobody waits longer, whatever was asked for. */
const LONGEST_WAIT_MS = 60_000;

/**
 * How long to wait before the step's next call, in milliseconds; null: there is none.
 *
 * @param of.failed calls of the step that failed, this one included
 * @param of.chance uniform in [0, 1): the wait is between half and all of what it may be
 * @param of.hasSuccessor another agent could go on at once: a model that is left alone is not waited for
 * @param of.leftMs until the task's deadline: a call that could not begin before it is not waited for
 */
export function retryAfterMs(
  failure: Pick<CallFailure, "reason" | "mayPass" | "retryAfterMs">,
  of: {
    readonly failed: number;
    readonly chance: number;
    readonly hasSuccessor: boolean;
    readonly leftMs: number;
  },
): number | null {
  const { reason, mayPass = false, retryAfterMs: askedMs = 0 } = failure;
  const { failed, chance, hasSuccessor, leftMs } = of;
  if (reason === "provider_error" && !mayPass) return null;
  if (reason === "circuit_open" && hasSuccessor) return null;
  if (failed >= MOST_CALLS[reason]) return null;
  const backoffMs = Math.round(FIRST_WAIT_MS * WAIT_FACTOR ** (failed - 1) * (0.5 + chance / 2));
  const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(askedMs, backoffMs));
  return waitMs < leftMs ? waitMs : null;
}
