/** What a task's room offers to the rooms above it (over RPC: plain data in and out). */
import type { FailingLane } from "../durable/outbox.ts";
import type { Agent } from "../market/agent.ts";
import type { AuctionCommit, EmbeddingRecord } from "../market/auction-commit.ts";
import type { BidRecord, Opening, RefinementRecord, VerdictRecord } from "../market/auction-record.ts";
import type { PastAuction } from "../market/calibration/past-auction.ts";
import type { CallBill, CallFailure, CallKind, EndedCall, StartedCall } from "../market/call.ts";
import type { Burial } from "../market/dead-letter.ts";
import type { AgentId, CallId, QuoteId, TaskId, TenantId } from "../market/ids.ts";
import type { Payer } from "../market/ledger/charge.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { Micros, Prices, TokenUsage } from "../market/money.ts";
import type { TellAnswer, TextPiece } from "../market/live-text.ts";
import type { CalibratedAuction } from "../market/policy.ts";
import type { Ruling } from "../market/panel.ts";
import type { Receipt } from "../market/receipt-schema.ts";
import type { Verdict } from "../market/report.ts";
import type { Result } from "../market/result.ts";
import type { AnsweredStep, Step, ToolOutcome } from "../market/step.ts";
import type { FileResult, FilesView, FileUse } from "../market/task-files.ts";
import type { EarlierAttempt } from "./earlier-attempts.ts";
import type { FailedSlice } from "./trace-failures.ts";
import type { PageBounds } from "./trace-page.ts";
import type { Offer } from "../market/sale/quote.ts";
import type { StepRetry } from "../market/step-retry.ts";
import type { FailureReason, TaskEnd, TaskLimits, TaskState } from "../market/task.ts";
import type { AllowedTool } from "../market/tools/tenant-tool.ts";
import type { Awaited, VerdictOutcome, VerifierSpec } from "../market/verifier-spec.ts";
import type { CheckResult, CheckTerms, OutcomeOrder, OutcomeRefusal, ToldOutcome } from "./waiting.ts";
import type { WrapUpLimit } from "../market/wrap-up.ts";

/** Every commit under a lease answers whether to go on. `stop`: end now, keep what there is; `lost`: somebody else works. */
export type DeskAnswer = "continue" | "stop" | "lost";

/**
 * What a step's commit answers; what is none of a holder's lease never comes from a room of the version before.
 *
 * - `submitted`: its submission has been taken, and the trace has ended with that result.
 * - `wrap_up`: there is no room for what its tools would answer. Its calls are answered, and the wrap-up comes next.
 * - `wrap_up_cut`: there is no room for the step itself. It was kept as `cutStep` has it, and the wrap-up comes next.
 */
export type StepAnswered = DeskAnswer | "submitted" | "wrap_up" | "wrap_up_cut";

/**
 * What the commit of its tools' answers answers.
 *
 * - `submitted`: as above.
 * - `begun`: they stand, and the call that came with them is started. Where that may not be, it is left, and the answer is
 *   `continue`: why not is told to whoever starts it by itself.
 */
export type ToolsAnswered = DeskAnswer | "submitted" | "begun";

/** Has a commit answer with `listened`, too: whether anybody wants to hear the trace's text while it is written. */
export type AsksListeners = "listeners";

/** What a room says to a holder that asks; one of the version before gives the bare answer. */
export type Heard<T> = T | { readonly answer: T; readonly listened: boolean };

/** Calls that would pass what may be spent are not started; whatever else was to be committed stands. */
export type StartAnswer = DeskAnswer | SpendRefusal;

/** `journal_limit`: the journal has no room for another step and a wrap-up behind it. Of a wrap-up it never comes. */
export type StepStartAnswer = StartAnswer | "journal_limit";

/** An auction as it stands: what is committed is not asked again. */
export interface AuctionDesk {
  readonly opening: Opening;
  readonly bids: readonly BidRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** Who was asked to refine, and with which pairs; null: not decided yet. */
  readonly refinements: readonly RefinementRecord[] | null;
  /** Null: the task's embedding was not asked for, or its answer never came. */
  readonly embedding: EmbeddingRecord | null;
}

/** An auction whose task's room may not have been opened yet. */
export interface FreshAuction {
  readonly opening: Opening;
  /** Calls to be made once this stands, beside those that the opening names. */
  readonly started: readonly StartedCall[];
}

