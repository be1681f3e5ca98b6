/** What a task's room reports to the market room: calls that were spent, and how the work ended. */
import type { CallBill, CallKind } from "./call.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { AgentId, CallId, TaskId, TraceId } from "./ids.ts";
import type { Payer } from "./ledger/charge.ts";
import type { Micros, Prices, TokenUsage } from "./money.ts";
import type { TaskEnd } from "./task.ts";
import type { VerdictOutcome } from "./verifier-spec.ts";

/** A call whose money is decided: billed at its cost, refused at 0, unconfirmed at its bound. */
export interface SpentCall {
  readonly callId: CallId;
  readonly kind: CallKind;
  /** Null: the call was no agent's. */
  readonly agentId: AgentId | null;
  /** 0 for calls of the auction. */
  readonly attempt: number;
  readonly status: CallBill["status"];
  readonly micros: Micros;
  /** Null where the provider reported none. */
  readonly usage: TokenUsage | null;
  /** Most that it was held to cost. Absent in reports from before there were holds: what it cost. */
  readonly boundMicros?: Micros;
  /** Absent: the tenant. */
  readonly payer?: Payer;
  /** What the bill was computed by; absent where there is none, and in reports from before it was told. */
  readonly prices?: Prices;
  readonly endedAtMs: number;
}

/** What a verifier found about a result. */
export interface Verdict {
  readonly outcome: VerdictOutcome;
  /** The verifier's type, or `none`. */
  readonly verifier: string;
  /** What was expected, what differed: at most 4 KB, may quote the result. */
  readonly evidence: string;
}

export interface TraceFigures {
  readonly traceId: TraceId;
  readonly attempt: number;
  readonly agentId: AgentId;
  readonly steps: number;
  /** Queue messages that carried it. */
  readonly messages: number;
  readonly usage: TokenUsage;
  readonly costMicros: Micros;
  readonly awardedAtMs: number;
  readonly endedAtMs: number;
}

export interface EndReport {
  readonly taskId: TaskId;
  /** 0: the task ended before an award. */
  readonly attempt: number;
  readonly end: TaskEnd;
  readonly verdict: Verdict | null;
  /** Tools that ran in the attempt, with whatever answer; absent: not counted, in reports from before they were. */
  readonly toolCalls?: number;
  readonly trace: TraceFigures | null;
  /** The task may go on with another attempt. Absent: it may not, or its room is of a version that knows of none. */
  readonly mayGoOn?: boolean;
  /** Another agent may go on with its steps. Absent: none may, or its room is of a version that knows of no takeover. */
  readonly handsOn?: boolean;
  /** The attempt went on with the steps of those before it; absent: it began anew. */
  readonly continues?: boolean;
  /** Of one that hands on: its conversation as the next agent reads it, in UTF-8. */
  readonly contextBytes?: number;
  /** Why its work was given up; absent: it was not. */
  readonly letter?: DeadLetter;
  /** Since when the task goes on after it had been given up; absent: it was not, or was not redriven. */
  readonly redrivenAtMs?: number;
}
