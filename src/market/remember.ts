/**
 * How the memory comes to know of an auction, and of what its winner's trace did. Pure.
 *
 * An entry is one row of the market room for good, and a row may have 2 MB: a larger one would keep its auction from
 * clearing. So its texts are cut, whatever the largest pool writes.
 */
import type { BidRecord, VerdictRecord } from "./auction-record.ts";
import type { Clearing } from "./clear.ts";
import type { AgentId, AuctionId, TaskId } from "./ids.ts";
import type { MemoryEntry, RememberedStrategy, RememberedVerdict } from "./memory.ts";
import type { Micros } from "./money.ts";
import type { EndReport } from "./report.ts";
import { utf8Bytes } from "./utf8.ts";
import type { VerdictOutcome } from "./verifier-spec.ts";

/** A task is remembered by its beginning: long enough to tell what it asks for. In UTF-16 units. */
const MAX_TASK_CHARS = 4_000;
/** An honest strategy of the 600 tokens that are admitted is shorter. In UTF-16 units. */
const MAX_STRATEGY_CHARS = 4_000;
/** All strategies of an entry, as JSON. 64 agents with two each come to half of it; verdicts take 0.6 MB at most. */
const MAX_STRATEGIES_BYTES = 1_200_000;
/** A control character is `\u0001` in JSON: nothing takes more. */
const MAX_BYTES_PER_CHAR = 6;
/** Names and quotes around one strategy. */
const STRATEGY_FRAME_BYTES = 150;

/** What the trace of an auction's winner did. */
export interface TraceOutcome {
  readonly agentId: AgentId;
  readonly outcome: VerdictOutcome;
  readonly verifier: string | null;
  readonly traceCostMicros: Micros;
}

/** The entry of an auction that has just cleared; null where no auction was held. */
export function entryOf(auction: {
  readonly auctionId: AuctionId;
  readonly taskId: TaskId;
  readonly task: string;
  readonly bids: readonly BidRecord[];
  readonly verdicts: readonly VerdictRecord[];
  readonly clearing: Clearing;
}): MemoryEntry | null {
  const { auctionId, taskId, task, clearing } = auction;
  if (clearing.round === 0) return null;
  return {
    auctionId,
    taskId,
    version: 1,
    task: beginning(task, MAX_TASK_CHARS),
    strategies: rememberedStrategies(auction.bids),
    verdicts: auction.verdicts.flatMap((verdict): RememberedVerdict[] => {
      if (verdict.status !== "scored") return [];
      const { jurorId, round, scores } = verdict;
      return [{ jurorId, round, scores }];
    }),
    winner: clearing.winner,
    winnerRound: clearing.round,
    outcome: null,
    verifier: null,
    traceCostMicros: null,
  };
}

function rememberedStrategies(bids: readonly BidRecord[]): RememberedStrategy[] {
  const cutTo = (chars: number) =>
    bids.flatMap((bid): RememberedStrategy[] => {
      if (bid.status !== "valid") return [];
      const { agentId, round, strategy } = bid;
      return [{ agentId, round, strategy: beginning(strategy, chars) }];
    });
  const strategies = cutTo(MAX_STRATEGY_CHARS);
  if (utf8Bytes(JSON.stringify(strategies)) <= MAX_STRATEGIES_BYTES) return strategies;
  const share = MAX_STRATEGIES_BYTES / strategies.length - STRATEGY_FRAME_BYTES;
  return cutTo(Math.floor(share / MAX_BYTES_PER_CHAR));
}

/** An entry as it was stored; what older entries do not hold is null. */
export function storedEntry(body: string): MemoryEntry {
  const later = { verdicts: null, verifier: null, traceCostMicros: null };
  return { ...later, ...(JSON.parse(body) as Omit<MemoryEntry, keyof typeof later>) };
}

/**
 * What the end of an attempt says of its trace; null where there was no award.
 *
 * One that failed after its award has failed, whatever it failed of: its strategy is nobody's example. One that was
 * cancelled says nothing about its strategy.
 */
export function traceOutcome({ end, trace, verdict, continues = false }: EndReport): TraceOutcome | null {
  if (trace === null) return null;
  const { agentId, costMicros } = trace;
  const told = { agentId, traceCostMicros: costMicros };
  switch (end.state) {
    case "finished":
      // Of what another began, the result says nothing of its own strategy.
      if (continues) return { ...told, outcome: "unknown", verifier: null };
      return { ...told, outcome: end.outcome, verifier: verdict?.verifier ?? null };
    case "failed":
      return { ...told, outcome: "fail", verifier: null };
    // Without an award: no trace is told of.
    case "no_sale":
    case "cancelled":
      return { ...told, outcome: "unknown", verifier: null };
  }
}

/**
 * The entry in its next version, with what its winner's trace did; null where that changes nothing, or where the trace
 * was another agent's.
 */
export function settledEntry(entry: MemoryEntry, told: TraceOutcome): MemoryEntry | null {
  const { agentId, ...outcome } = told;
  const same =
    entry.outcome === outcome.outcome &&
    entry.verifier === outcome.verifier &&
    entry.traceCostMicros === outcome.traceCostMicros;
  if (same || entry.winner !== agentId) return null;
  return { ...entry, ...outcome, version: entry.version + 1 };
}

/** Never cut through a character. */
function beginning(text: string, chars: number): string {
  return text.length <= chars ? text : text.slice(0, chars).replace(/[\uD800-\uDBFF]$/, "");
}
