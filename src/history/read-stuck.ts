/** What is stuck, for the operator: of all tenants, and what no task belongs to. */
import { and, asc, eq, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { StuckId } from "../market/ids.ts";
import { stuck } from "./schema.ts";

export type StuckRecord = typeof stuck.$inferSelect;

/** Open ones in ascending order of their ids, which is that of time; a page shorter than `limit` is the last. */
export async function readStuck(
  d1: D1Database,
  { cursor, limit }: { readonly cursor?: StuckId | undefined; readonly limit: number },
): Promise<StuckRecord[]> {
  const isOpen = eq(stuck.state, "open");
  return drizzle(d1)
    .select()
    .from(stuck)
    .where(and(isOpen, cursor === undefined ? undefined : gt(stuck.stuckId, cursor)))
    .orderBy(asc(stuck.stuckId))
    .limit(limit);
}

export async function findStuck(d1: D1Database, stuckId: StuckId): Promise<StuckRecord | null> {
  const [found] = await drizzle(d1).select().from(stuck).where(eq(stuck.stuckId, stuckId));
  return found ?? null;
}

/** Of a message that no task belongs to: the operator has seen it. */
export async function dismissUnreadable(d1: D1Database, stuckId: StuckId): Promise<void> {
  await drizzle(d1)
    .update(stuck)
    .set({ state: "dismissed" })
    .where(and(eq(stuck.stuckId, stuckId), eq(stuck.kind, "unreadable")));
}
