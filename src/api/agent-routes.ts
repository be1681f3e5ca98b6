/** `/v1/agents`: the tenant's pool with its prices, and the policy that its next auction runs under. */
import { Hono } from "hono";
import { usdPrices, type Agent } from "../market/agent.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller } from "./credentials.ts";

export function agentRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get("/", async (c) => {
    const { tenantId, scopes } = await authorizedCaller(c, config, "read");
    const { pool, policy, leftOut = [] } = await config.marketRoom<MarketRoomApi>(tenantId).agents();
    return c.json({
      object: "list",
      agents: pool.map(agentJson),
      policy,
      ...(scopes.includes("admin") && { leftOut }),
    });
  });
}

/** Names of secrets and addresses of endpoints are the operator's and stay inside. */
function agentJson(agent: Agent): Record<string, unknown> {
  const { id, name, model, provider, emulated, contextTokens, maxOutputTokens, prices, priceSource } = agent;
  const { regions = null } = agent;
  return {
    object: "agent",
    id,
    name,
    model,
    provider,
    emulated,
    contextTokens,
    maxOutputTokens,
    usdPerMtok: usdPrices(prices),
    priceSource,
    // Null: where it processes is not known.
    regions,
  };
}
