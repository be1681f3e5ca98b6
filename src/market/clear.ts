/**
 * Clearing: from recorded bids and verdicts to a winner (auction.md, steps 4 to 6).
 *
 * Pure and total: the same record always clears the same way, whoever asks and whenever. The first round gives the
 * provisional winner; refined bids are judged with it in a second round, on equal terms, and take over only with a
 * strictly lower score.
 */
import { drawNumber } from "./draw.ts";
import type { AgentId } from "./ids.ts";
import type { Policy, PolicyRules } from "./policy.ts";
import { fail, ok, type Result } from "./result.ts";
import {
  applyTerms,
  scoreBid,
  type AppliedTerms,
  type BidFigures,
  type JurorVerdict,
  type ScoredBid,
} from "./score.ts";

/** An agent of the pool as clearing sees it, in the order of the pool's file. */
export interface Candidate {
  readonly agentId: AgentId;
  /** USD per million output tokens. */
  readonly price: number;
}

export interface RoundRecord {
  /** Valid bids only. */
  readonly bids: readonly BidFigures[];
  readonly verdicts: readonly JurorVerdict[];
}

export interface AuctionRecord {
  readonly policy: Policy;
  readonly seed: number;
  /** The pool in the order of its file: decides between equal score and equal price. */
  readonly pool: readonly Candidate[];
  readonly first: RoundRecord;
  /** Refined bids and the verdicts on them and on the provisional winner; null: nobody refined. */
  readonly refined: RoundRecord | null;
}

/** One round, best first. */
export interface Ranking {
  readonly ranking: readonly ScoredBid[];
  readonly terms: AppliedTerms;
}

export interface Clearing {
  readonly winner: AgentId;
  /** Which of its strategies is the winner's plan; 0: no auction was held, and there is none. */
  readonly round: 0 | 1 | 2;
  /** Winner of the first round. */
  readonly provisionalWinner: AgentId;
  /** Null where no auction was held. */
  readonly first: Ranking | null;
  /** The refined bids with the provisional winner; null where nobody refined. */
  readonly refined: Ranking | null;
  /** Score of the second minus score of the winner, in the round that decided; null where there was one bid. */
  readonly margin: number | null;
}

type NoBids = { readonly reason: "no_bids" };

/** Argmin of cost minus value; a tie goes to the cheaper agent, then to the one that comes first in the pool. */
export function clearAuction(record: AuctionRecord): Result<Clearing, NoBids> {
  const { rules } = record.policy;
  if (rules.kind !== "auction") return awardWithoutAuction(record, rules);
  const first = rank(record, rules, record.first);
  const provisional = first.ranking[0];
  if (provisional === undefined) return fail({ reason: "no_bids" });
  const unrefined: Clearing = {
    winner: provisional.agentId,
    round: 1,
    provisionalWinner: provisional.agentId,
    first,
    refined: null,
    margin: marginOf(first.ranking),
  };
  const challengers = record.refined === null ? [] : admitRefined(record.refined.bids, first, provisional);
  if (record.refined === null || challengers.length === 0) return ok(unrefined);
  // Judged as one round: the provisional winner by its first bid, each challenger by its refined one.
  const bids = [pick(provisional), ...challengers];
  const refined = rank(record, rules, { bids, verdicts: record.refined.verdicts });
  const holder = refined.ranking.find((bid) => bid.agentId === provisional.agentId);
  const best = refined.ranking[0];
  // A jury that sat in the first round and is lost in the second cannot be what a challenger wins by.
  const judged = first.terms.jurors.length === 0 || refined.terms.jurors.length > 0;
  const takesOver =
    judged &&
    best !== undefined &&
    holder !== undefined &&
    best.agentId !== holder.agentId &&
    best.score < holder.score;
  if (!takesOver) return ok({ ...unrefined, refined });
  return ok({ ...unrefined, winner: best.agentId, round: 2, refined, margin: marginOf(refined.ranking) });
}

