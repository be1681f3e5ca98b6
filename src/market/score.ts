/**
 * The score of a bid: cost minus value (SALE, section 3.2; auction.md, steps 2 and 3).
 *
 *   C_i = w_c · π(a_i) · |s_i|            USD/Mtok × tokens = micro-USD
 *   V_i = w_h · H(s_i) + Σ_j w_j · γ_j(s_i)
 *   score_i = C_i − V_i                   lower is better
 *
 * Where a juror left, was not drawn, or may not judge itself, its weight goes to the others in proportion:
 * Σ_j w_j · γ_j becomes (Σ_all w) · (Σ_j w_j γ_j) / (Σ_j w_j) over the jurors that judged the bid. Never a silent 0.
 */
import type { AgentId } from "./ids.ts";
import type { PolicyRules, Weights } from "./policy.ts";

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
  /** Σ_j w_j · γ_j over the jurors that judged this bid. */
  readonly juryValue: number;
  readonly score: number;
}

/** How an auction's terms were weighed once it was known who answered. */
export interface AppliedTerms {
  /** False where any bidder has none: the term is dropped for all, so that nobody gains by a provider's API. */
  readonly entropyUsed: boolean;
  /** Jurors whose verdicts count, by id. */
  readonly jurors: readonly AgentId[];
}

type AuctionRules = Extract<PolicyRules, { readonly kind: "auction" }>;

/** Decides which terms apply to an auction. */
export function applyTerms(
  rules: AuctionRules,
  bids: readonly BidFigures[],
  verdicts: readonly JurorVerdict[],
): AppliedTerms {
  return {
    entropyUsed: rules.entropy && bids.every((bid) => bid.entropy !== null),
    jurors: rules.jury === null ? [] : verdicts.map((verdict) => verdict.jurorId).toSorted(),
  };
}

export interface ScoringContext {
  readonly weights: Weights;
  readonly rules: AuctionRules;
  readonly terms: AppliedTerms;
  readonly verdicts: readonly JurorVerdict[];
}

/** Scores one bid under the terms of its auction. */
export function scoreBid(bid: BidFigures, context: ScoringContext): ScoredBid {
  const { weights, terms } = context;
  const cost = weights.cost * bid.price * bid.tokens;
  const entropyValue = terms.entropyUsed ? weights.entropy * (bid.entropy ?? 0) : 0;
  const juryValue = juryValueOf(bid.agentId, context);
  return { ...bid, cost, entropyValue, juryValue, score: cost - (entropyValue + juryValue) };
}

interface Given {
  readonly judged: string;
  readonly score: number;
  readonly weight: number;
}

interface JuryTable {
  /** Every score that counts, in the order of jurors and then of bids by id: sums must not depend on who answered first. */
  readonly given: readonly Given[];
  readonly byBid: ReadonlyMap<string, readonly Given[]>;
  /** Σ of all weights, of jurors that left too. */
  readonly all: number;
}

// The same for every bid of a round: in a large pool it is most of the work.
const tables = new WeakMap<ScoringContext, JuryTable>();

function tableOf(context: ScoringContext): JuryTable {
  const known = tables.get(context);
  if (known !== undefined) return known;
  const { weights, rules, terms, verdicts } = context;
  const mayJudgeItself = rules.jury?.self !== false;
  const given = terms.jurors.flatMap((jurorId) => {
    const scores = verdicts.find((verdict) => verdict.jurorId === jurorId)?.scores ?? {};
    return Object.entries(scores)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .filter(([judged]) => judged !== jurorId || mayJudgeItself)
      .map(([judged, score]) => ({ judged, score, weight: weights.jurors[jurorId] ?? 0 }));
  });
  const all = Object.entries(weights.jurors)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .reduce((sum, [, weight]) => sum + weight, 0);
  const byBid = new Map<string, Given[]>();
  for (const one of given) byBid.set(one.judged, [...(byBid.get(one.judged) ?? []), one]);
  const table = { given, byBid, all };
  tables.set(context, table);
  return table;
}

function juryValueOf(bidder: AgentId, context: ScoringContext): number {
  const { given, byBid, all } = tableOf(context);
  // A bid that nobody was left to judge counts as the jury's mean: it was not given 0.
  const counted = byBid.get(bidder) ?? given;
  if (counted.length === 0) return 0;
  const weight = counted.reduce((sum, one) => sum + one.weight, 0);
  // Fitted weights may be 0 for all who are left: then they speak with one voice each.
  if (weight === 0) return (all * counted.reduce((sum, one) => sum + one.score, 0)) / counted.length;
  return (all * counted.reduce((sum, one) => sum + one.weight * one.score, 0)) / weight;
}
