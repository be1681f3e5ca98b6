/** One auction of the study: production's ballots, pairs and clearing, over the house's answers. */
import { drawBallots } from "../../src/auction/jury.ts";
import { clearingRecord, type Round, type VerdictRecord } from "../../src/market/auction-record.ts";
import { clearAuction, eligibleToRefine, rankFirstRound, type Clearing } from "../../src/market/clear.ts";
import type { AgentId } from "../../src/market/ids.ts";
import type { RecalledEntry } from "../../src/market/memory.ts";
import { contrastivePairs } from "../../src/market/pairs.ts";
import type { Policy } from "../../src/market/policy.ts";
import { MAX_PAIRS } from "./constants.ts";
import type { HouseCalls, ValidBid } from "./house-calls.ts";
import { agentOf, pool } from "./pool.ts";
import type { StudyTask } from "./tasks.ts";

interface Answers {
  readonly bids: readonly ValidBid[];
  readonly verdicts: readonly VerdictRecord[];
}

export interface StudyAuction extends Answers {
  readonly clearing: Clearing;
}

/** What an auction needs of its task. */
export type AuctionTask = Pick<StudyTask, "index" | "seed" | "prompt">;

export interface AuctionOrder {
  readonly task: AuctionTask;
  readonly policy: Policy;
  readonly calls: HouseCalls;
  readonly refinementGain: number;
  /** Entries that retrieval finds for this task. */
  readonly recall: () => readonly RecalledEntry[];
}

/** Holds the auction that the policy asks for, if any, and clears it. */
export function runAuction(order: AuctionOrder): StudyAuction {
  const { task, policy } = order;
  const opening = { pool, policy, seed: task.seed };
  const answers = policy.rules.kind === "auction" ? refineBids(order, firstRound(order)) : NOTHING;
  const cleared = clearAuction(clearingRecord(opening, answers));
  if (!cleared.ok) throw new Error(cleared.failure.reason);
  return { clearing: cleared.value, ...answers };
}

const NOTHING: Answers = { bids: [], verdicts: [] };

function judge({ task, policy, calls }: AuctionOrder, round: Round, bids: readonly ValidBid[]) {
  const ballots = drawBallots({ pool, policy, seed: task.seed }, round, bids);
  return ballots.map((ballot) => calls.judge(task, round, ballot));
}

function firstRound(order: AuctionOrder): Answers {
  const { task, policy, calls, refinementGain } = order;
  const maxTokens = policy.maxStrategyTokens;
  const bids = pool.map((agent) => calls.bid({ task, agent, maxTokens, refinementGain, refinement: null }));
  return { bids, verdicts: judge(order, 1, bids) };
}

/** As src/auction/refine.ts: who is cheaper than the leader and has pairs bids again; both are judged in one more round. */
function refineBids(order: AuctionOrder, first: Answers): Answers {
  const { task, policy } = order;
  if (policy.rules.kind !== "auction" || !policy.rules.memory) return first;
  const ranked = rankFirstRound(clearingRecord({ pool, policy, seed: task.seed }, first));
  const leader = ranked.ok ? ranked.value.ranking[0] : undefined;
  if (!ranked.ok || leader === undefined) return first;
  const eligible = eligibleToRefine(ranked.value);
  if (eligible.length === 0) return first;
  const recalled = order.recall();
  const refined = eligible.flatMap((agentId) => refinedBid(order, { agentId, first, recalled }) ?? []);
  if (refined.length === 0) return first;
  const holder = first.bids.filter((bid) => bid.agentId === leader.agentId);
  return {
    bids: [...first.bids, ...refined],
    verdicts: [...first.verdicts, ...judge(order, 2, [...holder, ...refined])],
  };
}

interface Refiner {
  readonly agentId: AgentId;
  readonly first: Answers;
  readonly recalled: readonly RecalledEntry[];
}

/** Null: no pair to learn from, so the agent is not asked. */
function refinedBid(
  { task, policy, calls, refinementGain }: AuctionOrder,
  { agentId, first, recalled }: Refiner,
): ValidBid | null {
  const pairs = contrastivePairs(agentId, recalled, { maxPairs: MAX_PAIRS });
  const own = first.bids.find((bid) => bid.agentId === agentId);
  if (pairs.length === 0 || own === undefined) return null;
  return calls.bid({
    task,
    agent: agentOf(agentId),
    maxTokens: policy.maxStrategyTokens,
    refinementGain,
    refinement: {
      ownStrategy: own.strategy,
      pairs: pairs.map((pair) => ({
        task: pair.task,
        losing: pair.losing.strategy,
        winning: pair.winning.strategy,
        verified: pair.outcome === "pass",
      })),
    },
  });
}
