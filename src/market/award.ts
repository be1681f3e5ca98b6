/** The award of one attempt, as the market room tells the task's room. */
import type { AuctionCommit } from "./auction-commit.ts";
import type { Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import type { Micros } from "./money.ts";
import type { PassedOver } from "./sale/sale.ts";
import type { TaskEnd } from "./task.ts";

export interface Award {
  /** From 1; grows with every escalation. */
  readonly attempt: number;
  readonly agentId: AgentId;
  readonly clearing: Clearing;
  /** How it came that another bid than the clearing's winner was sold; null or absent: that one was. */
  readonly sale?: SaleRecord | null;
  readonly awardedAtMs: number;
  /** What the task's calls may cost from now on, its auction's included; absent: from before there were holds. */
  readonly allowanceMicros?: Micros | null;
  /** Of an accepted quote: most that the trace may cost; null or absent: what the allowance leaves. */
  readonly capMicros?: Micros | null;
  /** Of an accepted quote: when the task must have ended; null or absent: as it was admitted. */
  readonly deadlineAtMs?: number | null;
  /** What the holder had not yet heard to stand in the task's room when it asked for the clearing; null: nothing. */
  readonly tail: AuctionCommit | null;
  /** It goes on with the steps of the attempt before it; absent: it begins anew. */
  readonly continues?: boolean;
  /** The trace has no place yet, and is not to begin before the market room says so; absent: it begins. */
  readonly waits?: boolean;
}

/** Which bid was sold, and by whom it was chosen. */
export interface SaleRecord {
  /** Which of the agent's strategies is its plan. */
  readonly round: 0 | 1 | 2;
  /** `market`: the best bid that nothing stood against; `tenant`: the one that it accepted from a quote. */
  readonly chosenBy: "market" | "tenant";
  /** Better bids that something stood against, best first; of a quote, all bids that something stood against. */
  readonly passedOver: readonly PassedOver[];
}

/** Why nothing was sold, as the market room tells the task's room. */
export interface Unsold {
  readonly clearing: Clearing;
  readonly passedOver: readonly PassedOver[];
  readonly end: Extract<TaskEnd, { readonly state: "no_sale" }>;
  readonly decidedAtMs: number;
  /** As an award's. */
  readonly tail: AuctionCommit | null;
}

/** A task that was given up goes on from what it has, as the market room tells the task's room. */
export interface Redrive {
  /** That its trace goes on as; null: its auction does, for there was no award. */
  readonly attempt: number | null;
  readonly redrivenAtMs: number;
  /** When the task must have ended, from here on. */
  readonly deadlineAtMs: number;
  /** What the task's calls may cost from now on. */
  readonly allowanceMicros: Micros;
  /** The trace has no place yet, and is not to begin before the market room says so. */
  readonly waits: boolean;
}

/** How a task ends that is stopped from outside. */
export type StopEnd = Exclude<TaskEnd, { readonly state: "finished" }>;
