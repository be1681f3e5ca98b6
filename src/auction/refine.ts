/**
 * Step 5: agents strictly cheaper than the provisional winner may refine their bids from the shared memory.
 *
 * Each is shown contrastive pairs of which one strategy is its own; without any it is not asked. Refined bids and the
 * provisional winner's are judged in one more round, on equal terms.
 */
import type { RefinementInput } from "../agents/prompts/strategy-prompt.ts";
import {
  clearingRecord,
  type BidRecord,
  type RefinementRecord,
  type VerdictRecord,
} from "../market/auction-record.ts";
import { eligibleToRefine, rankFirstRound } from "../market/clear.ts";
import type { AgentId } from "../market/ids.ts";
import type { AuctionRun } from "./auction-run.ts";
import { collectBids } from "./collect-bids.ts";
import { collectVerdicts } from "./collect-verdicts.ts";
import { goOn } from "./phase.ts";

export interface Answers {
  readonly bids: readonly BidRecord[];
  readonly verdicts: readonly VerdictRecord[];
}

/** The answers of both rounds; those of the first alone where nobody refines. @throws AuctionAborted */
export async function refineBids(
  run: AuctionRun,
  first: Answers,
  vector: readonly number[] | null,
): Promise<Answers> {
  const { opening } = run.desk;
  const ranked = rankFirstRound(clearingRecord(opening, first));
  const leader = ranked.ok ? ranked.value.ranking[0] : undefined;
  if (!ranked.ok || leader === undefined) return first;
  const refinements = run.desk.refinements ?? (await decide(run, eligibleToRefine(ranked.value), vector));
  goOn(await run.task.openRefinement(run.generation, leader.agentId, refinements));
  if (refinements.length === 0) return first;

  const shown = new Map(refinements.map((one) => [one.agentId, refinementInput(one, first.bids)]));
  const agents = opening.pool.filter((agent) => shown.has(agent.id));
  const refined = await collectBids(run, { round: 2, agents, refinements: shown });
  const holder = first.bids.find((bid) => bid.agentId === leader.agentId);
  const judged = holder === undefined ? refined : [holder, ...refined];
  const verdicts = await collectVerdicts(run, 2, judged);
  return { bids: [...first.bids, ...refined], verdicts: [...first.verdicts, ...verdicts] };
}

async function decide(
  run: AuctionRun,
  eligible: readonly AgentId[],
  vector: readonly number[] | null,
): Promise<readonly RefinementRecord[]> {
  const { memory } = run.deps;
  const { rules } = run.desk.opening.policy;
  if (memory === null || vector === null || eligible.length === 0) return [];
  if (rules.kind !== "auction" || !rules.memory) return [];
  const pairs = await memory.pairsFor(run, vector, eligible);
  return [...pairs].map(([agentId, own]) => ({ agentId, pairs: own })).filter((one) => one.pairs.length > 0);
}

function refinementInput({ agentId, pairs }: RefinementRecord, bids: readonly BidRecord[]): RefinementInput {
  const own = bids.find((bid) => bid.agentId === agentId);
  return {
    ownStrategy: own?.status === "valid" ? own.strategy : "",
    pairs: pairs.map((pair) => ({
      task: pair.task,
      losing: pair.losing.strategy,
      winning: pair.winning.strategy,
      verified: pair.outcome === "pass",
    })),
  };
}
