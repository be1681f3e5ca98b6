/**
 * Clearing: from recorded bids and verdicts to a winner (auction.md, steps 4 and 6).
 *
 * Pure and total: the same record always clears the same way, whoever asks and whenever.
 */
import type { AgentId } from "./ids.ts";
import type { Policy } from "./policy.ts";
import { fail, ok, type Result } from "./result.ts";
import {
  applyTerms,
  scoreBid,
  type AppliedTerms,
  type BidFigures,
  type JurorVerdict,
  type ScoredBid,
} from "./score.ts";

export interface AuctionRecord {
  readonly policy: Policy;
  /** Ids of the pool in the order of its file: decides between equal score and equal price. */
  readonly poolOrder: readonly AgentId[];
  /** Valid bids only. */
  readonly bids: readonly BidFigures[];
  readonly verdicts: readonly JurorVerdict[];
}

export interface Clearing {
  readonly winner: AgentId;
  /** Best first. */
  readonly ranking: readonly ScoredBid[];
  /** Score of the second minus score of the winner; null where there was one bid. */
  readonly margin: number | null;
  readonly terms: AppliedTerms;
}

/** Argmin of cost minus value; a tie goes to the cheaper agent, then to the one that comes first in the pool. */
export function clearAuction(record: AuctionRecord): Result<Clearing, { readonly reason: "no_bids" }> {
  const { policy, bids, verdicts, poolOrder } = record;
  const terms = applyTerms(policy.weights, poolOrder.length, bids, verdicts);
  const ranking = bids
    .map((bid) => scoreBid(bid, policy.weights, terms, verdicts))
    .toSorted(
      (a, b) =>
        a.score - b.score || a.price - b.price || poolOrder.indexOf(a.agentId) - poolOrder.indexOf(b.agentId),
    );
  const [first, second] = ranking;
  if (first === undefined) return fail({ reason: "no_bids" });
  return ok({
    winner: first.agentId,
    ranking,
    margin: second === undefined ? null : second.score - first.score,
    terms,
  });
}
