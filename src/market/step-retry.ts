/**
 * Whether a step's call that failed is followed by another one. Pure.
 *
 * Each is a new call with a bound and a bill of its own; requests that are repeated within a call are the provider's
 * adapter's. The room counts the failed calls of the step that is due, so that no hand-over begins to count anew.
 */
import { FIRST_PAUSE_MS, type CallFailure, type CallFailureReason } from "./call.ts";
import type { WrapUpLimit } from "./wrap-up.ts";

/**
 * Ours: calls that a step may take, by what the latest of them failed of. A refusal costs nothing; what may have been
 * billed, or was, is made once more and no third time. Whatever stays as it is, is not asked again.
 */
const MOST_CALLS: Readonly<Record<CallFailureReason, number>> = {
  rate_limited: 3,
  // Whole, shortened, and as short as it can be; counted apart.
  context_refused: 3,
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
 * What follows a call that failed: another one after so many milliseconds; the wrap-up at once, for this limit; null: nothing.
 */
export type StepRetry = number | Extract<WrapUpLimit, "deadline" | "context_limit"> | null;

/**
 * @param failure.mayPass of a request that was too long: it is made again shorter than it was; of a model that is left
 *   alone: a call is trying it
 * @param of.step the one that is due, from 1
 * @param of.wrapsUp the call asked for the wrap-up
 * @param of.failed calls of the step that failed of anything but their length, this one included
 * @param of.refused those that were refused for it, this one included
 * @param of.chance uniform in [0, 1): the wait is between half and all of what it may be
 * @param of.hasSuccessor another agent may be there to go on at once: a model that is left alone is waited for no longer
 *   than at first, since the market may yet sell the task to nobody. Of no account in a wrap-up, which nobody else is
 *   asked for
 * @param of.leftMs until the wrap-up must begin, or where it has been asked for, until the deadline; no wait ends later
 */
export function retryAfterMs(
  failure: Pick<CallFailure, "reason" | "mayPass" | "retryAfterMs">,
  of: {
    readonly step: number;
    readonly wrapsUp: boolean;
    readonly failed: number;
    readonly refused: number;
    readonly chance: number;
    readonly hasSuccessor: boolean;
    readonly leftMs: number;
  },
): StepRetry {
  const { reason, mayPass = false, retryAfterMs: askedMs = 0 } = failure;
  const { step, wrapsUp, failed, refused, chance, leftMs } = of;
  const isFollowed = of.hasSuccessor && !wrapsUp;
  if (reason === "context_refused") {
    // It is another request, and nothing has to pass before it.
    if (mayPass && refused < MOST_CALLS[reason]) return 0;
    // Before the first step there is nothing to hand in: another agent may have a larger window.
    return wrapsUp || step === 1 ? null : "context_limit";
  }
  if (reason === "provider_error" && !mayPass) return null;
  const hurries = reason === "circuit_open" && isFollowed;
  if (hurries && askedMs > FIRST_PAUSE_MS && !mayPass) return null;
  if (failed >= MOST_CALLS[reason]) return null;
  const backoffMs = Math.round(FIRST_WAIT_MS * WAIT_FACTOR ** (failed - 1) * (0.5 + chance / 2));
  const waitMs = Math.min(hurries ? FIRST_PAUSE_MS : LONGEST_WAIT_MS, Math.max(askedMs, backoffMs));
  // A provider that says it will answer too late is as good as gone.
  const isGone = isFollowed && askedMs > 0 && askedMs >= leftMs;
  // A model that is left alone while a call tries it may answer before that.
  if (waitMs < leftMs && (hurries || !isGone)) return waitMs;
  return wrapsUp || isGone ? null : "deadline";
}
