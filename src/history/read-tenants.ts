/** All tenants, for their operator. The history lags the rooms by their outbox: a new tenant shows after a second or two. */
import { asc, gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { TenantId } from "../market/ids.ts";
import { tenants } from "./schema.ts";

export interface TenantsQuery {
  /** The last tenant of the page before. */
  readonly cursor?: TenantId | undefined;
  /** Most tenants of one page, from 1. */
  readonly limit: number;
}

export interface TenantsPage {
  /** Oldest first. */
  readonly tenants: readonly Omit<typeof tenants.$inferSelect, "version" | "waits">[];
  /** Pass as `cursor` for the next page; null at the end. */
  readonly nextCursor: TenantId | null;
}

export async function readTenants(d1: D1Database, { cursor, limit }: TenantsQuery): Promise<TenantsPage> {
  const { tenantId, name, createdAtMs, openTasks } = tenants;
  const found = await drizzle(d1)
    .select({ tenantId, name, createdAtMs, openTasks })
    .from(tenants)
    .where(cursor === undefined ? undefined : gt(tenantId, cursor))
    .orderBy(asc(tenantId))
    // One more than asked for tells whether there is a next page.
    .limit(limit + 1);
  const page = found.slice(0, limit);
  return { tenants: page, nextCursor: found.length > limit ? (page.at(-1)?.tenantId ?? null) : null };
}
