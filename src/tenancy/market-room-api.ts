/** What the market room of a tenant offers to the rooms above it (over RPC: plain data in and out). */
import type { AuctionCommit } from "../market/auction-commit.ts";
import type { BidRecord, Opening, VerdictRecord } from "../market/auction-record.ts";
import type { Burial } from "../market/dead-letter.ts";
import type { FailedAuction } from "./auction-leases.ts";
import type { Pool } from "../market/agent.ts";
import type { CalibrationApi } from "./calibration-api.ts";
import type { AgentId, AuctionId, KeyId, TaskId, TenantId } from "../market/ids.ts";
import type { HistoryRow, TaskRow } from "../market/history-row.ts";
import type { KeyScope } from "../market/key-scope.ts";
import type { LocationHint } from "../market/location-hint.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { PassageReport, PassageStep } from "../market/passage.ts";
import type { DeadlineRefusal } from "../market/market-deadlines.ts";
import type { Budget } from "../market/ledger/budget.ts";
import type { RateLimits } from "../market/rate-limit.ts";
import type { Result } from "../market/result.ts";
import type { QuoteOrder } from "../market/sale/quote.ts";
import type { Obstacle } from "../market/sale/sale.ts";
import type { NoSaleReason, TaskSpec } from "../market/task.ts";
import type { BooksAnswers, BooksQuery } from "./books.ts";
import type { KeyAnswer, KeyOrder } from "./key-desk.ts";
import type { IdempotencyConflict, IdempotentRequest } from "./idempotency.ts";
import type { HoldRefusal } from "./ledger.ts";
import type { StuckApi } from "./stuck-api.ts";
import type { AdmittedToolRefusal } from "./tools/admitted-tools.ts";
import type { ToolApi } from "./tools/tool-api.ts";
import type { WebhookApi } from "./webhooks/webhook-api.ts";
import type { LimitsApi } from "./limits-api.ts";
import type { RateReport } from "./rate-gate.ts";
import type { QueueRefusal } from "./turns.ts";
import type { PolicyApi, PolicyRefusal } from "./policy-api.ts";
import type { VerifierSecretApi } from "./verifier-secrets.ts";

export type Ordering = "parallel" | "strict";

export interface TenantSettings {
  readonly tenantId: TenantId;
  readonly name: string;
  /** `strict`: one auction at a time, in the order of admission. */
  readonly ordering: Ordering;
  /** Null: the environment's pool. */
  readonly pool: Pool | null;
  readonly budget: Budget;
  /** Null or absent: its rooms are made near whoever asks first. */
  readonly locationHint?: LocationHint | null;
}

/** A key by its hash; the key itself is nowhere. */
export interface ApiKey {
  readonly keyId: KeyId;
  /** SHA-256, lower-case hexadecimal. */
  readonly hash: string;
  readonly name: string;
  /** Of all tasks that were asked for with it; null: its tenant's alone holds. */
  readonly budget: Budget | null;
  /** Null or absent: the tenant's alone hold. */
  readonly limits?: RateLimits | null;
  /** Absent: all. */
  readonly scopes?: readonly KeyScope[];
  /** Null or absent: it does not expire. */
  readonly expiresAtMs?: number | null;
}

/** Whom a key lets in. */
export interface KnownCaller {
  readonly tenantId: TenantId;
  readonly scopes: readonly KeyScope[];
  /** Absent: neither has a limit of requests. With a refusal, the caller is to be let nowhere. */
  readonly rate?: RateReport;
}

/** A history row that D1 will never take, and why. */
export interface ParkedRow {
  readonly id: number;
  readonly error: string;
}

export interface AdmitRequest {
  /** SHA-256 of the API key, lower-case hexadecimal. */
  readonly keyHash: string;
  readonly taskId: TaskId;
  readonly auctionId: AuctionId;
  readonly seed: number;
  readonly spec: TaskSpec;
  /** False: the client named no deadline, and its tenant's default holds. Absent from a Worker of the version before. */
  readonly namesDeadline?: boolean;
  readonly idempotency: IdempotentRequest | null;
  /** The caller asks for first bids as soon as it is given the auction: their calls count from admission on. */
  readonly asksAtOnce: boolean;
  /** Null or absent: a task, awarded as soon as its auction clears. */
  readonly quote?: QuoteOrder | null;
}

