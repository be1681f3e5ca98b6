/**
 * The statement that writes one history row.
 *
 * Rows with a `version` are states: a newer one replaces an older one, never the other way round. All others are
 * facts that are written once and never change: a second delivery does nothing. So the order and number of
 * deliveries do not matter. One row per statement stays far below D1's 100 bound parameters.
 */
import { getTableColumns, sql, type SQL } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { HistoryRow, StuckRow, TaskRow, TenantRow } from "../market/history-row.ts";
import type { TokenUsage } from "../market/money.ts";
import { auctions, bids, outcomes, stuck, tasks, tenants, traces, verdicts } from "./schema.ts";

export type Upsert = BatchItem<"sqlite">;

type WithoutTable<Row> = Omit<Row, "table">;

const NO_USAGE_REPORTED = {
  inputTokens: null,
  cachedInputTokens: null,
  cacheWriteTokens: null,
  outputTokens: null,
  reasoningTokens: null,
};

/** @throws Error for a table that the history does not have: a row from a version of the code that is not this one. */
export function upsert(db: DrizzleD1Database, row: HistoryRow): Upsert {
  switch (row.table) {
    case "tenants":
      return upsertTenant(db, row);
    case "tasks":
      return upsertTask(db, row);
    case "auctions":
      return db.insert(auctions).values(row).onConflictDoNothing();
    case "bids":
      return db.insert(bids).values(flatUsage(row)).onConflictDoNothing();
    case "verdicts":
      return db.insert(verdicts).values(flatUsage(row)).onConflictDoNothing();
    case "traces":
      return db.insert(traces).values(flatUsage(row)).onConflictDoNothing();
    case "outcomes":
      return db.insert(outcomes).values(row).onConflictDoNothing();
    case "stuck":
      return upsertStuck(db, row);
    default:
      throw new Error(`no such table in the history: ${(row satisfies never as HistoryRow).table}`);
  }
}

function upsertTenant(db: DrizzleD1Database, row: TenantRow): Upsert {
  return db
    .insert(tenants)
    .values(row)
    .onConflictDoUpdate({
      target: tenants.tenantId,
      set: proposed(tenants, ["tenantId"]),
      setWhere: sql`excluded.version > ${tenants.version}`,
    });
}

function upsertTask(db: DrizzleD1Database, row: TaskRow): Upsert {
  return db
    .insert(tasks)
    .values(row)
    .onConflictDoUpdate({
      target: [tasks.tenantId, tasks.taskId],
      set: proposed(tasks, ["tenantId", "taskId"]),
      setWhere: sql`excluded.version > ${tasks.version}`,
    });
}

function upsertStuck(db: DrizzleD1Database, row: StuckRow): Upsert {
  return db
    .insert(stuck)
    .values(row)
    .onConflictDoUpdate({
      target: stuck.stuckId,
      set: proposed(stuck, ["stuckId"]),
      setWhere: sql`excluded.version > ${stuck.version}`,
    });
}

/** Every column but the key, set to what the insert proposed: nothing is bound twice. */
function proposed(table: SQLiteTable, key: readonly string[]): Record<string, SQL> {
  const columns = Object.entries(getTableColumns(table)).filter(([name]) => !key.includes(name));
  return Object.fromEntries(
    columns.map(([name, column]) => [name, sql`excluded.${sql.identifier(column.name)}`]),
  );
}

function flatUsage<Row extends { readonly usage: TokenUsage | null }>(
  row: Row,
): WithoutTable<Omit<Row, "usage">> & (TokenUsage | typeof NO_USAGE_REPORTED) {
  const { usage, ...rest } = row;
  return { ...rest, ...(usage ?? NO_USAGE_REPORTED) };
}
