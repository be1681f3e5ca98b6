/**
 * How the memory comes to know of an auction, and of what its winner's trace did. Pure.
 *
 * An entry is one row of the market room for good, so its texts are cut: 24 agents with two strategies each stay below
 * 1.2 MB even where every character is escaped, and a row may have 2 MB.
 */
import type { BidRecord, VerdictRecord } from "./auction-record.ts";
import type { Clearing } from "./clear.ts";
import type { AgentId, AuctionId, TaskId } from "./ids.ts";
import type { MemoryEntry, RememberedStrategy, RememberedVerdict } from "./memory.ts";
import type { Micros } from "./money.ts";
import type { EndReport } from "./report.ts";
import type { VerdictOutcome } from "./verifier-spec.ts";

/** A task is remembered by its beginning: long enough to tell what it asks for. In UTF-16 units. */
const MAX_TASK_CHARS = 4_000;
/** An honest strategy of the 600 tokens that are admitted is shorter. In UTF-16 units. */
const MAX_STRATEGY_CHARS = 4_000;

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
    strategies: auction.bids.flatMap((bid): RememberedStrategy[] => {
      if (bid.status !== "valid") return [];
      const { agentId, round, strategy } = bid;
      return [{ agentId, round, strategy: beginning(strategy, MAX_STRATEGY_CHARS) }];
    }),
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

/** An entry as it was stored; what older entries do not hold is null. */
export function storedEntry(body: string): MemoryEntry {
  const later = { verdicts: null, verifier: null, traceCostMicros: null };
  return { ...later, ...(JSON.parse(body) as Omit<MemoryEntry, keyof typeof later>) };
}

/**
 * What the end of a task says of the trace that it ended with; null where there was no award.
 *
 * A task that failed after its award has failed, whatever it failed of: its strategy is nobody's example. One that was
 * cancelled says nothing about its strategy.
 */
export function traceOutcome({ end, trace, verdict }: EndReport): TraceOutcome | null {
  if (trace === null) return null;
  const { agentId, costMicros } = trace;
  const told = { agentId, traceCostMicros: costMicros };
  switch (end.state) {
    case "finished":
      return { ...told, outcome: end.outcome, verifier: verdict?.verifier ?? null };
    case "failed":
      return { ...told, outcome: "fail", verifier: null };
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
