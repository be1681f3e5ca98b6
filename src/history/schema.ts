/**
 * The tables of the outcome history in D1: the shapes of `market/history-row.ts`, one table per kind of row; and the
 * operator's: its requests for tenants, and what is stuck.
 *
 * Every primary key of the history begins with the tenant, so that no tenant's id can ever reach another's row; with the
 * ids' order by time it also serves "newest first" read backwards. Times are milliseconds since 1970, money is
 * micro-USD. A usage that nobody reported is null in all of its columns.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { StuckState } from "../market/dead-letter.ts";
import type { StuckRow } from "../market/history-row.ts";
import type { AgentId, AuctionId, BidId, StuckId, TaskId, TenantId, TraceId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { Weights } from "../market/policy.ts";
import type { TaskState } from "../market/task.ts";
import type { VerdictOutcome } from "../market/verifier-spec.ts";

// Columns are built anew for each table: drizzle ties a column to the table that it is given to.
const ofTenant = () => ({ tenantId: text("tenant_id").$type<TenantId>().notNull() });
const ofTask = () => ({ ...ofTenant(), taskId: text("task_id").$type<TaskId>().notNull() });
const cost = () => ({ costMicros: integer("cost_micros").$type<Micros>().notNull() });
const usage = () => ({
  inputTokens: integer("input_tokens"),
  cachedInputTokens: integer("cached_input_tokens"),
  cacheWriteTokens: integer("cache_write_tokens"),
  outputTokens: integer("output_tokens"),
  reasoningTokens: integer("reasoning_tokens"),
});

export const tenants = sqliteTable(
  "tenants",
  {
    tenantId: text("tenant_id").$type<TenantId>().primaryKey(),
    name: text("name").notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    openTasks: integer("open_tasks").notNull(),
    /** Whether something waits in its room though no task is open. */
    waits: integer("waits", { mode: "boolean" }).notNull().default(false),
    version: integer("version").notNull(),
  },
  // Partial: the sweep reads only tenants with open work, however many there are.
  (table) => [
    index("tenants_awake")
      .on(table.tenantId)
      .where(sql`open_tasks > 0 OR waits > 0`),
  ],
);

export const tasks = sqliteTable(
  "tasks",
  {
    ...ofTask(),
    sequence: integer("sequence").notNull(),
    state: text("state").$type<TaskState>().notNull(),
    outcome: text("outcome").$type<VerdictOutcome>(),
    failureReason: text("failure_reason"),
    verifier: text("verifier"),
    promptChars: integer("prompt_chars").notNull(),
    agentId: text("agent_id").$type<AgentId>(),
    attempts: integer("attempts").notNull(),
    ...cost(),
    /** Of a calibration run: the past task and its auction that the run adds an outcome to. */
    calibratesTaskId: text("calibrates_task_id").$type<TaskId>(),
    calibratesAuctionId: text("calibrates_auction_id").$type<AuctionId>(),
    admittedAtMs: integer("admitted_at_ms").notNull(),
    endedAtMs: integer("ended_at_ms"),
    version: integer("version").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.taskId] }),
    index("tasks_by_state").on(table.tenantId, table.state, table.taskId),
    // Partial: few tasks are calibration runs.
    index("tasks_by_calibrated")
      .on(table.tenantId, table.calibratesAuctionId, table.taskId)
      .where(sql`calibrates_auction_id IS NOT NULL`),
  ],
);

