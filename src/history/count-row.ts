/**
 * The statement that counts a row for the metrics, where the history does not have that row yet.
 *
 * It goes before the row's own statement in the same batch, which is one transaction: both are written or neither is, and
 * a second delivery finds the row and counts nothing.
 */
import { sql, type SQL } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { BidRow, HistoryRow, TaskRow, TraceRow, VerdictRow } from "../market/history-row.ts";
import type { AgentId } from "../market/ids.ts";
import { NO_USAGE } from "../market/money.ts";
import { isFinal } from "../market/task.ts";
import { classOf, DURATION_BOUNDS_MS, STEP_BOUNDS } from "./class-bounds.ts";
import { bids, tasks, traces, verdicts } from "./schema.ts";
import { agentSums, endSums, OTHER_AGENT, type AgentWork } from "./sums-schema.ts";
import type { Upsert } from "./upsert.ts";

/** @param agents those that are counted under their own ids. @returns null: such rows are not counted */
export function countRow(
  db: DrizzleD1Database,
  row: HistoryRow,
  agents: ReadonlySet<AgentId>,
): Upsert | null {
  const named = (id: AgentId) => (agents.has(id) ? id : OTHER_AGENT);
  switch (row.table) {
    case "bids": {
      const known = sql`SELECT 1 FROM ${bids} WHERE ${bids.tenantId} = ${row.tenantId} AND ${bids.bidId} = ${row.bidId}`;
      return addWork(db, row, { agent: named(row.agentId), kind: row.round === 1 ? "bid" : "refine", known });
    }
    case "verdicts": {
      const known = sql`SELECT 1 FROM ${verdicts} WHERE ${verdicts.tenantId} = ${row.tenantId}
        AND ${verdicts.auctionId} = ${row.auctionId} AND ${verdicts.round} = ${row.round} AND ${verdicts.jurorId} = ${row.jurorId}`;
      return addWork(db, row, { agent: named(row.jurorId), kind: "jury", known });
    }
    case "traces": {
      const known = sql`SELECT 1 FROM ${traces} WHERE ${traces.tenantId} = ${row.tenantId} AND ${traces.traceId} = ${row.traceId}`;
      return addWork(db, row, { agent: named(row.agentId), kind: "trace", known });
    }
    case "tasks":
      return addEnd(db, row);
    case "tenants":
    case "auctions":
    case "outcomes":
    case "stuck":
      return null;
    default:
      throw new Error(`no such table in the history: ${(row satisfies never as HistoryRow).table}`);
  }
}

function addWork(
  db: DrizzleD1Database,
  row: BidRow | VerdictRow | TraceRow,
  { agent, kind, known }: { readonly agent: string; readonly kind: AgentWork; readonly known: SQL },
): Upsert {
  const steps = row.table === "traces" ? row.steps : 0;
  const stepsUpTo = row.table === "traces" ? classOf(steps, STEP_BOUNDS) : 0;
  const usage = row.usage ?? NO_USAGE;
  // In the order of the table's columns.
  const values = sql`SELECT ${agent}, ${kind}, ${stepsUpTo}, 1, ${steps}, ${usage.inputTokens}, ${usage.cachedInputTokens},
    ${usage.cacheWriteTokens}, ${usage.outputTokens}, ${usage.reasoningTokens}, ${row.costMicros}`;
  return db
    .insert(agentSums)
    .select(sql`${values} WHERE NOT EXISTS (${known})`)
    .onConflictDoUpdate({
      target: [agentSums.agentId, agentSums.kind, agentSums.stepsUpTo],
      set: {
        times: plus(agentSums.times),
        steps: plus(agentSums.steps),
        inputTokens: plus(agentSums.inputTokens),
        cachedInputTokens: plus(agentSums.cachedInputTokens),
        cacheWriteTokens: plus(agentSums.cacheWriteTokens),
        outputTokens: plus(agentSums.outputTokens),
        reasoningTokens: plus(agentSums.reasoningTokens),
        costMicros: plus(agentSums.costMicros),
      },
    });
}

/** What there is, and what the insert proposed. */
function plus(column: SQLiteColumn): SQL {
  return sql`${column} + excluded.${sql.identifier(column.name)}`;
}

/** A task's row comes in versions: the first one that has its end counts; after a redrive there is one more to come. */
function addEnd(db: DrizzleD1Database, row: TaskRow): Upsert | null {
  if (!isFinal(row.state) || row.endedAtMs === null) return null;
  const ms = Math.max(0, row.endedAtMs - row.admittedAtMs);
  const values = sql`SELECT ${row.state}, ${row.outcome ?? ""}, ${row.failureReason ?? ""},
    ${classOf(ms, DURATION_BOUNDS_MS)}, 1, ${ms}`;
  const known = sql`SELECT 1 FROM ${tasks} WHERE ${tasks.tenantId} = ${row.tenantId} AND ${tasks.taskId} = ${row.taskId}
    AND (${tasks.endedAtMs} IS NOT NULL OR ${tasks.version} >= ${row.version})`;
  return db
    .insert(endSums)
    .select(sql`${values} WHERE NOT EXISTS (${known})`)
    .onConflictDoUpdate({
      target: [endSums.state, endSums.outcome, endSums.reason, endSums.msUpTo],
      set: { times: plus(endSums.times), ms: plus(endSums.ms) },
    });
}
