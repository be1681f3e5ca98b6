/**
 * A tenant's rows in the history: counted, and erased for good. Every table of the schema is the tenant's own.
 *
 * Erased in parts that D1 takes in one statement each, so that a tenant of any size goes, call by call.
 */
import { getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { TaskId, TenantId } from "../market/ids.ts";
import * as schema from "./schema.ts";

/** Rows by table. */
export type RowCounts = Readonly<Record<string, number>>;

/** The tenant's own row goes last: while there is anything, the operator's list shows the tenant. */
const TABLES: readonly string[] = Object.values(schema)
  .filter((value) => is(value, SQLiteTable))
  .map((table) => getTableName(table))
  .toSorted((a, b) => Number(a === "tenants") - Number(b === "tenants"));

/** Rows that one statement erases. */
const ROWS_AT_ONCE = 1_000;

export async function countRows(d1: D1Database, tenantId: TenantId): Promise<RowCounts> {
  const counted = await d1.batch<{ n: number }>(
    TABLES.map((table) =>
      d1.prepare(`SELECT count(*) AS n FROM "${table}" WHERE tenant_id = ?`).bind(tenantId),
    ),
  );
  return Object.fromEntries(TABLES.map((table, at) => [table, counted[at]?.results[0]?.n ?? 0]));
}

export function sumOfRows(counts: RowCounts): number {
  return Object.values(counts).reduce((sum, rows) => sum + rows, 0);
}

/** Erases as much as so many statements do. */
export async function eraseRows(
  d1: D1Database,
  { tenantId, statements }: { readonly tenantId: TenantId; readonly statements: number },
): Promise<void> {
  let left = statements;
  for (const table of TABLES) {
    const erase = d1.prepare(
      `DELETE FROM "${table}" WHERE rowid IN (SELECT rowid FROM "${table}" WHERE tenant_id = ? LIMIT ${ROWS_AT_ONCE})`,
    );
    for (let erased = ROWS_AT_ONCE; erased > 0; left -= 1) {
      if (left === 0) return;
      erased = (await erase.bind(tenantId).run()).meta.changes;
    }
  }
}

/** Ids of some of the tenant's tasks, in their order. */
export async function someTaskIds(
  d1: D1Database,
  { tenantId, limit }: { readonly tenantId: TenantId; readonly limit: number },
): Promise<TaskId[]> {
  const found = await d1
    .prepare("SELECT task_id AS id FROM tasks WHERE tenant_id = ? ORDER BY task_id LIMIT ?")
    .bind(tenantId, limit)
    .all<{ id: TaskId }>();
  return found.results.map(({ id }) => id);
}

/** The tasks' own rows; what else there is of them stays until `eraseRows`. */
export async function eraseTaskRows(
  d1: D1Database,
  { tenantId, ids }: { readonly tenantId: TenantId; readonly ids: readonly TaskId[] },
): Promise<void> {
  await d1
    .prepare("DELETE FROM tasks WHERE tenant_id = ? AND task_id IN (SELECT value FROM json_each(?))")
    .bind(tenantId, JSON.stringify(ids))
    .run();
}
