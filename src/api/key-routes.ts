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
import type { NamedRequest, Replay } from "../tenancy/idempotency.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { budgetSchema, limitsJson } from "./budget-json.ts";
import { keyLimitsSchema } from "./limits-json.ts";
import { authorizedCaller, makeApiKey, requireOperator, unauthenticated } from "./credentials.ts";
import { idempotencyOf, markReplayed, secretOf, withSecret } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";

const MAX_PAGE = 100;

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

const keyCursor = z.string().transform((text, context): KeyId => {
  const id = parseId("key", text);
  if (id !== null) return id;
  context.addIssue("not the id of a key");
  return z.NEVER;
});
const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
  cursor: keyCursor.optional(),
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
  const { limit, cursor } = readQuery(c, listQuerySchema);
  // One more than asked for tells whether there is a next page.
  const page = { after: cursor ?? "", limit: limit + 1 };
  const { keys } = await managed(config, tenantId, { kind: "list", by, page });
  const shown = keys.slice(0, limit);
  return c.json({
    object: "list",
    data: shown.map((key) => keyJson(key, config.source.now())),
    nextCursor: keys.length > limit ? (shown.at(-1)?.keyId ?? null) : null,
  });
}

async function create(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const { value, text } = await readBody(c, keySchema);
  const { key, hash } = await makeApiKey(tenantId);
  const { name, scopes, budget, limits, expiresAt: expiresAtMs } = value;
  const keyId = newId("key", config.source);
  const made = { keyId, hash, name, scopes, budget, limits, expiresAtMs };
  const idempotency = await withSecret(c, await idempotencyOf(c, text), key);
  const answer = await managed(config, tenantId, { kind: "create", by, key: made, idempotency });
  return showMade(c, { ...answer, idempotency, key });
}

async function revoke(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const { keys } = await managed(config, tenantId, { kind: "revoke", by, keyId: keyIdOf(c) });
  return c.json(keyJson(mustBe(keys[0]), config.source.now()));
}

async function rotate(c: Context<ApiEnv>, config: Config, identify: Identify): Promise<Response> {
  const { tenantId, by } = await identify(c);
  const { value, text } = await readBody(c, rotationSchema);
  const { key, hash } = await makeApiKey(tenantId);
  const idempotency = await withSecret(c, await idempotencyOf(c, text), key);
  const answer = await managed(config, tenantId, {
    kind: "rotate",
    by,
    keyId: keyIdOf(c),
    successor: { keyId: newId("key", config.source), hash },
    overlapS: value.overlapS,
    ...(value.expiresAt !== undefined && { expiresAtMs: value.expiresAt }),
    idempotency,
  });
  return showMade(c, { ...answer, idempotency, key });
}

/** With the key itself; a replay shows it again, as it was when it was made. */
async function showMade(
  c: Context<ApiEnv>,
  {
    keys,
    replay,
    idempotency,
    key: made,
  }: Managed & { readonly idempotency: NamedRequest | null; readonly key: string },
): Promise<Response> {
  const view = mustBe(keys[0]);
  const key = await secretOf(c, idempotency, { made, replay });
  if (replay !== null) markReplayed(c);
  return c.json({ ...keyJson(view, view.createdAtMs), key }, 201);
}

interface Managed {
  readonly keys: readonly KeyView[];
  /** Null: it was carried out now. */
  readonly replay: Replay | null;
}

/** @throws Problem where the room refuses: it asks again who may, at the moment of the change */
async function managed(config: Config, tenantId: TenantId, order: KeyOrder): Promise<Managed> {
  const answer: KeyAnswer = await config.marketRoom<MarketRoomApi>(tenantId).manageKeys(order);
  if (answer.ok) return { keys: answer.value, replay: answer.replay ?? null };
  const { reason } = answer.failure;
  if (reason === "unauthenticated") throw unauthenticated();
  if (reason !== "expiry_passed") throw new Problem(reason);
  throw new Problem("invalid_body", { issues: [{ path: "expiresAt", message: "not in the future" }] });
}

/** An id that names no key is left to the room, so that who is refused comes before what is wrong. */
function keyIdOf(c: Context<ApiEnv>): KeyId {
  return (parseId("key", c.req.param("key") ?? "") ?? "") as KeyId;
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
