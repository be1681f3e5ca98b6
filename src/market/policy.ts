/**
 * A policy: how an auction's bids become a winner. Frozen when the auction opens, shown in its record.
 *
 * `sale` is the paper's mechanism. Its default weights are computed once per policy version from the pool's prices
 * (auction.md, "Default weights"): the cost stays linear in price, as in the paper, and only its constant is scaled.
 */
import type { Agent } from "./agent.ts";
import { outputPrice } from "./agent.ts";

/** Weights of the score, all ≥ 0 (auction.md, "Symbols"). */
export interface Weights {
  /** w_c, per micro-USD (price × length). */
  readonly cost: number;
  /** w_h, per nat of mean token entropy. */
  readonly entropy: number;
  /** w_j, per point of a juror's score; the same for every juror until weights are fitted. */
  readonly juror: number;
}

export interface Policy {
  readonly name: "sale";
  /** Grows by one with every change of the tenant's pool or weights. */
  readonly version: number;
  readonly weights: Weights;
  /** Longest strategy that is admitted, in visible tokens. */
  readonly maxStrategyTokens: number;
}

/** Strategy length at which the dearest agent's cost term reaches ω. */
const REFERENCE_STRATEGY_TOKENS = 300;
/** ω: weight of the dearest agent's cost against a unanimous jury's full score of 1. */
const COST_SHARE = 0.1;
const ENTROPY_WEIGHT = 0.1;
const MAX_SCORE = 5;

export const DEFAULT_MAX_STRATEGY_TOKENS = 600;

/** w_c = ω / (π_max · 300), w_j = 1 / (5·|A|), w_h = 0.1. A pool of free agents only has w_c = 0. */
export function defaultWeights(pool: readonly Pick<Agent, "prices">[]): Weights {
  const dearest = Math.max(...pool.map(outputPrice));
  return {
    cost: dearest > 0 ? COST_SHARE / (dearest * REFERENCE_STRATEGY_TOKENS) : 0,
    entropy: ENTROPY_WEIGHT,
    juror: 1 / (MAX_SCORE * pool.length),
  };
}

/** The paper's policy with default weights for a pool. */
export function salePolicy(pool: readonly Pick<Agent, "prices">[], version: number): Policy {
  return {
    name: "sale",
    version,
    weights: defaultWeights(pool),
    maxStrategyTokens: DEFAULT_MAX_STRATEGY_TOKENS,
  };
}
