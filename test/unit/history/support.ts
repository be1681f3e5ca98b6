/** A migrated D1 on real SQLite for tests, and builders of history rows. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { applyMigrations } from "../../../emulators/stack/apply-migrations.ts";
import type * as Rows from "../../../src/market/history-row.ts";
import type { AgentId, AuctionId, BidId, TaskId, TenantId, TraceId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";

export interface TestDatabase {
  readonly d1: D1Database;
  /** Empties every table, and the sums. */
  clear(): Promise<void>;
  /** Every row of every table, in the order of their keys. */
  dump(): Promise<Record<string, unknown[]>>;
  dispose(): Promise<void>;
}

const TABLES = ["auctions", "bids", "outcomes", "tasks", "tenants", "traces", "verdicts"];
const SUMS = ["agent_sums", "end_sums"];

export async function openTestDatabase(): Promise<TestDatabase> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default {}",
      compatibilityDate: "2026-10-01",
      d1Databases: ["DB"],
    }),
  );
  const d1 = await miniflare.getD1Database("DB");
  await applyMigrations(d1, "migrations");
  return {
    d1,
    clear: async () => {
      await d1.batch([...TABLES, ...SUMS].map((table) => d1.prepare(`DELETE FROM ${table}`)));
    },
    dump: async () => {
      const found = await d1.batch(
        // The first four columns hold every table's key.
        TABLES.map((table) => d1.prepare(`SELECT * FROM ${table} ORDER BY 1, 2, 3, 4`)),
      );
      return Object.fromEntries(TABLES.map((table, at) => [table, found[at]?.results ?? []]));
    },
    dispose: () => miniflare.dispose(),
  };
}

export const tenantId = (n: number) => `ten_${n}` as TenantId;
export const taskId = (n: number) => `tsk_${String(n).padStart(4, "0")}` as TaskId;
export const agentId = (n: number) => `agt_${n}` as AgentId;
const auctionId = (n: number) => `auc_${n}` as AuctionId;

const USAGE = {
  inputTokens: 100,
  cachedInputTokens: 20,
  cacheWriteTokens: 3,
  outputTokens: 50,
  reasoningTokens: 10,
};

export function aTenant(n: number, fields: Partial<Rows.TenantRow> = {}): Rows.TenantRow {
  return {
    table: "tenants",
    tenantId: tenantId(n),
    name: `tenant ${n}`,
    createdAtMs: 1,
    openTasks: 0,
    version: 1,
    ...fields,
  };
}

export function aTask(n: number, fields: Partial<Rows.TaskRow> = {}): Rows.TaskRow {
  return {
    table: "tasks",
    tenantId: tenantId(1),
    taskId: taskId(n),
    sequence: n,
    state: "finished",
    outcome: "pass",
    failureReason: null,
    verifier: "equals",
    promptChars: 12,
    agentId: agentId(1),
    attempts: 1,
    costMicros: asMicros(42),
    calibratesTaskId: null,
    calibratesAuctionId: null,
    admittedAtMs: 5,
    endedAtMs: 6,
    version: 1,
    ...fields,
  };
}

export function anAuction(n: number, fields: Partial<Rows.AuctionRow> = {}): Rows.AuctionRow {
  return {
    table: "auctions",
    tenantId: tenantId(1),
    taskId: taskId(n),
    auctionId: auctionId(n),
    policy: "sale",
    policyVersion: 1,
    weights: { cost: 0.0001, entropy: 0.1, jurors: { [agentId(1)]: 0.05 } },
    seed: n,
    poolSize: 4,
    validBids: 4,
    jurors: 4,
    entropyUsed: true,
    winner: agentId(1),
    provisionalWinner: agentId(1),
    winnerRound: 1,
    margin: 0.25,
    tokens: 900,
    costMicros: asMicros(7),
    openedAtMs: 1,
    clearedAtMs: 2,
    ...fields,
  };
}

export function aBid(n: number, fields: Partial<Rows.BidRow> = {}): Rows.BidRow {
  return {
    table: "bids",
    tenantId: tenantId(1),
    taskId: taskId(1),
    bidId: `bid_${n}` as BidId,
    auctionId: auctionId(1),
    agentId: agentId(n),
    round: 1,
    status: "valid",
    reason: null,
    price: 2.5,
    visibleTokens: 210,
    entropy: 0.7,
    score: -0.4,
    usage: USAGE,
    costMicros: asMicros(9),
    ms: 12,
    ...fields,
  };
}

export function aVerdict(n: number, fields: Partial<Rows.VerdictRow> = {}): Rows.VerdictRow {
  return {
    table: "verdicts",
    tenantId: tenantId(1),
    taskId: taskId(1),
    auctionId: auctionId(1),
    jurorId: agentId(n),
    round: 1,
    status: "scored",
    reason: null,
    scores: { [agentId(1)]: 4.5 },
    usage: USAGE,
    costMicros: asMicros(3),
    ms: 8,
    ...fields,
  };
}

export function aTrace(n: number, fields: Partial<Rows.TraceRow> = {}): Rows.TraceRow {
  return {
    table: "traces",
    tenantId: tenantId(1),
    taskId: taskId(n),
    traceId: `trc_${n}` as TraceId,
    attempt: 1,
    agentId: agentId(1),
    steps: 5,
    messages: 2,
    usage: USAGE,
    costMicros: asMicros(31),
    awardedAtMs: 3,
    endedAtMs: 4,
    ...fields,
  };
}

export function anOutcome(n: number, fields: Partial<Rows.OutcomeRow> = {}): Rows.OutcomeRow {
  return {
    table: "outcomes",
    tenantId: tenantId(1),
    taskId: taskId(n),
    attempt: 1,
    agentId: agentId(1),
    outcome: "pass",
    verifier: "equals",
    evidence: "as expected",
    decidedAtMs: 5,
    ...fields,
  };
}
