/** The award of one attempt, as the market room tells the task's room. */
import type { AuctionCommit } from "./auction-commit.ts";
import type { Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import type { Micros } from "./money.ts";
import type { TaskEnd } from "./task.ts";

export interface Award {
  /** From 1; grows with every escalation. */
  readonly attempt: number;
  readonly agentId: AgentId;
  readonly clearing: Clearing;
  readonly awardedAtMs: number;
  /** What the task's calls may cost from now on, its auction's included; absent: from before there were holds. */
  readonly allowanceMicros?: Micros | null;
  /** What the holder had not yet heard to stand in the task's room when it asked for the clearing; null: nothing. */
  readonly tail: AuctionCommit | null;
  /** The trace has no place yet, and is not to begin before the market room says so; absent: it begins. */
  readonly waits?: boolean;
}

/** How a task ends that is stopped from outside. */
export type StopEnd = Exclude<TaskEnd, { readonly state: "finished" }>;
