/**
 * What the operator's metrics are made of. What a scrape reads does not grow with the history: the sums, and of what is open
 * no more than a bounded number of rows.
 */
import { count, sql, sum } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { StuckRecord } from "./read-stuck.ts";
import { stuck, tenants } from "./schema.ts";
import { agentSums, endSums } from "./sums-schema.ts";

/** Rows of one kind that a scrape looks at; what is open or stuck beyond it is not counted. */
const MAX_ROWS = 10_000;

export interface Sums {
  readonly agents: readonly (typeof agentSums.$inferSelect)[];
  readonly ends: readonly (typeof endSums.$inferSelect)[];
  readonly openTasks: number;
  readonly stuck: readonly { readonly kind: StuckRecord["kind"]; readonly open: number }[];
}

export async function readSums(d1: D1Database): Promise<Sums> {
  const db = drizzle(d1);
  // In the partial indexes' own words: nothing else lets them be used.
  const awake = db
    .select({ openTasks: tenants.openTasks })
    .from(tenants)
    .where(sql`(open_tasks > 0 OR waits > 0)`)
    .limit(MAX_ROWS)
    .as("awake");
  const given = db
    .select({ kind: stuck.kind })
    .from(stuck)
    .where(sql`state = 'open'`)
    .limit(MAX_ROWS)
    .as("given");
  const { agentId, kind, stepsUpTo } = agentSums;
  const { state, outcome, reason, msUpTo } = endSums;
  const [agents, ends, open, kinds] = await db.batch([
    db.select().from(agentSums).orderBy(agentId, kind, stepsUpTo).limit(MAX_ROWS),
    db.select().from(endSums).orderBy(state, outcome, reason, msUpTo).limit(MAX_ROWS),
    db.select({ tasks: sum(awake.openTasks).mapWith(Number) }).from(awake),
    db.select({ kind: given.kind, open: count() }).from(given).groupBy(given.kind),
  ]);
  return { agents, ends, openTasks: open[0]?.tasks ?? 0, stuck: kinds };
}
