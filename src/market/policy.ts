/**
 * A policy: how an auction's bids become a winner. Frozen when the auction opens, shown in its record.
 *
 * `sale` is the paper's mechanism; the others are its ablations and the arms that it is compared with, so that every
 * arm of a comparison runs through the same code. Default weights are computed once per policy version from the pool's
 * prices (auction.md, "Default weights"): the cost stays linear in price, as in the paper, and only its constant is scaled.
 */
import type { Agent } from "./agent.ts";
import { outputPrice } from "./agent.ts";
import { frozenEscalation, type Escalation, type VerifiedEscalation } from "./escalation.ts";
import type { AgentId, AuctionId, TaskId } from "./ids.ts";

/** Weights of the score, all ≥ 0 (auction.md, "Symbols"). */
export interface Weights {
  /** w_c, per micro-USD (price × length). */
  readonly cost: number;
  /** w_h, per nat of mean token entropy. */
  readonly entropy: number;
  /** w_j, per point of this juror's score. */
  readonly jurors: Readonly<Record<AgentId, number>>;
}

export interface JuryRules {
  /** `batched`: one call per juror over all bids; `pointwise`: one call per juror and bid. */
  readonly form: "batched" | "pointwise";
  /** m jurors drawn per auction; null: the whole pool. A bidder is its own juror too where `self` holds. */
  readonly size: number | null;
  /** Self-assessment: whether a juror's score of its own bid counts. */
  readonly self: boolean;
}

/** What decides: an auction under some rules, or no auction at all. */
export type PolicyRules =
  | {
      readonly kind: "auction";
      readonly entropy: boolean;
      /** Null: nobody judges. */
      readonly jury: JuryRules | null;
      /** Whether cheaper agents may refine their bids from the memory. */
      readonly memory: boolean;
    }
  | { readonly kind: "always"; readonly agentId: AgentId }
  | { readonly kind: "cheapest" }
  /** Every agent equally often. */
  | { readonly kind: "random" }
  /** Dealt at random in fixed shares: what a coin could do at the same cost. */
  | { readonly kind: "static-mix"; readonly shares: Readonly<Record<AgentId, number>> }
  | CalibrationRules;

/**
 * A calibration run: one agent carries a past task out, with the strategy that it bid first in that task's auction as
 * its plan. No name stands for these rules: nobody can ask for them with a task.
 */
export interface CalibrationRules {
  readonly kind: "calibration";
  readonly agentId: AgentId;
  readonly calibrates: CalibratedAuction;
  readonly strategy: string;
}

/** The past auction that a calibration run adds an outcome to, and its task. */
export interface CalibratedAuction {
  readonly taskId: TaskId;
  readonly auctionId: AuctionId;
}

/** The auction that a task under these rules calibrates; null for every task that a tenant submitted. */
export function calibratedBy(rules: PolicyRules): CalibratedAuction | null {
  return rules.kind === "calibration" ? rules.calibrates : null;
}

export interface Policy {
  /** Canonical where it stands for rules that a client chose (`policy-name.ts`). */
  readonly name: string;
  /** Grows by one with every change of the tenant's policy or weights. */
  readonly version: number;
  readonly rules: PolicyRules;
  readonly weights: Weights;
  /** Longest strategy that is admitted, in visible tokens. */
  readonly maxStrategyTokens: number;
  /**
   * Largest share of the tenant's latest awards that an agent may have and still be awarded, in (0, 1]; whoever is not
   * named has no cap. Absent: nobody has.
   */
  readonly maxShares?: Readonly<Record<AgentId, number>>;
  /** Absent: a task ends with its first attempt, whatever its verifier says. */
  readonly escalation?: VerifiedEscalation;
}

/** Strategy length at which the dearest agent's cost term reaches ω. */
export const REFERENCE_STRATEGY_TOKENS = 300;
/** ω: weight of the dearest agent's cost against a unanimous jury's full score of 1. */
const COST_SHARE = 0.1;
const ENTROPY_WEIGHT = 0.1;
const MAX_SCORE = 5;
const MAX_STRATEGY_TOKENS = 600;

/** w_c = ω / (π_max · 300), w_h = 0.1, w_j = 1 / (5·|A|). A pool of free agents only has w_c = 0. */
export function defaultWeights(pool: readonly Pick<Agent, "id" | "prices">[]): Weights {
  const dearest = Math.max(...pool.map(outputPrice));
  const juror = 1 / (MAX_SCORE * pool.length);
  return {
    cost: dearest > 0 ? COST_SHARE / (dearest * REFERENCE_STRATEGY_TOKENS) : 0,
    entropy: ENTROPY_WEIGHT,
    jurors: Object.fromEntries(pool.map((agent) => [agent.id, juror])),
  };
}

/** A policy for a pool: named rules with the given weights, or with the pool's default ones. */
export function makePolicy(options: {
  readonly name: string;
  readonly rules: PolicyRules;
  readonly pool: readonly Pick<Agent, "id" | "prices">[];
  readonly version: number;
  readonly weights?: Weights | null;
  readonly maxShares?: Policy["maxShares"] | undefined;
  readonly escalation?: Escalation;
}): Policy {
  return {
    name: options.name,
    version: options.version,
    rules: options.rules,
    weights: options.weights ?? defaultWeights(options.pool),
    maxStrategyTokens: MAX_STRATEGY_TOKENS,
    ...(options.maxShares !== undefined && { maxShares: options.maxShares }),
    ...(options.escalation !== undefined && frozenEscalation(options.escalation)),
  };
}

/** The same rules, for a task with an escalation of its own. */
export function withEscalation({ escalation: _tenants, ...policy }: Policy, own: Escalation): Policy {
  return { ...policy, ...frozenEscalation(own) };
}