/** `stopping`: the caller holds the auction, and is to end it. */
export type BeginRefusal = { readonly reason: "lost" | "ended" | "stopping" };

/** Of how many tools' answers, and how many UTF-16 units. */
export interface LeftOut {
  readonly outputs: number;
  readonly characters: number;
}

/** What a call of a trace is started with. */
export interface TraceCallTerms {
  /** What must be left behind it, so that a wrap-up may follow. */
  readonly reserveMicros?: Micros;
  /** The call asks the agent to wrap up: of this attempt nothing else is begun from here on. */
  readonly wrapUp?: WrapUpLimit;
  /** What the call is sent without: tools' answers that were shortened; absent: none were. */
  readonly leftOut?: LeftOut;
  /** The call that it takes the place of: it ended, and is booked with this. */
  readonly cut?: EndedCall;
}

/** The call for the step behind one that is committed, to be started with it. */
export interface NextCall {
  readonly call: StartedCall;
  readonly terms: Pick<TraceCallTerms, "reserveMicros" | "leftOut">;
}

/** A trace as it stands. */
export interface TraceDesk {
  /** The holder's fencing number; absent from a room of the version before: that of its message. */
  readonly generation?: number;
  readonly taskId: TaskId;
  readonly tenantId: TenantId;
  readonly attempt: number;
  readonly agent: Agent;
  readonly prompt: string;
  /** The winner's own plan; null where the policy held no auction. */
  readonly strategy: string | null;
  readonly verifier: VerifierSpec | null;
  readonly limits: TaskLimits;
  /** As the task names them. */
  readonly tools: readonly string[];
  /** Those of them that are its tenant's own; absent from a room of the version before. */
  readonly ownTools?: readonly AllowedTool[];
  readonly seed: number;
  readonly deadlineAtMs: number;
  readonly steps: readonly Step[];
  /** Not null: a holder died between the model's answer and its tools'. */
  readonly pending: AnsweredStep | null;
  /** The attempt that the pending step was made in: its tools' idempotency keys name it. Absent: this one, or there is none. */
  readonly pendingAttempt?: number;
  /** Not null: the trace has its result and wants its verdict. */
  readonly result: string | null;
  /** The limit for which the agent was asked to wrap up; null: it was not; absent from a room of the version before. */
  readonly wrapUp?: WrapUpLimit | null;
  /**
   * Steps, each as often as a call of this agent for it was refused as longer than its window; absent from a room of the
   * version before (`isOlderRoom`).
   */
  readonly refused?: readonly number[];
  /** When this attempt was awarded, in milliseconds since 1970; absent from a room of the version before. */
  readonly awardedAtMs?: number;
  /** Of this attempt's calls to its agent, in milliseconds; 0: none has ended; absent from a room of the version before. */
  readonly longestCallMs?: number;
  /** What verifiers found against earlier attempts, in their order; absent from a room of the version before. */
  readonly earlierAttempts?: readonly { readonly verdict: Verdict; readonly result: string }[];
}

/** A panel over the trace's result. */
export interface PanelDesk {
  readonly rubric: string;
  /** Judges that were asked for; the pool may have fewer. */
  readonly panel: number;
  readonly judges: readonly Agent[];
  readonly rulings: readonly Ruling[];
}

