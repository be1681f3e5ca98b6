/**
 * Which past tasks a calibration can learn from: auctions that the fit could use if only the outcomes were known.
 *
 * Every agent of the pool as it is now bid, the whole jury judged, every entropy is there, and a verifier decided
 * about the result. Which agents are still unknown is what there is to run.
 */
import type { AgentId, AuctionId, TaskId } from "../ids.ts";
import { fail, ok, type Result } from "../result.ts";
import type { TrainingAuction } from "../fit/training-auction.ts";
import { formFlaw } from "../fit/usable.ts";

/** A finished task whose verifier decided, with its auction as the fit sees it. */
export interface PastTask {
  readonly taskId: TaskId;
  readonly auction: TrainingAuction;
}

/** Why a past task is not calibrated. */
export const UNSUITABLE_REASONS = [
  /** Not every agent of the pool made a valid first bid. */
  "bids_missing",
  /** Another jury than the pool. */
  "other_jury",
  "juror_lost",
  "entropy_missing",
  /** What every agent does on it is known, or about to be. */
  "all_known",
  /** Its room is gone, and with it prompt and strategies. */
  "task_erased",
  /** An agent's id names another model now. */
  "agent_changed",
] as const;
export type UnsuitableReason = (typeof UNSUITABLE_REASONS)[number];

/** An agent's run of an auction's task. */
export interface RunKey {
  readonly auctionId: AuctionId;
  readonly agentId: AgentId;
}

/**
 * The agents that still lack an outcome, in the order of the pool; never empty.
 *
 * @param taken runs that are under way, or ended and need no repetition
 */
export function unknownAgents(
  { auction }: PastTask,
  pool: readonly AgentId[],
  taken: readonly RunKey[],
): Result<readonly AgentId[], UnsuitableReason> {
  const { auctionId, bids, jurors, outcomes } = auction;
  const bidders = new Set(bids.map((bid) => bid.agentId));
  if (pool.some((agentId) => !bidders.has(agentId))) return fail("bids_missing");
  if (jurors.toSorted().join(" ") !== pool.toSorted().join(" ")) return fail("other_jury");
  const flaw = formFlaw(auction);
  if (flaw !== null) return fail(flaw);
  const runs = new Set(taken.filter((run) => run.auctionId === auctionId).map((run) => run.agentId));
  const unknown = pool.filter((agentId) => outcomes[agentId] === undefined && !runs.has(agentId));
  return unknown.length === 0 ? fail("all_known") : ok(unknown);
}
