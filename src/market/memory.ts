/**
 * The shared memory of past auctions (auction.md, step 8 and "Ours", point 1): its entries, and the contrastive pairs
 * that a cheaper agent may learn from. Pure: retrieval and storage are elsewhere.
 */
import type { AgentId, AuctionId, TaskId } from "./ids.ts";
import type { Micros } from "./money.ts";
import type { VerdictOutcome } from "./verifier-spec.ts";

/** A strategy as it took part in an auction. */
export interface RememberedStrategy {
  readonly agentId: AgentId;
  /** 1: first bid; 2: refined. */
  readonly round: 1 | 2;
  readonly strategy: string;
}

/** What one juror gave in one round; in the second, the provisional winner is judged once more by its first bid. */
export interface RememberedVerdict {
  readonly jurorId: AgentId;
  readonly round: 1 | 2;
  /** 0 to 5 by bidder. */
  readonly scores: Readonly<Record<AgentId, number>>;
}

/** One cleared auction. */
export interface MemoryEntry {
  readonly auctionId: AuctionId;
  readonly taskId: TaskId;
  /** Grows with every change; the index holds it, so that a stale vector is known for one. */
  readonly version: number;
  readonly task: string;
  readonly strategies: readonly RememberedStrategy[];
  /** Of the jurors that stayed; null: the entry is older than this field. */
  readonly verdicts: readonly RememberedVerdict[] | null;
  readonly winner: AgentId;
  /** Round of the winner's strategy. */
  readonly winnerRound: 1 | 2;
  /** What the winner's trace did; null: not known yet. */
  readonly outcome: VerdictOutcome | null;
  /** What decided the outcome: a verifier's type, or `none` for a task without one; null: nothing has, or the trace failed by itself. */
  readonly verifier: string | null;
  /** What the winner's trace cost; null: not known. */
  readonly traceCostMicros: Micros | null;
}

/** An entry that retrieval found, with the cosine similarity of its task to this one, −1 to 1. */
export interface RecalledEntry {
  readonly entry: MemoryEntry;
  readonly similarity: number;
}

/** Why one strategy lost and another won, on a similar task; at least one of the two is the agent's own. */
export interface ContrastivePair {
  readonly auctionId: AuctionId;
  readonly task: string;
  readonly similarity: number;
  readonly losing: { readonly agentId: AgentId; readonly strategy: string };
  readonly winning: { readonly agentId: AgentId; readonly strategy: string };
  /** The winner's outcome, known to have passed or not known; never a fail. */
  readonly outcome: "pass" | "unknown" | null;
}
