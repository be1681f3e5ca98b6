/**
 * Step 5: agents strictly cheaper than the provisional winner may refine their bids from the shared memory.
 *
 * Each is shown contrastive pairs of which one strategy is its own; without any it is not asked. Refined bids and the
 * provisional winner's are judged in one more round, on equal terms.
 */
import { raceAbort } from "../async/race-abort.ts";
import type { RefinementInput } from "../agents/prompts/strategy-prompt.ts";
import {
  clearingRecord,
  type AuctionAnswers,
  type BidRecord,
  type RefinementRecord,
} from "../market/auction-record.ts";
import { eligibleToRefine, rankFirstRound } from "../market/clear.ts";
import type { AgentId } from "../market/ids.ts";
import type { RecalledEntry } from "../market/memory.ts";
import { contrastivePairs } from "../market/pairs.ts";
import { MAX_PAIRS } from "./auction-memory.ts";
import { AuctionAborted, CallsRefused, type AuctionRun } from "./auction-run.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import { holdRound, type RoundToHold } from "./hold-round.ts";

/** The answers of both rounds; those of the first alone where nobody refines. @throws AuctionAborted */
export async function refineBids(
  run: AuctionRun,
  first: AuctionAnswers,
  recall: () => Promise<readonly RecalledEntry[]>,
): Promise<AuctionAnswers> {
  const { opening, desk } = run;
  const ranked = rankFirstRound(clearingRecord(opening, first));
  const leader = ranked.ok ? ranked.value.ranking[0] : undefined;
  if (!ranked.ok || leader === undefined) return first;
  const refinements = desk.refinements ?? (await decide(run, eligibleToRefine(ranked.value), recall));
  // Nothing to record: whoever resumes decides again, and nobody has been asked for anything.
  if (refinements.length === 0) return first;

  const shown = new Map(refinements.map((one) => [one.agentId, refinementInput(one, first.bids)]));
  const refined = await holdRefinedRound(run, {
    round: 2,
    agents: opening.pool.filter((agent) => shown.has(agent.id)),
    refinements: shown,
    begun: null,
    holder: first.bids.find((bid) => bid.agentId === leader.agentId) ?? null,
    with: { refinement: { provisionalWinner: leader.agentId, refinements } },
  });
  // Nobody was asked for a refined bid: the auction clears as it stands.
  if (refined === null) return first;
  return { bids: [...first.bids, ...refined.bids], verdicts: [...first.verdicts, ...refined.verdicts] };
}

/** Null where what may be spent on the task does not take it. */
async function holdRefinedRound(run: AuctionRun, toHold: RoundToHold): Promise<AuctionAnswers | null> {
  try {
    return await holdRound(run, toHold);
  } catch (error) {
    if (error instanceof CallsRefused) return null;
    throw error;
  }
}

async function decide(
  run: AuctionRun,
  eligible: readonly AgentId[],
  recall: () => Promise<readonly RecalledEntry[]>,
): Promise<readonly RefinementRecord[]> {
  const { rules } = run.opening.policy;
  if (eligible.length === 0 || rules.kind !== "auction" || !rules.memory) return [];
  const recalled = await raceAbort(recall(), run.signal).catch((error: unknown) => {
    throw run.signal.aborted ? new AuctionAborted(run.signal.reason as HeartbeatAbort) : error;
  });
  return eligible
    .map((agentId) => ({ agentId, pairs: contrastivePairs(agentId, recalled, { maxPairs: MAX_PAIRS }) }))
    .filter((one) => one.pairs.length > 0);
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
