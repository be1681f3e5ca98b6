/**
 * API keys: a tenant's own at `/v1/keys`, for its keys of scope `admin`, and any tenant's for the operator. A key is shown
 * in the answer that makes it, and never again.
 */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Config } from "../config.ts";
import { keyState, KEY_SCOPES, MAX_OVERLAP_S } from "../market/key-scope.ts";
import { newId, parseId, type KeyId, type TenantId } from "../market/ids.ts";
import type { KeyAnswer, KeyOrder, KeyView } from "../tenancy/key-desk.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { budgetSchema, limitsJson } from "./budget-json.ts";
import { keyLimitsSchema } from "./limits-json.ts";
import { authorizedCaller, makeApiKey, requireOperator, unauthenticated } from "./credentials.ts";
import { Problem } from "./problem.ts";
import { readBody } from "./request-body.ts";

const expiresAt = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .nullable();
const keySchema = z.strictObject({
  name: z.string().min(1).max(100),
  scopes: z
    .array(z.enum(KEY_SCOPES))
    .min(1)
    .transform((scopes) => KEY_SCOPES.filter((scope) => scopes.includes(scope)))
    .default([...KEY_SCOPES]),
  /** Null: never. */
  expiresAt: expiresAt.default(null),
  /** Of all tasks that are asked for with the key, beside its tenant's. */
  budget: budgetSchema.nullable().default(null),
  /** Rates of whatever is asked for with the key, beside its tenant's. */
  limits: keyLimitsSchema.nullable().default(null),
});
const rotationSchema = z.strictObject({
  overlapS: z.int().min(0).max(MAX_OVERLAP_S),
  /** Of the successor; absent: as the old key's. */
  expiresAt: expiresAt.exactOptional(),
});

/** Who asks, of whose keys. */
interface Manager {
  readonly tenantId: TenantId;
  /** Null: the operator. */
  readonly by: string | null;
}
type Identify = (c: Context<ApiEnv>) => Promise<Manager>;

/** Below `/v1/keys`. */
export function ownKeyRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const identify: Identify = async (c) => {
    const { tenantId, keyHash } = await authorizedCaller(c, config, "admin");
    return { tenantId, by: keyHash };
  };
  return new Hono<ApiEnv>()
    .get("/", async (c) => list(c, config, identify))
    .post("/", async (c) => create(c, config, identify))
    .delete("/:key", async (c) => revoke(c, config, identify))
    .post("/:key/rotate", async (c) => rotate(c, config, identify));
}

/** Below `/admin/tenants`. */
export function keyRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const identify: Identify = async (c) => {
    await requireOperator(c, config);
    const tenantId = parseId("ten", c.req.param("id") ?? "");
    if (tenantId === null) throw new Problem("tenant_not_found");
    return { tenantId, by: null };
  };
  return new Hono<ApiEnv>()
    .get("/:id/keys", async (c) => list(c, config, identify))
    .post("/:id/keys", async (c) => create(c, config, identify))
    .delete("/:id/keys/:key", async (c) => revoke(c, config, identify))
    .post("/:id/keys/:key/rotate", async (c) => rotate(c, config, identify));
}

async function list(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const keys = await managed(config, tenantId, { kind: "list", by });
  return c.json({ object: "list", data: keys.map((key) => keyJson(key, config.source.now())) });
}

async function create(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const { value } = await readBody(c, keySchema);
  const nowMs = config.source.now();
  mustLieAhead(value.expiresAt, nowMs);
  const { key, hash } = await makeApiKey(tenantId);
  const { name, scopes, budget, limits, expiresAt: expiresAtMs } = value;
  const keyId = newId("key", config.source);
  const made = { keyId, hash, name, scopes, budget, limits, expiresAtMs };
  const [view] = await managed(config, tenantId, { kind: "create", by, key: made });
  return c.json({ ...keyJson(mustBe(view), nowMs), key }, 201);
}

async function revoke(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const [view] = await managed(config, tenantId, { kind: "revoke", by, keyId: keyIdOf(c) });
  return c.json(keyJson(mustBe(view), config.source.now()));
}

async function rotate(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const { value } = await readBody(c, rotationSchema);
  const nowMs = config.source.now();
  mustLieAhead(value.expiresAt ?? null, nowMs);
  const { key, hash } = await makeApiKey(tenantId);
  const [view] = await managed(config, tenantId, {
    kind: "rotate",
    by,
    keyId: keyIdOf(c),
    successor: { keyId: newId("key", config.source), hash },
    overlapS: value.overlapS,
    ...(value.expiresAt !== undefined && { expiresAtMs: value.expiresAt }),
  });
  return c.json({ ...keyJson(mustBe(view), nowMs), key }, 201);
}

/** @throws Problem where the room refuses: it asks again who may, at the moment of the change */
async function managed(config: Config, tenantId: TenantId, order: KeyOrder): Promise<readonly KeyView[]> {
  const answer: KeyAnswer = await config.marketRoom<MarketRoomApi>(tenantId).manageKeys(order);
  if (answer.ok) return answer.value;
  const { reason } = answer.failure;
  throw reason === "unauthenticated" ? unauthenticated() : new Problem(reason);
}

/** An id that names no key is left to the room, so that who is refused comes before what is wrong. */
function keyIdOf(c: Context<ApiEnv>): KeyId {
  return (parseId("key", c.req.param("key") ?? "") ?? "") as KeyId;
}

function mustLieAhead(atMs: number | null, nowMs: number): void {
  if (atMs === null || atMs > nowMs) return;
  throw new Problem("invalid_body", { issues: [{ path: "expiresAt", message: "not in the future" }] });
}

function mustBe(view: KeyView | undefined): KeyView {
  if (view === undefined) throw new Error("the room answered without the key");
  return view;
}

const time = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());

function keyJson(key: KeyView, nowMs: number) {
  const { keyId, name, scopes, account, budget, limits } = key;
  return {
    object: "key",
    id: keyId,
    name,
    state: keyState(key, nowMs),
    scopes,
    budget: budget === null ? null : limitsJson(budget),
    limits,
    /** Under which key's id its spending stands, in the usage and against the budget. */
    spendsAs: account,
    createdAt: time(key.createdAtMs),
    expiresAt: time(key.expiresAtMs),
    revokedAt: time(key.revokedAtMs),
    lastUsedAt: time(key.lastUsedAtMs),
  };
}