export const auctions = sqliteTable(
  "auctions",
  {
    ...ofTask(),
    auctionId: text("auction_id").$type<AuctionId>().notNull(),
    policy: text("policy").notNull(),
    policyVersion: integer("policy_version").notNull(),
    weights: text("weights", { mode: "json" }).$type<Weights>().notNull(),
    seed: integer("seed").notNull(),
    poolSize: integer("pool_size").notNull(),
    validBids: integer("valid_bids").notNull(),
    jurors: integer("jurors").notNull(),
    entropyUsed: integer("entropy_used", { mode: "boolean" }).notNull(),
    winner: text("winner").$type<AgentId>(),
    /** Winner of the first round; differs from the winner where a refined bid took over. */
    provisionalWinner: text("provisional_winner").$type<AgentId>(),
    /** Round of the winning strategy; 0: the policy held no auction. */
    winnerRound: integer("winner_round").$type<0 | 1 | 2>(),
    margin: real("margin"),
    tokens: integer("tokens").notNull(),
    ...cost(),
    openedAtMs: integer("opened_at_ms").notNull(),
    clearedAtMs: integer("cleared_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.auctionId] })],
);

export const bids = sqliteTable(
  "bids",
  {
    ...ofTask(),
    bidId: text("bid_id").$type<BidId>().notNull(),
    auctionId: text("auction_id").$type<AuctionId>().notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    /** 1: first bid; 2: refined. */
    round: integer("round").$type<1 | 2>().notNull(),
    status: text("status", { enum: ["valid", "abstained"] }).notNull(),
    reason: text("reason"),
    /** USD per million output tokens. */
    price: real("price").notNull(),
    visibleTokens: integer("visible_tokens"),
    entropy: real("entropy"),
    score: real("score"),
    ...usage(),
    ...cost(),
    ms: integer("ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.bidId] }),
    index("bids_by_agent").on(table.tenantId, table.agentId, table.bidId),
    index("bids_by_auction").on(table.tenantId, table.auctionId),
  ],
);

export const verdicts = sqliteTable(
  "verdicts",
  {
    ...ofTask(),
    auctionId: text("auction_id").$type<AuctionId>().notNull(),
    jurorId: text("juror_id").$type<AgentId>().notNull(),
    round: integer("round").$type<1 | 2>().notNull(),
    status: text("status", { enum: ["scored", "left"] }).notNull(),
    reason: text("reason"),
    scores: text("scores", { mode: "json" }).$type<Readonly<Record<AgentId, number>>>(),
    ...usage(),
    ...cost(),
    ms: integer("ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.auctionId, table.round, table.jurorId] })],
);

export const traces = sqliteTable(
  "traces",
  {
    ...ofTask(),
    traceId: text("trace_id").$type<TraceId>().notNull(),
    attempt: integer("attempt").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    steps: integer("steps").notNull(),
    messages: integer("messages").notNull(),
    ...usage(),
    ...cost(),
    awardedAtMs: integer("awarded_at_ms").notNull(),
    endedAtMs: integer("ended_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.traceId] }),
    index("traces_by_task").on(table.tenantId, table.taskId),
  ],
);

export const outcomes = sqliteTable(
  "outcomes",
  {
    ...ofTask(),
    attempt: integer("attempt").notNull(),
    agentId: text("agent_id").$type<AgentId>().notNull(),
    outcome: text("outcome").$type<VerdictOutcome>().notNull(),
    verifier: text("verifier"),
    evidence: text("evidence").notNull(),
    decidedAtMs: integer("decided_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.taskId, table.attempt] })],
);

/**
 * Work that was given up, and messages that nobody could read, for the operator. The latter are no tenant's, and known by
 * their message alone.
 */
export const stuck = sqliteTable(
  "stuck",
  {
    stuckId: text("stuck_id").$type<StuckId>().primaryKey(),
    tenantId: text("tenant_id").$type<TenantId>(),
    taskId: text("task_id").$type<TaskId>(),
    kind: text("kind").$type<StuckRow["kind"] | "unreadable">().notNull(),
    /** Of an unreadable message: the queue that brought it. */
    work: text("work").notNull(),
    state: text("state").$type<StuckState>().notNull(),
    attempt: integer("attempt"),
    generation: integer("generation"),
    tries: integer("tries").notNull(),
    lapses: integer("lapses").notNull(),
    errorClass: text("error_class"),
    error: text("error"),
    messageId: text("message_id").unique(),
    sinceAtMs: integer("since_at_ms").notNull(),
    version: integer("version").notNull(),
  },
  (table) => [
    index("stuck_open")
      .on(table.stuckId)
      .where(sql`state = 'open'`),
    index("stuck_by_tenant").on(table.tenantId),
  ],
);

/** Idempotency-Keys under which tenants were asked for: before there is a tenant, there is no room to keep them. */
export const tenantRequests = sqliteTable(
  "tenant_requests",
  {
    /** SHA-256, lower-case hexadecimal; that of the body, too. */
    keyHash: text("key_hash").primaryKey(),
    bodyHash: text("body_hash").notNull(),
    ...ofTenant(),
    /** Whether its market room is known to have been set up. */
    isSetUp: integer("is_set_up", { mode: "boolean" }).notNull(),
    expiresAtMs: integer("expires_at_ms").notNull(),
  },
  (table) => [
    index("tenant_requests_by_tenant").on(table.tenantId),
    index("tenant_requests_by_expiry").on(table.expiresAtMs),
  ],
);
