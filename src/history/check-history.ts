/** Whether the history can be written and read: D1 answers, and its tables have the columns that this code knows. */
import { getTableColumns, getTableName } from "drizzle-orm";
import { fail, ok, type Result } from "../market/result.ts";
import { auctions, bids, outcomes, tasks, tenants, traces, verdicts } from "./schema.ts";
import { agentSums, endSums } from "./sums-schema.ts";

const TABLES = [tenants, tasks, auctions, bids, verdicts, traces, outcomes, agentSums, endSums];

export async function checkHistory(d1: D1Database): Promise<Result<null, { readonly message: string }>> {
  try {
    await d1.batch(
      TABLES.map((table) => {
        // Each with its table: SQLite takes a bare quoted name that is no column for a string.
        const columns = Object.values(getTableColumns(table)).map(({ name }) => `known."${name}"`);
        return d1.prepare(`SELECT ${columns.join(", ")} FROM "${getTableName(table)}" AS known LIMIT 0`);
      }),
    );
    return ok(null);
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 300);
    const cure = /no such (table|column)/.test(message) ? "; apply the migrations" : "";
    return fail({ message: `D1 does not answer as it should: ${message}${cure}` });
  }
}
