/**
 * What an auction adds in tokens to a task whose trace is as long as a real one.
 *
 * Each recorded task goes through `sale` with the house's pool of four: bids, verdicts and refinement by production's
 * prompts, ballots and pairs, counted as the market bills them, prompts included. A recorded trace counts the prompt
 * again at every step, as its provider billed it. The tokens of an auction are those of emulated agents, so counted by
 * their tokenizer; those of a trace are its provider's (provider-tokens.ts sets the two against each other).
 *
 * Who leads, and so who may refine, is drawn: every figure is the mean over several seeds, each with an order of the tasks
 * and a memory of its own.
 */
import { drawsFor } from "../../emulators/house/draws.ts";
import type { RecordedTrace } from "../../emulators/recorded/trace-schema.ts";
import { armPolicy } from "../market/arms.ts";
import { MODERATE_GAIN } from "../market/constants.ts";
import { createHouseCalls } from "../market/house-calls.ts";
import { runAuction, type AuctionTask, type StudyAuction } from "../market/run-auction.ts";
import { createStudyMemory, similarities } from "../market/study-memory.ts";
import { type AuctionTokens, countedCalls, meanTokens, tokensOf } from "./count-calls.ts";

/** Ours: seeds that the figures are averaged over. */
export const SEEDS = 20;

export interface TraceTokens {
  readonly name: string;
  readonly steps: number;
  readonly trace: number;
  /** While the memory, empty at first as the paper's, learns one task after the other. */
  readonly growing: AuctionTokens;
  /** With a memory that holds every one of the tasks: whoever may refine is asked, and shown the most pairs. */
  readonly full: AuctionTokens;
}

/** Which auction is set against the trace; `first`: the first round alone, as where nobody refines. */
export type Which = "first" | "growing" | "full";

export interface Recorded {
  readonly name: string;
  readonly trace: Pick<RecordedTrace, "prompt" | "resolved"> & {
    readonly steps: readonly Pick<RecordedTrace["steps"][number], "usage">[];
  };
}

/** In the order of the recordings. */
export function measureTokens(recordings: readonly Recorded[], seeds: number = SEEDS): TraceTokens[] {
  const runs = Array.from({ length: seeds }, (_, seed) => auctionsOf(recordings, seed));
  return recordings.map((recorded, at) => {
    const { name, trace } = recorded;
    const tokens = runs.map((run) => {
      const [growing, full] = run.get(recorded) ?? [];
      if (growing === undefined || full === undefined) throw new Error(`${at} had no two auctions`);
      return { growing, full };
    });
    return {
      name,
      steps: trace.steps.length,
      trace: trace.steps.reduce((sum, { usage }) => sum + usage.prompt_tokens + usage.completion_tokens, 0),
      growing: meanTokens(tokens.map(({ growing }) => growing)),
      full: meanTokens(tokens.map(({ full }) => full)),
    };
  });
}

/** Two auctions of every recording, in one order and then in it again: the first time fills the memory. */
function auctionsOf(recordings: readonly Recorded[], seed: number): Map<Recorded, AuctionTokens[]> {
  const order = drawsFor(seed, "order").shuffled(recordings);
  const twice = [...order, ...order];
  const tasks = twice.map(({ trace }, index): AuctionTask => ({
    index,
    seed: seed * twice.length + index,
    prompt: trace.prompt,
  }));
  const house = createHouseCalls();
  const memory = createStudyMemory(similarities(tasks));
  const auctions = new Map<Recorded, AuctionTokens[]>();
  for (const [index, task] of tasks.entries()) {
    const { calls, counted } = countedCalls(house);
    const auction = runAuction({
      calls,
      refinementGain: MODERATE_GAIN,
      task,
      policy: armPolicy("sale"),
      recall: () => memory.recall(task),
    });
    remember(memory, task, auction);
    const recorded = twice[index] as Recorded;
    auctions.set(recorded, [...(auctions.get(recorded) ?? []), counted()]);
  }
  return auctions;
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

export function auctionTokens(row: TraceTokens, which: Which): number {
  return which === "first" ? tokensOf(row.full, ["bid", "verdict"]) : tokensOf(row[which]);
}

/** Auction tokens over auction and trace tokens, 0 to 1. `factor`: the provider's tokens for one of the auction's. */
export function shareOfAuction(rows: readonly TraceTokens[], which: Which, factor = 1): number {
  const auction = factor * rows.reduce((sum, row) => sum + auctionTokens(row, which), 0);
  const trace = rows.reduce((sum, row) => sum + row.trace, 0);
  return auction / (auction + trace);
}