export interface Admission {
  readonly taskId: TaskId;
  /** Null for a replay whose task has left the room. */
  readonly sequence: number | null;
  /** The auction's lease, held by the caller from now on; null where the auction waits for its turn or was a replay. */
  readonly auctionGeneration: number | null;
  /** What the holder opens the task's room with; null for a replay. */
  readonly opening: Opening | null;
  /** True where the Idempotency-Key had been used: nothing new was admitted. */
  readonly replayed: boolean;
  /** Absent: no limit of requests holds. */
  readonly rate?: RateReport;
}

export type AdmitRefusal = { readonly rate?: RateReport } & (
  | { readonly reason: "rate_limited" }
  | ({ readonly reason: "queue_full" } & QueueRefusal)
  | { readonly reason: "unauthenticated" | "forbidden" | "tenant_suspended" }
  | IdempotencyConflict
  /** Nothing is admitted and nothing was spent. */
  | { readonly reason: "budget"; readonly refusal: HoldRefusal }
  | PolicyRefusal
  | DeadlineRefusal
  /** Of the names in `spec.tools`. */
  | AdmittedToolRefusal
  /** Its panel could never decide: so many must, beside the agent that does the work. */
  | { readonly reason: "too_few_judges"; readonly agents: number; readonly judges: number }
);

export interface ClearRequest {
  readonly taskId: TaskId;
  readonly generation: number;
  readonly bids: readonly BidRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** The task's text and its vector, for the memory; null: it is not remembered. */
  readonly task: string;
  readonly vector: readonly number[] | null;
  /** What may not stand in the task's room yet: the award carries it there; null: nothing. */
  readonly tail: AuctionCommit | null;
}

export type ClearOutcome =
  | { readonly state: "awarded"; readonly attempt: number; readonly agentId: AgentId }
  | { readonly state: "quoted"; readonly expiresAtMs: number }
  | { readonly state: "no_sale"; readonly reason: NoSaleReason }
  | { readonly state: "failed"; readonly reason: "no_bids" };

/** `lost`: another holder took the auction over; `ended`: the task has a final state. */
export type ClearRefusal = { readonly reason: "lost" | "ended" | "unknown_task" };

export interface AcceptRequest {
  /** SHA-256 of the API key, lower-case hexadecimal. */
  readonly keyHash: string;
  readonly taskId: TaskId;
  /** Whose bid; null: the best that nothing stands against. */
  readonly agentId: AgentId | null;
}

export type QuoteRefusal =
  | { readonly reason: "unauthenticated" | "forbidden" | "tenant_suspended" }
  /** `quote_not_found`: also where its task has left this room. */
  | { readonly reason: "quote_not_found" | "quote_not_ready" | "quote_expired" | "quote_closed" }
  | { readonly reason: "quote_accepted"; readonly agentId: AgentId }
  /** Its trace would have to wait, and as many wait as may; the quote stays open. */
  | ({ readonly reason: "queue_full" } & QueueRefusal)
  | { readonly reason: "unknown_offer"; readonly agentIds: readonly AgentId[] }
  | { readonly reason: "offer_not_acceptable"; readonly obstacles: readonly Obstacle[] }
  | { readonly reason: "budget"; readonly refusal: HoldRefusal };

export type LeaseAnswer = "continue" | "ended" | "lost";

export interface RecallQuery {
  readonly vector: readonly number[];
  /** Ids that the index found for it. */
  readonly hits: readonly string[];
  readonly topK: number;
}

/** An entry on its way into the index, handed to one consumer, which reports under the claim's number. */
export type PendingVector = {
  readonly id: AuctionId;
  readonly version: number;
  readonly claim: number;
} & (
  | { readonly step: "look" }
  | {
      readonly step: Exclude<PassageStep, "look">;
      readonly vector: Float32Array;
      /** It did not get through before: it is not to be written together with others. */
      readonly alone: boolean;
    }
);

