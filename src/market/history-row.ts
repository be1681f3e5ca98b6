/**
 * Rows for the outcome history: figures and short texts only, written by the market room into its outbox
 * and carried to D1 by a queue consumer. Prompts, strategies and journals stay in the rooms.
 */
import type { AgentId, AuctionId, BidId, StuckId, TaskId, TenantId } from "./ids.ts";
import type { DeadLetter, StuckState } from "./dead-letter.ts";
import type { Micros, TokenUsage } from "./money.ts";
import type { Weights } from "./policy.ts";
import type { TraceFigures } from "./report.ts";
import type { TaskState } from "./task.ts";
import type { VerdictOutcome } from "./verifier-spec.ts";

interface OfTask {
  readonly tenantId: TenantId;
  readonly taskId: TaskId;
}

export interface TenantRow {
  readonly table: "tenants";
  readonly tenantId: TenantId;
  readonly name: string;
  readonly createdAtMs: number;
  /** Tasks without a final state: the cron sweep wakes rooms where it is not 0. */
  readonly openTasks: number;
  /** Deliveries of its webhooks wait, though no task is open: the cron sweep wakes the room all the same. Absent: none do. */
  readonly waits?: boolean;
  /** Grows with every change; an older row never overwrites a newer one. */
  readonly version: number;
}

export interface TaskRow extends OfTask {
  readonly table: "tasks";
  readonly sequence: number;
  readonly state: TaskState;
  readonly outcome: VerdictOutcome | null;
  readonly failureReason: string | null;
  readonly verifier: string | null;
  readonly promptChars: number;
  readonly agentId: AgentId | null;
  readonly attempts: number;
  readonly costMicros: Micros;
  /** Of a calibration run: the past task and its auction that the run adds an outcome to; else both null. */
  readonly calibratesTaskId: TaskId | null;
  readonly calibratesAuctionId: AuctionId | null;
  readonly admittedAtMs: number;
  readonly endedAtMs: number | null;
  readonly version: number;
}

export interface AuctionRow extends OfTask {
  readonly table: "auctions";
  readonly auctionId: AuctionId;
  readonly policy: string;
  readonly policyVersion: number;
  readonly weights: Weights;
  readonly seed: number;
  readonly poolSize: number;
  readonly validBids: number;
  readonly jurors: number;
  readonly entropyUsed: boolean;
  readonly winner: AgentId | null;
  /** Winner of the first round. */
  readonly provisionalWinner: AgentId | null;
  /** Round of the winning strategy; 0: the policy held no auction. */
  readonly winnerRound: 0 | 1 | 2 | null;
  readonly margin: number | null;
  readonly tokens: number;
  readonly costMicros: Micros;
  readonly openedAtMs: number;
  readonly clearedAtMs: number;
}

export interface BidRow extends OfTask {
  readonly table: "bids";
  readonly bidId: BidId;
  readonly auctionId: AuctionId;
  readonly agentId: AgentId;
  readonly round: 1 | 2;
  readonly status: "valid" | "abstained";
  readonly reason: string | null;
  /** USD per million output tokens. */
  readonly price: number;
  readonly visibleTokens: number | null;
  readonly entropy: number | null;
  readonly score: number | null;
  readonly usage: TokenUsage | null;
  readonly costMicros: Micros;
  readonly ms: number;
}

export interface VerdictRow extends OfTask {
  readonly table: "verdicts";
  readonly auctionId: AuctionId;
  readonly jurorId: AgentId;
  readonly round: 1 | 2;
  readonly status: "scored" | "left";
  readonly reason: string | null;
  /** 0 to 5 by bidder; null where the juror left. */
  readonly scores: Readonly<Record<AgentId, number>> | null;
  readonly usage: TokenUsage | null;
  readonly costMicros: Micros;
  readonly ms: number;
}

export interface TraceRow extends OfTask, TraceFigures {
  readonly table: "traces";
}

export interface OutcomeRow extends OfTask {
  readonly table: "outcomes";
  readonly attempt: number;
  readonly agentId: AgentId;
  readonly outcome: VerdictOutcome;
  readonly verifier: string | null;
  /** At most 500 characters. */
  readonly evidence: string;
  readonly decidedAtMs: number;
}

/** Work that was given up, for the operator. */
export interface StuckRow extends OfTask, Omit<DeadLetter, "sinceMs"> {
  readonly table: "stuck";
  readonly stuckId: StuckId;
  readonly state: StuckState;
  readonly sinceAtMs: number;
  /** Grows with every change; an older row never overwrites a newer one. */
  readonly version: number;
}

export type HistoryRow =
  | TenantRow
  | TaskRow
  | AuctionRow
  | BidRow
  | VerdictRow
  | TraceRow
  | OutcomeRow
  | StuckRow;
