/**
 * The score of a bid: cost minus value (SALE, section 3.2; auction.md, steps 2 and 3).
 *
 *   C_i = w_c · π(a_i) · |s_i|            USD/Mtok × tokens = micro-USD
 *   V_i = w_h · H(s_i) + Σ_j w_j · γ_j(s_i)
 *   score_i = C_i − V_i                   lower is better
 */
import type { AgentId } from "./ids.ts";
import type { Weights } from "./policy.ts";

/** What the score needs to know of one bid. */
export interface BidFigures {
  readonly agentId: AgentId;
  /** π(a_i), USD per million output tokens, frozen when the auction opened. */
  readonly price: number;
  /** |s_i|, visible tokens as the provider counted them. */
  readonly tokens: number;
  /** H(s_i), nats per token; null where the provider gives no log-probabilities. */
  readonly entropy: number | null;
}

/** A juror's scores, 0 to 5, by the agent that made the bid. A juror that left is not listed. */
export interface JurorVerdict {
  readonly jurorId: AgentId;
  readonly scores: Readonly<Record<AgentId, number>>;
}

export interface ScoredBid extends BidFigures {
  readonly cost: number;
  /** w_h · H, 0 where the auction dropped entropy. */
  readonly entropyValue: number;
  /** Σ_j w_j · γ_j. */
  readonly juryValue: number;
  readonly score: number;
}

/** How an auction's terms were weighed once it was known who answered. */
export interface AppliedTerms {
  /** False where any bidder has none: the term is dropped for all, so that nobody gains by a provider's API. */
  readonly entropyUsed: boolean;
  /** Weight of each remaining juror: lost jurors' weight goes to the others in proportion. */
  readonly jurorWeights: Readonly<Record<AgentId, number>>;
}

/**
 * Decides which terms apply to an auction.
 *
 * @param poolSize |A| when the auction opened; the jury's weights always sum to |A| · w_j while anyone is left on it
 */
export function applyTerms(
  weights: Weights,
  poolSize: number,
  bids: readonly BidFigures[],
  verdicts: readonly JurorVerdict[],
): AppliedTerms {
  const complete = verdicts.filter((verdict) =>
    bids.every((bid) => verdict.scores[bid.agentId] !== undefined),
  );
  const share = complete.length === 0 ? 0 : (weights.juror * poolSize) / complete.length;
  return {
    entropyUsed: bids.every((bid) => bid.entropy !== null),
    jurorWeights: Object.fromEntries(complete.map((verdict) => [verdict.jurorId, share])),
  };
}

/** Scores one bid under the terms of its auction. */
export function scoreBid(
  bid: BidFigures,
  weights: Weights,
  terms: AppliedTerms,
  verdicts: readonly JurorVerdict[],
): ScoredBid {
  const cost = weights.cost * bid.price * bid.tokens;
  const entropyValue = terms.entropyUsed ? weights.entropy * (bid.entropy ?? 0) : 0;
  let juryValue = 0;
  // Jurors are added in the order of their ids: floating-point sums must not depend on who answered first.
  const ordered = verdicts.toSorted((a, b) => (a.jurorId < b.jurorId ? -1 : 1));
  for (const verdict of ordered) {
    juryValue += (terms.jurorWeights[verdict.jurorId] ?? 0) * (verdict.scores[bid.agentId] ?? 0);
  }
  return { ...bid, cost, entropyValue, juryValue, score: cost - (entropyValue + juryValue) };
}
