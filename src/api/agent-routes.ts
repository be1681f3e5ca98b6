/** `/v1/agents`: the tenant's pool with its prices, and the policy that its next auction runs under. */
import { Hono } from "hono";
import type { Agent } from "../market/agent.ts";
import { asMicros, microsToUsd } from "../market/money.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller } from "./credentials.ts";

export function agentRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get("/", async (c) => {
    const { tenantId } = await authorizedCaller(c, config, "read");
    const { pool, policy } = await config.marketRoom<MarketRoomApi>(tenantId).agents();
    return c.json({ object: "list", agents: pool.map(agentJson), policy });
  });
}

/** Names of secrets and addresses of endpoints are the operator's and stay inside. */
function agentJson(agent: Agent): Record<string, unknown> {
  const { id, name, model, provider, emulated, contextTokens, maxOutputTokens, prices, priceSource } = agent;
  return {
    object: "agent",
    id,
    name,
    model,
    provider,
    emulated,
    contextTokens,
    maxOutputTokens,
    usdPerMtok: {
      input: usd(prices.inputMicrosPerMtok),
      cachedInput: usd(prices.cachedInputMicrosPerMtok),
      cacheWrite: usd(prices.cacheWriteMicrosPerMtok),
      output: usd(prices.outputMicrosPerMtok),
    },
    priceSource,
  };
}

function usd(micros: number): number {
  return microsToUsd(asMicros(micros));
}