export interface TaskView {
  readonly id: TaskId;
  readonly state: TaskState;
  /**
   * What an open task waits for: to begin, its auction, or with its award its trace; with its result, whoever is to give
   * the verdict. Null: it does not wait.
   */
  readonly waitsFor: "auction" | "trace" | Awaited | null;
  /** Until when it waits for a verdict; null or absent: it does not. */
  readonly waitsUntilMs?: number | null;
  readonly outcome: VerdictOutcome | null;
  readonly failureReason: FailureReason | null;
  /** Why nothing was sold; null: something was, or it is not known yet. */
  readonly noSale: Pick<Extract<TaskEnd, { readonly state: "no_sale" }>, "reason" | "relaxation"> | null;
  /** Null: the task was not asked for as a quote. */
  readonly quote: {
    readonly id: QuoteId;
    /** Null: its auction has not cleared. */
    readonly expiresAtMs: number | null;
    readonly acceptedAtMs: number | null;
  } | null;
  readonly sequence: number;
  readonly agentId: AgentId | null;
  readonly attempts: number;
  /** Those that a verifier failed before the last one, or that it goes on with; absent from a room of the version before. */
  readonly earlierAttempts?: readonly Omit<EarlierAttempt, "sale">[];
  /** Of a calibration run: the past auction that it adds an outcome to. */
  readonly calibrates: CalibratedAuction | null;
  readonly steps: number;
  readonly queueMessages: number;
  readonly result: string | null;
  /**
   * Of a task that ended without a result: what the latest step that has either handed in, though it did not count, or else
   * wrote; null: none has.
   */
  readonly partialResult: string | null;
  readonly verdict: Verdict | null;
  readonly costMicros: Micros;
  readonly costs: Readonly<Record<`${CallKind}Micros`, Micros>>;
  readonly usage: Readonly<Record<CallKind, TokenUsage>>;
  readonly admittedAtMs: number;
  readonly deadlineAtMs: number;
  readonly endedAtMs: number | null;
  readonly lastEvent: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a quote offers. */
export interface QuoteView {
  readonly task: TaskView;
  readonly expiresInS: number;
  readonly limits: TaskLimits;
  /** What its auction has cost so far. */
  readonly auctionMicros: Micros;
  /** Null: the auction has not cleared, or nothing stood without an obstacle. Best first. */
  readonly offers: readonly OfferView[] | null;
}

export interface OfferView extends Offer {
  readonly name: string;
  readonly model: string;
  readonly emulated: boolean;
  /** The agent's own strategy; null where the policy holds no auction. */
  readonly plan: string | null;
}

export interface CallView {
  readonly callId: CallId;
  readonly kind: CallKind;
  /** Null: the call is no agent's. */
  readonly agentId: AgentId | null;
  readonly attempt: number;
  /** `started`: under way, or its holder died. */
  readonly status: CallBill["status"] | "started";
  readonly boundMicros: Micros;
  /** What its provider is owed, as far as is known: the cost where billed, 0 where refused, else the bound. */
  readonly costMicros: Micros;
  readonly usage: TokenUsage | null;
  readonly ms: number | null;
  /** `lost`: another holder did its work again, and the house pays. */
  readonly payer: Payer;
  /** What the bill was computed by; null where there is none. */
  readonly prices: Prices | null;
}

/** Steps whose tools have answered, in the order of attempt and step, and calls by their ids. */
export interface TraceView {
  readonly steps: readonly (Omit<Step, "assistant"> & { readonly attempt: number })[];
  readonly calls: readonly CallView[];
}

/** After what a page of a trace begins. */
export type TracePlace =
  | { readonly part: "steps"; readonly attempt: number; readonly step: number }
  /** All steps have been read; empty: no call has. */
  | { readonly part: "calls"; readonly callId: CallId | "" };

export const TRACE_START: TracePlace = { part: "steps", attempt: 0, step: 0 };

/** A part of a trace (`trace-page.ts`). */
export interface TracePage extends TraceView {
  /** After what the next page begins; null: this is the last one. */
  readonly next: TracePlace | null;
}

/** Of a trace that is under way: what its operator is to know of. */
export interface TraceHealth {
  /** Holders in a row that were not heard of again. */
  readonly lapses: number;
  /** How often it was announced again, and nobody came. */
  readonly reminders: number;
  /** Failures in a row that holders told of. */
  readonly failures: number;
  readonly errorClass: string | null;
  /** Null: not known. */
  readonly sinceMs: number | null;
  /** The market room could not be told something. */
  readonly untold: FailingLane | null;
}

export interface TaskRoomApi {
  /**
   * A holder begins or resumes.
   *
   * @param fresh by whoever admitted the task: opens the room if that is still to be done, and records the first calls
   *   as started
   */
  beginAuction(generation: number, fresh: FreshAuction | null): Promise<Result<AuctionDesk, BeginRefusal>>;
  /** One transaction. What stands already is left as it is; calls of a holder that lost the auction are booked all the same. */
  commitAuction(generation: number, commit: AuctionCommit): Promise<StartAnswer>;
  /** Ends the task from its auction: no bids, or the stop that was asked for. */
  endAuction(generation: number, reason: "no_bids" | "stopped"): Promise<void>;

