/** `/admin`: the operator's calls. They check the deployment, and create tenants and keys. */
import { Hono } from "hono";
import { z } from "zod";
import { poolSchema } from "../market/agent.ts";
import { newId, parseId } from "../market/ids.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { budgetSchema, limitsJson } from "./budget-json.ts";
import { makeApiKey, requireOperator } from "./credentials.ts";
import { checkHealth } from "./health.ts";
import { Problem } from "./problem.ts";
import { readBody } from "./request-body.ts";

const name = z.string().min(1).max(100);
const tenantSchema = z.strictObject({
  name,
  /** One auction at a time in the order of admission, or as they come. */
  ordering: z.enum(["parallel", "strict"]).default("parallel"),
  /** Absent: the environment's pool. */
  pool: poolSchema.nullable().default(null),
  budget: budgetSchema.prefault({}),
});
const keySchema = z.strictObject({
  name,
  /** Of all tasks that are asked for with the key, beside its tenant's. */
  budget: budgetSchema.nullable().default(null),
});

export function operatorRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/health", async (c) => {
      await requireOperator(c, config);
      const checks = await checkHealth(config);
      const healthy = checks.every((check) => check.ok);
      return c.json({ object: "health", ok: healthy, checks }, healthy ? 200 : 503);
    })
    .post("/tenants", async (c) => {
      await requireOperator(c, config);
      const { value } = await readBody(c, tenantSchema);
      const tenantId = newId("ten", config.source);
      await config.marketRoom<MarketRoomApi>(tenantId).setUp({ tenantId, ...value });
      const { ordering } = value;
      return c.json(
        { object: "tenant", id: tenantId, name: value.name, ordering, budget: limitsJson(value.budget) },
        201,
      );
    })
    .post("/tenants/:id/keys", async (c) => {
      await requireOperator(c, config);
      const { value } = await readBody(c, keySchema);
      const tenantId = parseId("ten", c.req.param("id"));
      if (tenantId === null) throw new Problem("tenant_not_found");
      const { key, hash } = await makeApiKey(tenantId);
      const keyId = newId("key", config.source);
      const room = config.marketRoom<MarketRoomApi>(tenantId);
      if (!(await room.addKey({ keyId, hash, ...value }))) throw new Problem("tenant_not_found");
      const budget = value.budget === null ? null : limitsJson(value.budget);
      return c.json({ object: "key", id: keyId, name: value.name, budget, key }, 201);
    });
}
