/** Rate limits: what they are and leave, as a tenant's keys see them and as the operator sets them. */
import { Hono } from "hono";
import { parseId, type TenantId } from "../market/ids.ts";
import type { LimitsApi } from "../tenancy/limits-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, requireOperator, unauthenticated } from "./credentials.ts";
import { limitsUseJson, tenantLimitsSchema } from "./limits-json.ts";
import { Problem } from "./problem.ts";
import { readBody } from "./request-body.ts";

/** `/v1/limits` */
export function ownLimitRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get("/", async (c) => {
    const { tenantId, keyHash } = await authorizedCaller(c, config, "read");
    const view = await config.marketRoom<LimitsApi>(tenantId).readLimits(keyHash);
    // Revoked meanwhile.
    if (view === null) throw unauthenticated();
    return c.json(limitsUseJson(view));
  });
}

/** Below `/admin/tenants`. */
export function limitRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const shown = async (tenantId: TenantId) => {
    const view = await config.marketRoom<LimitsApi>(tenantId).readLimits(null);
    if (view === null) throw new Problem("tenant_not_found");
    return limitsUseJson(view);
  };
  return new Hono<ApiEnv>()
    .get("/:id/limits", async (c) => {
      await requireOperator(c, config);
      return c.json(await shown(tenantOf(c.req.param("id"))));
    })
    .put("/:id/limits", async (c) => {
      await requireOperator(c, config);
      const { value } = await readBody(c, tenantLimitsSchema);
      const tenantId = tenantOf(c.req.param("id"));
      const isSet = await config.marketRoom<LimitsApi>(tenantId).setLimits(value);
      if (!isSet) throw new Problem("tenant_not_found");
      return c.json(await shown(tenantId));
    });
}

function tenantOf(text: string): TenantId {
  const tenantId = parseId("ten", text);
  if (tenantId === null) throw new Problem("tenant_not_found");
  return tenantId;
}