  /** @param announced the generation that the message names; the holder's own comes with the desk */
  takeTrace(
    attempt: number,
    announced: number,
  ): Promise<Result<TraceDesk, { readonly reason: "stale" | "busy" }>>;
  renewTrace(generation: number, asks?: AsksListeners): Promise<Heard<DeskAnswer>>;
  /** @param terms absent: from a holder of the version before */
  startTraceCall(
    generation: number,
    call: StartedCall,
    terms?: TraceCallTerms,
    asks?: AsksListeners,
  ): Promise<Heard<StepStartAnswer>>;
  /** A piece of the text that the model writes for the step that is due. It changes nothing that lasts. */
  tellText(generation: number, piece: TextPiece): Promise<TellAnswer>;
  /** `result` not null: the trace ends with it. Null: its tools run before, or it has none. */
  commitAnswer(
    generation: number,
    call: EndedCall,
    step: AnsweredStep,
    result: string | null,
  ): Promise<StepAnswered>;
  /**
   * A call of the step that is due failed: what follows. Null: this holder's work is over, and where it held the trace,
   * that has ended.
   */
  failTraceCall(generation: number, call: EndedCall, failure: CallFailure): Promise<StepRetry>;
  /** @param next absent: none, or of a holder of the version before; a room of that version starts none */
  commitTools(
    generation: number,
    step: number,
    outcomes: readonly ToolOutcome[],
    next?: NextCall,
  ): Promise<Heard<ToolsAnswered>>;
  commitVerdict(generation: number, verdict: Verdict): Promise<void>;
  /** The trace has its result, and the verdict is the tenant's: gives the lease back. */
  waitForUser(generation: number): Promise<void>;
  /** Who judges the result, and who has spoken. */
  openPanel(
    generation: number,
  ): Promise<Result<PanelDesk, { readonly answer: Exclude<DeskAnswer, "continue"> }>>;
  /** What a judge said; its call was started as any of the trace's, and is null where none was made. */
  commitRuling(generation: number, call: EndedCall | null, ruling: Ruling): Promise<DeskAnswer>;
  /** A checker is about to be asked about the result; with the token of this hash it may tell the outcome. */
  beginCheck(
    generation: number,
    tokenHash: string,
  ): Promise<Result<CheckTerms, { readonly answer: Exclude<DeskAnswer, "continue"> }>>;
  /** What came of it: a verdict, or whether the task waits. */
  commitCheck(generation: number, result: CheckResult): Promise<void>;
  /** The verdict of an attempt that waits for it; told again, the same answer. */
  tellOutcome(order: OutcomeOrder): Promise<Result<ToldOutcome, OutcomeRefusal>>;
  /** One thing done with the trace's files. */
  useFiles(generation: number, use: FileUse): Promise<FileResult>;
  /** Gives the trace back to the queue after a slice. */
  handOver(generation: number): Promise<void>;
  /**
   * Ends the task from its trace: `stopped` obeys the stop that was asked for. Where none was, the holder could not reach this
   * room and has given itself up: the task goes on, and the house pays for the call.
   */
  endTrace(generation: number, call: EndedCall | null, reason: FailureReason | "stopped"): Promise<void>;

  /** The holder cannot carry on: the trace waits for its message to come again. */
  failTrace(generation: number, failed: FailedSlice): Promise<void>;
  /** The queue brings a message of this attempt no more. `given_up`: with that its task ends as `dead_lettered`. */
  buryTrace(attempt: number, announced: number): Promise<Burial>;

  /** How its trace does; null where none is under way. */
  traceHealth(): Promise<TraceHealth | null>;
  view(): Promise<TaskView | null>;
  /** Null where there is no such task, or it is no quote. */
  quote(): Promise<QuoteView | null>;
  /** What the clearing was computed from; null before it, and where the task ended without one. */
  receipt(): Promise<Receipt | null>;
  /** All of it at once, as Workers of the version before ask for it: of a task with several long attempts that is too much. */
  readTrace(): Promise<TraceView | null>;
  /** Null where there is no such task. @param bounds absent: those that fit into a call */
  readTracePage(after: TracePlace, bounds?: PageBounds): Promise<TracePage | null>;
  /** The files of the last attempt, and the text of the one of this path; null where there is no such task. */
  readFiles(path: string | null): Promise<FilesView | null>;
  /** Task, seed and first strategies, for a calibration run of it; null where there is no such task. */
  pastAuction(): Promise<PastAuction | null>;
}
