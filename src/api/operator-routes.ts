/** `/admin`: the operator's calls. They check the deployment, and make, list, suspend and delete tenants. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Config } from "../config.ts";
import { claimTenant, settleClaim } from "../history/claim-tenant.ts";
import { readTenants } from "../history/read-tenants.ts";
import { poolSchema } from "../market/agent.ts";
import { newId, parseId, type TenantId } from "../market/ids.ts";
import { LOCATION_HINTS } from "../market/location-hint.ts";
import { createVectorIndex } from "../memory/vector-index.ts";
import { eraseTenant, type EraseReport } from "../tenancy/erase-tenant.ts";
import type { MarketRoomApi, TenantView } from "../tenancy/market-room-api.ts";
import { IDEMPOTENCY_MS } from "../tenancy/idempotency.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { budgetSchema, limitsJson } from "./budget-json.ts";
import { requireOperator } from "./credentials.ts";
import { checkHealth } from "./health.ts";
import { idempotencyOf, markReplayed } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";

const MAX_PAGE = 100;

const tenantSchema = z.strictObject({
  name: z.string().min(1).max(100),
  /** One auction at a time in the order of admission, or as they come. */
  ordering: z.enum(["parallel", "strict"]).default("parallel"),
  /** Absent: the environment's pool. */
  pool: poolSchema.nullable().default(null),
  budget: budgetSchema.prefault({}),
  /** Where the platform is asked to make its market room; absent: near whoever creates it. */
  locationHint: z.enum(LOCATION_HINTS).nullable().default(null),
});
const tenantId = z.string().transform((text, context): TenantId => {
  const id = parseId("ten", text);
  if (id !== null) return id;
  context.addIssue("not the id of a tenant");
  return z.NEVER;
});
const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
  cursor: tenantId.optional(),
});
const deleteQuerySchema = z.strictObject({
  /** Cancels what is open. */
  force: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true"),
});

export function operatorRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const asked = async (c: Context<ApiEnv>): Promise<TenantId> => {
    await requireOperator(c, config);
    const id = parseId("ten", c.req.param("id") ?? "");
    if (id === null) throw new Problem("tenant_not_found");
    return id;
  };
  return new Hono<ApiEnv>()
    .get("/health", async (c) => {
      await requireOperator(c, config);
      const checks = await checkHealth(config);
      const healthy = checks.every((check) => check.ok);
      return c.json({ object: "health", ok: healthy, checks }, healthy ? 200 : 503);
    })
    .get("/tenants", async (c) => {
      await requireOperator(c, config);
      const { tenants, nextCursor } = await readTenants(config.db, readQuery(c, listQuerySchema));
      const data = tenants.map(({ tenantId: id, name, createdAtMs, openTasks }) => {
        return { object: "tenant", id, name, createdAt: time(createdAtMs), openTasks };
      });
      return c.json({ object: "list", data, nextCursor });
    })
    .post("/tenants", async (c) => {
      await requireOperator(c, config);
      const { value, text } = await readBody(c, tenantSchema);
      const id = await setUpOnce(c, config, { settings: value, text });
      const { name, ordering, budget, locationHint } = value;
      return c.json({ object: "tenant", id, name, ordering, budget: limitsJson(budget), locationHint }, 201);
    })
    .get("/tenants/:id", async (c) => managed(c, config, { id: await asked(c), order: "read" }))
    .post("/tenants/:id/suspend", async (c) => managed(c, config, { id: await asked(c), order: "suspend" }))
    .post("/tenants/:id/resume", async (c) => managed(c, config, { id: await asked(c), order: "resume" }))
    .delete("/tenants/:id", async (c) => {
      const id = await asked(c);
      const { force } = readQuery(c, deleteQuerySchema);
      const index = createVectorIndex(config.vectorize);
      const erased = await eraseTenant({ config, index }, { tenantId: id, force });
      if (erased.ok) return c.json(deletionJson(id, erased.value), erased.value.done ? 200 : 202);
      if (erased.failure.reason === "unknown_tenant") throw new Problem("tenant_not_found");
      const { openTasks } = erased.failure;
      throw new Problem("tenant_has_open_tasks", { details: { openTasks } });
    });
}

/** Its room is set up once for each Idempotency-Key, by whoever comes with it until somebody has. */
async function setUpOnce(
  c: Context<ApiEnv>,
  config: Config,
  { settings, text }: { readonly settings: z.output<typeof tenantSchema>; readonly text: string },
): Promise<TenantId> {
  const id = newId("ten", config.source);
  const setUp = async (of: TenantId) =>
    config.marketRoom<MarketRoomApi>(of, settings.locationHint).setUp({ tenantId: of, ...settings });
  const idempotency = await idempotencyOf(c, text);
  if (idempotency === null) {
    await setUp(id);
    return id;
  }
  const { keyHash, bodyHash } = idempotency;
  const nowMs = config.source.now();
  const claim = { keyHash, bodyHash, tenantId: id, expiresAtMs: nowMs + IDEMPOTENCY_MS };
  const claimed = await claimTenant(config.db, claim, nowMs);
  if (!claimed.ok) throw new Problem(claimed.failure.reason);
  if (!claimed.value.isSetUp) {
    await setUp(claimed.value.tenantId);
    await settleClaim(config.db, { keyHash, tenantId: claimed.value.tenantId });
  }
  if (claimed.value.replayed) markReplayed(c);
  return claimed.value.tenantId;
}

async function managed(
  c: Context<ApiEnv>,
  config: Config,
  { id, order }: { readonly id: TenantId; readonly order: Parameters<MarketRoomApi["manageTenant"]>[0] },
): Promise<Response> {
  const tenant: TenantView | null = await config.marketRoom<MarketRoomApi>(id).manageTenant(order);
  if (tenant === null) throw new Problem("tenant_not_found");
  return c.json(tenantJson(tenant));
}

function tenantJson(tenant: TenantView) {
  const { tenantId: id, name, ordering, budget, locationHint, openTasks } = tenant;
  return {
    object: "tenant",
    id,
    name,
    ordering,
    budget: limitsJson(budget),
    locationHint,
    createdAt: time(tenant.createdAtMs),
    suspendedAt: time(tenant.suspendedAtMs),
    deletingAt: time(tenant.deletingAtMs),
    openTasks,
  };
}

function deletionJson(id: TenantId, { done, before, ...report }: EraseReport) {
  return { object: "tenant_deletion", id, deleted: done, before, ...report };
}

const time = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());
