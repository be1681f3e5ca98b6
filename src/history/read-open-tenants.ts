/** Tenants whose rooms have something to do, for the cron sweep and for the list of what is stuck. */
import { and, asc, gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { TenantId } from "../market/ids.ts";
import { tenants } from "./schema.ts";

export interface OpenTenantsQuery {
  /** The last tenant of the page before. */
  readonly cursor?: TenantId;
  /** Most tenants of one page, from 1. */
  readonly limit: number;
}

/** Ids in ascending order; a page shorter than `limit` is the last. */
export async function readOpenTenants(d1: D1Database, query: OpenTenantsQuery): Promise<TenantId[]> {
  const found = await drizzle(d1)
    .select({ tenantId: tenants.tenantId })
    .from(tenants)
    .where(
      and(
        // In the index's own words: nothing else lets it be used.
        sql`(open_tasks > 0 OR waits > 0)`,
        query.cursor === undefined ? undefined : gt(tenants.tenantId, query.cursor),
      ),
    )
    .orderBy(asc(tenants.tenantId))
    .limit(query.limit);
  return found.map(({ tenantId }) => tenantId);
}
