/**
 * A calibration: past tasks that agents who did not win them carry out as well, at a price that is quoted first.
 *
 * Winner-only history never holds a known pass and a known fail for one task (auction.md, "MIP"); a calibration adds
 * what the other agents would have done, each with the strategy that it bid. Its runs are tasks of the tenant, paid and
 * limited like any other; nothing but the fit learns from them. In particular the memory does not: it holds who won an
 * auction, and an agent that carried the task out afterwards has won nothing.
 */
import type { Agent } from "../agent.ts";
import type { AgentId, AuctionId, CalibrationId, TaskId } from "../ids.ts";
import type { Micros } from "../money.ts";
import type { TaskEnd } from "../task.ts";
import type { RunEstimate } from "./estimate.ts";
import type { UnsuitableReason } from "./suitable.ts";

/** Runs of a tenant that are under way at one time; the next begins when one of them ends. */
export const RUNS_AT_ONCE = 8;
/** Most tasks of one quote. */
export const MAX_CALIBRATED_TASKS = 100;
/** How long a quote can be accepted. */
export const QUOTE_MS = 60 * 60 * 1_000;

/** One agent's run of one past task, as it was quoted. */
export interface QuotedRun {
  readonly taskId: TaskId;
  readonly auctionId: AuctionId;
  readonly agentId: AgentId;
  /** Null: unknown. */
  readonly expectedMicros: Micros | null;
  /** Most that it is billed by its task's limits. */
  readonly boundMicros: Micros;
}

/** An agent as it was quoted: a run begins only while the agent is still this one at this price. */
export interface QuotedAgent extends Pick<Agent, "id" | "provider" | "model" | "prices"> {
  readonly estimate: RunEstimate;
}

export interface CalibrationQuote {
  readonly calibrationId: CalibrationId;
  /** How many tasks were asked for. */
  readonly asked: number;
  /** Finished tasks that were looked at, newest first, to find them. */
  readonly examined: number;
  /** Those of them that are not calibrated, by reason. */
  readonly unsuitable: Readonly<Record<UnsuitableReason, number>>;
  readonly tasks: readonly {
    readonly taskId: TaskId;
    readonly auctionId: AuctionId;
    /** A run uses them anew: what the `http` tool reaches is reached again. */
    readonly tools: readonly string[];
  }[];
  readonly agents: readonly QuotedAgent[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Why an accepted run is not carried out. */
export type SkipReason =
  /** The past task's room is gone, or its strategy is not in it. */
  | "task_erased"
  /** The past task's room did not answer several times. */
  | "task_unreachable"
  /** The agent left the pool, or has another model or price than was quoted. */
  | "agent_changed"
  /** Another calibration runs it, or has. */
  | "already_run"
  | "cancelled";

export type RunState =
  | { readonly status: "quoted" }
  | { readonly status: "waiting" }
  /** A task of its own since then. */
  | { readonly status: "running"; readonly runTaskId: TaskId }
  | { readonly status: "ended"; readonly runTaskId: TaskId; readonly end: TaskEnd }
  | { readonly status: "skipped"; readonly reason: SkipReason };

/**
 * - `quoted`, `expired`: nothing runs.
 * - `running`: accepted, and not all of it is in the history yet.
 * - `ended`: all runs ended or were skipped, and the history has them: the fit sees them.
 */
export type CalibrationState = "quoted" | "expired" | "running" | "ended";

/** True where the same run again would most likely tell no more: a verifier spoke, or the task's limits were used up. */
export function isConclusive(end: TaskEnd): boolean {
  if (end.state === "finished") return true;
  return end.state === "failed" && (end.reason === "step_limit" || end.reason === "deadline");
}