/** Agents strictly cheaper than the provisional winner, that made a valid bid themselves (auction.md, step 5). */
export function eligibleToRefine(first: Ranking): AgentId[] {
  const provisional = first.ranking[0];
  if (provisional === undefined) return [];
  return first.ranking
    .filter((bid) => bid.price < provisional.price)
    .map((bid) => bid.agentId)
    .toSorted();
}

/** The provisional round alone: who leads decides who may refine. */
export function rankFirstRound(record: Omit<AuctionRecord, "refined">): Result<Ranking, NoBids> {
  const { rules } = record.policy;
  if (rules.kind !== "auction") return ok({ ranking: [], terms: { entropyUsed: false, jurors: [] } });
  const first = rank(record, rules, record.first);
  return first.ranking.length === 0 ? fail({ reason: "no_bids" }) : ok(first);
}

/** A refined bid of an agent that was not eligible, or without entropy in an auction that uses it, is not admitted. */
function admitRefined(
  refined: readonly BidFigures[],
  first: Ranking,
  provisional: ScoredBid,
): readonly BidFigures[] {
  const eligible = new Set(eligibleToRefine(first));
  return refined.filter(
    (bid) =>
      bid.agentId !== provisional.agentId &&
      eligible.has(bid.agentId) &&
      (!first.terms.entropyUsed || bid.entropy !== null),
  );
}

function rank(
  record: Omit<AuctionRecord, "refined">,
  rules: Extract<PolicyRules, { readonly kind: "auction" }>,
  { bids, verdicts }: RoundRecord,
): Ranking {
  const { weights } = record.policy;
  const terms = applyTerms(rules, bids, verdicts);
  const context = { weights, rules, terms, verdicts };
  const place = (bid: BidFigures) => record.pool.findIndex((agent) => agent.agentId === bid.agentId);
  const ranking = bids
    .map((bid) => scoreBid(bid, context))
    .toSorted((a, b) => a.score - b.score || a.price - b.price || place(a) - place(b));
  return { ranking, terms };
}

function awardWithoutAuction(
  { pool, seed }: AuctionRecord,
  rules: Exclude<PolicyRules, { readonly kind: "auction" }>,
): Result<Clearing, NoBids> {
  const winner = chooseWithoutAuction(pool, rules, seed);
  if (winner === null) return fail({ reason: "no_bids" });
  return ok({ winner, round: 0, provisionalWinner: winner, first: null, refined: null, margin: null });
}

function chooseWithoutAuction(
  pool: readonly Candidate[],
  rules: Exclude<PolicyRules, { readonly kind: "auction" }>,
  seed: number,
): AgentId | null {
  // Draws go over the pool in the order of its ids: its position in the file is nobody's chance.
  const byId = pool.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
  switch (rules.kind) {
    case "always":
    case "calibration":
      return pool.find((agent) => agent.agentId === rules.agentId)?.agentId ?? null;
    case "cheapest":
      return pool.toSorted((a, b) => a.price - b.price)[0]?.agentId ?? null;
    case "random":
      return byId[Math.floor(drawNumber(seed, "random-policy") * byId.length)]?.agentId ?? null;
    case "static-mix":
      return dealt(byId, rules.shares, drawNumber(seed, "static-mix"));
  }
}

/** The agent in whose share a number of [0, 1) falls; shares need not sum to 1. */
function dealt(
  byId: readonly Candidate[],
  shares: Readonly<Record<AgentId, number>>,
  number: number,
): AgentId | null {
  const total = byId.reduce((sum, agent) => sum + (shares[agent.agentId] ?? 0), 0);
  let reached = 0;
  for (const agent of byId) {
    reached += (shares[agent.agentId] ?? 0) / total;
    if (number < reached) return agent.agentId;
  }
  return byId.at(-1)?.agentId ?? null;
}

function pick({ agentId, price, tokens, entropy }: ScoredBid): BidFigures {
  return { agentId, price, tokens, entropy };
}

function marginOf(ranking: readonly ScoredBid[]): number | null {
  const [first, second] = ranking;
  return first === undefined || second === undefined ? null : second.score - first.score;
}
