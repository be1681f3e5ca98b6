/**
 * What an auction adds in tokens to a task whose trace is as long as a real one.
 *
 * Each recorded task goes through `sale` with the house's pool of four: bids, verdicts and refinement by production's
 * prompts, ballots and pairs, counted as the market bills them, prompts included. A recorded trace counts the prompt
 * again at every step, as its provider billed it. The tokens of an auction are those of emulated agents, so counted by
 * their tokenizer; those of a trace are its provider's.
 */
import type { RecordedTrace } from "../../emulators/recorded/trace-schema.ts";
import { armPolicy } from "../market/arms.ts";
import { MODERATE_GAIN } from "../market/constants.ts";
import { createHouseCalls } from "../market/house-calls.ts";
import { runAuction, type AuctionTask, type StudyAuction } from "../market/run-auction.ts";
import { createStudyMemory, similarities } from "../market/study-memory.ts";
import { totalTokens } from "../../src/market/money.ts";

/** Tokens of one auction by what they were for. */
export interface AuctionTokens {
  readonly bids: number;
  readonly verdicts: number;
  /** Refined bids and the verdicts on them. */
  readonly refinement: number;
}

export interface TraceTokens {
  readonly name: string;
  readonly steps: number;
  readonly trace: number;
  /** With an empty memory: nobody refines. */
  readonly first: AuctionTokens;
  /** With a memory that holds every one of the tasks: who may refine is asked, and shown the most pairs. */
  readonly refined: AuctionTokens;
}

export interface Recorded {
  readonly name: string;
  readonly trace: Pick<RecordedTrace, "prompt" | "resolved"> & {
    readonly steps: readonly Pick<RecordedTrace["steps"][number], "usage">[];
  };
}

/** In the order of the recordings. */
export function measureTokens(recordings: readonly Recorded[]): TraceTokens[] {
  // Every task comes twice: the first time fills the memory.
  const tasks = [...recordings, ...recordings].map(({ trace }, index): AuctionTask => ({
    index,
    seed: index,
    prompt: trace.prompt,
  }));
  const calls = createHouseCalls();
  const memory = createStudyMemory(similarities(tasks));
  const common = { calls, refinementGain: MODERATE_GAIN };
  const auctions = tasks.map((task) => {
    const recall = () => memory.recall(task);
    const first = runAuction({ ...common, task, policy: armPolicy("sale-no-memory"), recall });
    const refined = runAuction({ ...common, task, policy: armPolicy("sale"), recall });
    remember(memory, task, refined);
    return { first, refined };
  });
  return recordings.map(({ name, trace }, at) => {
    const second = auctions[at + recordings.length];
    if (second === undefined) throw new Error("every task has a second auction");
    return {
      name,
      steps: trace.steps.length,
      trace: trace.steps.reduce((sum, { usage }) => sum + usage.prompt_tokens + usage.completion_tokens, 0),
      first: tokensOf(second.first),
      refined: tokensOf(second.refined),
    };
  });
}

type Memory = ReturnType<typeof createStudyMemory>;

/** With its outcome open: what the house's winner would have done with it is not known. */
function remember(memory: Memory, task: AuctionTask, { bids, clearing }: StudyAuction): void {
  if (clearing.round === 0) throw new Error("sale holds an auction");
  memory.remember(task, {
    strategies: bids.map(({ agentId, round, strategy }) => ({ agentId, round, strategy })),
    winner: clearing.winner,
    winnerRound: clearing.round,
    outcome: null,
  });
}

type Call = StudyAuction["bids"][number] | StudyAuction["verdicts"][number];

function tokens(calls: readonly Call[]): number {
  return calls.reduce((total, { usage }) => total + (usage === null ? 0 : totalTokens(usage)), 0);
}

function tokensOf({ bids, verdicts }: StudyAuction): AuctionTokens {
  return {
    bids: tokens(bids.filter(({ round }) => round === 1)),
    verdicts: tokens(verdicts.filter(({ round }) => round === 1)),
    refinement: tokens([...bids, ...verdicts].filter(({ round }) => round === 2)),
  };
}

export const tokensInAll = ({ bids, verdicts, refinement }: AuctionTokens): number =>
  bids + verdicts + refinement;

/** Auction tokens over auction and trace tokens, 0 to 1. */
export function shareOfAuction(rows: readonly TraceTokens[], which: "first" | "refined"): number {
  const auction = rows.reduce((sum, row) => sum + tokensInAll(row[which]), 0);
  const trace = rows.reduce((sum, row) => sum + row.trace, 0);
  return auction / (auction + trace);
}
