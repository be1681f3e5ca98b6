/**
 * Which tenant an Idempotency-Key of the operator has made: claimed before the tenant's room is set up, by one of those
 * who come with the key, whoever is first. What died between the two is made up for by the next one that comes.
 */
import { and, asc, eq, inArray, lte } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { TenantId } from "../market/ids.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { tenantRequests } from "./schema.ts";

export interface TenantClaim {
  readonly keyHash: string;
  readonly bodyHash: string;
  /** Of the tenant that is made if nobody has come with the key before. */
  readonly tenantId: TenantId;
  readonly expiresAtMs: number;
}

export interface Claimed {
  readonly tenantId: TenantId;
  readonly isSetUp: boolean;
  /** Somebody had come with the key before. */
  readonly replayed: boolean;
}

/** Expired claims that go at a time. */
const FORGET_AT_ONCE = 100;

/** The tenant of the key: the claimed one, or that of whoever was first. */
export async function claimTenant(
  d1: D1Database,
  claim: TenantClaim,
  nowMs: number,
): Promise<Result<Claimed, { readonly reason: "idempotency_conflict" }>> {
  const db = drizzle(d1);
  const { keyHash } = claim;
  // One transaction, in D1's one order of writes: of two that come at once, the second reads what the first wrote.
  const [, , [found]] = await db.batch([
    db
      .delete(tenantRequests)
      .where(and(eq(tenantRequests.keyHash, keyHash), lte(tenantRequests.expiresAtMs, nowMs))),
    db
      .insert(tenantRequests)
      .values({ ...claim, isSetUp: false })
      .onConflictDoNothing(),
    db.select().from(tenantRequests).where(eq(tenantRequests.keyHash, keyHash)),
  ]);
  if (found === undefined) throw new Error("the claim is not there");
  const { bodyHash, tenantId, isSetUp } = found;
  if (bodyHash !== claim.bodyHash) return fail({ reason: "idempotency_conflict" });
  return ok({ tenantId, isSetUp, replayed: tenantId !== claim.tenantId });
}

/** From now on, the key's tenant is not set up again. Whoever claimed the key since, because this one is erased, is another. */
export async function settleClaim(
  d1: D1Database,
  { keyHash, tenantId }: Pick<TenantClaim, "keyHash" | "tenantId">,
): Promise<void> {
  await drizzle(d1)
    .update(tenantRequests)
    .set({ isSetUp: true })
    .where(and(eq(tenantRequests.keyHash, keyHash), eq(tenantRequests.tenantId, tenantId)));
}

export async function forgetClaims(d1: D1Database, nowMs: number): Promise<void> {
  const db = drizzle(d1);
  const expired = db
    .select({ keyHash: tenantRequests.keyHash })
    .from(tenantRequests)
    .where(lte(tenantRequests.expiresAtMs, nowMs))
    .orderBy(asc(tenantRequests.expiresAtMs))
    .limit(FORGET_AT_ONCE);
  await db.delete(tenantRequests).where(inArray(tenantRequests.keyHash, expired));
}