export type VectorReport = PassageReport & { readonly id: AuctionId };

/** A tenant as its operator sees it. */
export interface TenantView {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly ordering: Ordering;
  readonly budget: Budget;
  readonly locationHint: LocationHint | null;
  readonly createdAtMs: number;
  readonly suspendedAtMs: number | null;
  /** Since when it is being deleted: its keys open nothing any more. */
  readonly deletingAtMs: number | null;
  readonly openTasks: number;
}

export interface MarketRoomApi
  extends CalibrationApi, WebhookApi, ToolApi, LimitsApi, PolicyApi, VerifierSecretApi, StuckApi {
  setUp(settings: TenantSettings): Promise<void>;
  addKey(key: ApiKey): Promise<boolean>;
  /** Null: the key opens nothing, or not any more. Never from a copy: a change holds from the next call on. */
  authorize(keyHash: string): Promise<KnownCaller | null>;
  /** As it stands then; null where there is no such tenant. */
  manageTenant(order: "read" | "suspend" | "resume"): Promise<TenantView | null>;
  manageKeys(order: KeyOrder): Promise<KeyAnswer>;
  /** Effective from the next hold on; false where there is no such tenant. */
  setBudget(budget: Budget): Promise<boolean>;
  /** Null where there is no such tenant; otherwise the answer to the query's kind. */
  readBooks(query: BooksQuery): Promise<BooksAnswers[BooksQuery["kind"]] | null>;
  admit(request: AdmitRequest): Promise<Result<Admission, AdmitRefusal>>;
  /**
   * Opens the task's room, should whoever was given the auction with the admission not have been able to: it may come too
   * late to do so itself, when its tenant is gone.
   */
  openRoom(taskId: TaskId): Promise<void>;
  /**
   * @param announced the generation that the message names
   * @returns that which the holder has it under; null from a room of the version before: the message's
   */
  takeAuction(
    taskId: TaskId,
    announced: number,
  ): Promise<Result<number | null, { readonly reason: "stale" | "busy" }>>;
  /** The holder cannot carry on: the auction waits for its message to come again. */
  failAuction(taskId: TaskId, generation: number, failed: FailedAuction): Promise<void>;
  /** The queue brings a message about it no more. `given_up`: with that its task ends as `dead_lettered`. */
  buryAuction(taskId: TaskId, announced: number): Promise<Burial>;
  renewAuction(taskId: TaskId, generation: number): Promise<LeaseAnswer>;
  clear(request: ClearRequest): Promise<Result<ClearOutcome, ClearRefusal>>;
  /** Awards one bid of a quote; told again, it answers the same. Returns the agent whose bid it is. */
  acceptQuote(request: AcceptRequest): Promise<Result<AgentId, QuoteRefusal>>;
  /** False where the room does not know the task (unknown, or settled and gone). */
  cancel(taskId: TaskId): Promise<boolean>;
  /** Open tasks, and settled ones until the history has them; newest first. */
  heldTasks(): Promise<readonly TaskRow[]>;
  historyBatch(limit: number): Promise<readonly { readonly id: number; readonly row: HistoryRow }[]>;
  historyWritten(written: readonly number[], parked: readonly ParkedRow[]): Promise<void>;
  /** Past auctions nearest to a vector: the index's hits and the recent window, merged; best first. */
  recall(query: RecallQuery): Promise<readonly RecalledEntry[]>;
  /** Entries whose newest version the index may not show yet, for this caller alone until it reports or a claim's time is over. */
  claimVectors(limit: number): Promise<readonly PendingVector[]>;
  /** What became of them: an entry leaves the recent window only when the index shows its newest version. */
  reportVectors(reports: readonly VectorReport[]): Promise<void>;
  /**
   * For the cron sweep: an alarm that is gone is set anew, and so are timers; what stands keeps its time. So in the rooms
   * of open tasks that may need it, so many with each sweep. Returns how many tasks are open.
   */
  sweep(): Promise<number>;
}
