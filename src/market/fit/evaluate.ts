/**
 * What weights would have done: the winners of past auctions, through the market's own clearing, against what agents
 * are known to have done. First round only: what a refined bid would have been is not known.
 */
import { clearAuction } from "../clear.ts";
import type { AgentId } from "../ids.ts";
import { makePolicy, type PolicyRules, type Weights } from "../policy.ts";
import type { TrainingAuction } from "./training-auction.ts";

export interface Tally {
  readonly auctions: number;
  /** How many went to an agent known to pass. */
  readonly toPass: number;
  readonly toFail: number;
  readonly toUnknown: number;
  /** Winners whose trace cost is known. */
  readonly knownCosts: number;
  /** Sum of those costs, micro-USD. */
  readonly costMicros: number;
}

/** Names the winner of an auction; null: nobody. */
export type Choose = (auction: TrainingAuction) => AgentId | null;

const FIRST_ROUND: PolicyRules = {
  kind: "auction",
  entropy: true,
  jury: { form: "batched", size: null, self: true },
  memory: false,
};

/** What the auctions would have come to under these weights. */
export function evaluate(weights: Weights, auctions: readonly TrainingAuction[]): Tally {
  return tallyOf(auctions, (auction) => winnerUnder(weights, auction));
}

/** Every task to the bidder with the highest price, or the lowest; of equal ones the first by id. */
export function choosePriced(which: "dearest" | "cheapest"): Choose {
  const sign = which === "dearest" ? -1 : 1;
  return ({ bids }) =>
    bids.toSorted((a, b) => sign * (a.price - b.price) || (a.agentId < b.agentId ? -1 : 1))[0]?.agentId ??
    null;
}

export function tallyOf(auctions: readonly TrainingAuction[], choose: Choose): Tally {
  return sumTallies(
    auctions.map((auction) => {
      const winner = choose(auction);
      const outcome = winner === null ? undefined : auction.outcomes[winner];
      const cost = winner === null ? undefined : auction.traceCostMicros[winner];
      return {
        auctions: 1,
        toPass: outcome === "pass" ? 1 : 0,
        toFail: outcome === "fail" ? 1 : 0,
        toUnknown: outcome === undefined ? 1 : 0,
        knownCosts: cost === undefined ? 0 : 1,
        costMicros: cost ?? 0,
      };
    }),
  );
}

export function sumTallies(tallies: readonly Tally[]): Tally {
  const sum = (field: keyof Tally) => tallies.reduce((total, tally) => total + tally[field], 0);
  return {
    auctions: sum("auctions"),
    toPass: sum("toPass"),
    toFail: sum("toFail"),
    toUnknown: sum("toUnknown"),
    knownCosts: sum("knownCosts"),
    costMicros: sum("costMicros"),
  };
}

/** Mean trace cost over the winners whose cost is known, micro-USD; null where none is. */
export function meanCostMicros({ knownCosts, costMicros }: Tally): number | null {
  return knownCosts === 0 ? null : costMicros / knownCosts;
}

/** The order of the pool's file is not in the history: the last tie, of score and of price, goes by id. */
function winnerUnder(weights: Weights, auction: TrainingAuction): AgentId | null {
  const bids = auction.bids.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
  const verdicts = auction.jurors
    .map((jurorId) => ({
      jurorId,
      scores: Object.fromEntries(
        bids.flatMap(({ agentId, scores }) =>
          scores[jurorId] === undefined ? [] : [[agentId, scores[jurorId]]],
        ),
      ),
    }))
    .filter(({ scores }) => Object.keys(scores).length > 0);
  const clearing = clearAuction({
    policy: makePolicy({ name: "fit", rules: FIRST_ROUND, pool: [], version: 0, weights }),
    seed: 0,
    pool: bids,
    first: { bids, verdicts },
    refined: null,
  });
  return clearing.ok ? clearing.value.winner : null;
}
