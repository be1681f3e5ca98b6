/**
 * API keys and the operator's secret.
 *
 * A key is `sr_`, its tenant's ULID, `_` and 24 random bytes in hexadecimal. It carries its tenant's id, so that the
 * market room is found and asked in one hop (architecture, decision 9); only its SHA-256 is ever stored.
 */
import type { Context } from "hono";
import { parseId, type TenantId } from "../market/ids.ts";
import type { KeyScope } from "../market/key-scope.ts";
import type { Config } from "../config.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiEnv } from "./api-env.ts";
import { sha256Hex } from "./digest.ts";
import { Problem } from "./problem.ts";
import { meter } from "./rate-headers.ts";

const KEY = /^sr_([0-9a-z]{26})_[0-9a-f]{48}$/;
const SECRET_BYTES = 24;

export interface Caller {
  readonly tenantId: TenantId;
  readonly keyHash: string;
}

/** A caller that its market room has confirmed. */
interface KnownKey extends Caller {
  readonly scopes: readonly KeyScope[];
}

/** A new key for a tenant: shown once, stored as its hash. */
export async function makeApiKey(
  tenantId: TenantId,
): Promise<{ readonly key: string; readonly hash: string }> {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const secret = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const key = `sr_${tenantId.slice("ten_".length)}_${secret}`;
  return { key, hash: await sha256Hex(key) };
}

/** Who the request says it is; the market room has yet to confirm it. @throws Problem unauthenticated */
export async function claimedCaller(c: Context<ApiEnv>): Promise<Caller> {
  const key = bearerToken(c);
  const ulid = KEY.exec(key)?.[1];
  const tenantId = ulid === undefined ? null : parseId("ten", `ten_${ulid}`);
  if (tenantId === null) throw unauthenticated();
  return { tenantId, keyHash: await sha256Hex(key) };
}

/** The caller, confirmed by its market room: one hop. @throws Problem unauthenticated, rate_limited, forbidden */
export async function authorizedCaller(
  c: Context<ApiEnv>,
  config: Config,
  scope: KeyScope,
): Promise<KnownKey> {
  const caller = await claimedCaller(c);
  const known = await config.marketRoom<MarketRoomApi>(caller.tenantId).authorize(caller.keyHash);
  if (known === null) throw unauthenticated();
  meter(c, known.rate);
  if (!known.scopes.includes(scope)) throw new Problem("forbidden");
  return { ...caller, scopes: known.scopes };
}

/**
 * What a request says, where the call that it asks for confirms its caller by itself: what makes no sense never comes to
 * that, and counts as a request all the same.
 *
 * @throws Problem what `parse` throws, once the caller is confirmed
 */
export async function parsedOf<T>(
  c: Context<ApiEnv>,
  { config, scope }: { readonly config: Config; readonly scope: KeyScope },
  parse: () => T | Promise<T>,
): Promise<T> {
  // Who is nobody is told so, and not what is wrong with its body.
  await claimedCaller(c);
  try {
    return await parse();
  } catch (error) {
    await authorizedCaller(c, config, scope);
    throw error;
  }
}

/** @throws Problem unauthenticated unless the request carries the operator's secret */
export async function requireOperator(c: Context<ApiEnv>, config: Config): Promise<void> {
  // Digests are compared, so that the time taken tells nothing about the secret.
  const [given, wanted] = await Promise.all([
    sha256Hex(bearerToken(c)),
    sha256Hex(config.adminSecret ?? crypto.randomUUID()),
  ]);
  if (given !== wanted) throw unauthenticated();
}

export function unauthenticated(): Problem {
  return new Problem("unauthenticated", { headers: { "WWW-Authenticate": "Bearer" } });
}

/** @throws Problem unauthenticated where there is none */
export function bearerToken(c: Context<ApiEnv>): string {
  const match = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "");
  if (match?.[1] === undefined) throw unauthenticated();
  return match[1];
}
