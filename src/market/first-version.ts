/**
 * What the first version of the rooms froze of an auction, as it is read since: it had one policy, whose jurors weighed the
 * same, and one round. Pure.
 */
import type { Agent } from "./agent.ts";
import type { Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import type { Policy } from "./policy.ts";
import { SALE } from "./policy-name.ts";
import type { ScoredBid } from "./score.ts";

interface FirstWeights {
  readonly cost: number;
  readonly entropy: number;
  /** Of every juror. */
  readonly juror: number;
}

export interface FirstPolicy {
  readonly name: "sale";
  readonly version: number;
  readonly weights: FirstWeights;
  readonly maxStrategyTokens: number;
}

export interface FirstClearing {
  readonly winner: AgentId;
  readonly ranking: readonly ScoredBid[];
  readonly margin: number | null;
  readonly terms: { readonly entropyUsed: boolean; readonly jurorWeights: Readonly<Record<AgentId, number>> };
}

type Pool = readonly Pick<Agent, "id">[];

export function policyOfFirst({ weights, ...policy }: FirstPolicy, pool: Pool): Policy {
  const { juror, ...others } = weights;
  const jurors = Object.fromEntries(pool.map(({ id }) => [id, juror]));
  return { ...policy, rules: SALE, weights: { ...others, jurors } };
}

/** @param jurors those whose verdicts counted */
export function clearingOfFirst(
  { winner, ranking, margin }: Pick<FirstClearing, "winner" | "ranking" | "margin">,
  terms: { readonly entropyUsed: boolean; readonly jurors: readonly AgentId[] },
): Clearing {
  const first = { ranking, terms: { ...terms, jurors: terms.jurors.toSorted() } };
  return { winner, round: 1, provisionalWinner: winner, first, refined: null, margin };
}
