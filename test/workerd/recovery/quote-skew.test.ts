/** While a deployment rolls out, a market room of the version before knows no quotes: it would have the task run. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createApp } from "../../../src/api/app.ts";
import type { AdmitRequest } from "../../../src/tenancy/market-room-api.ts";
import { helpersOver } from "../../support/helpers-over.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { config, listServer, openTenant, ORIGIN, problemOf, type Tenant } from "../api/support.ts";
import type { MarketStub } from "../rooms/market-day.ts";
import { booksOf } from "../rooms/money-day.ts";

const PROMPT = { prompt: "What is six times seven?" };

/** The tenant's market room by what it knew then. */
function older({ market }: Tenant) {
  const room = {
    admit: async ({ quote: _unknown, ...request }: AdmitRequest) => market.admit(request),
    cancel: async (...[taskId]: Parameters<Tenant["market"]["cancel"]>) => market.cancel(taskId),
  };
  return { ...config, marketRoom: <Port>() => room as unknown as Port };
}

test.each([PROMPT, { ...PROMPT, policy: "cheapest" }])(
  "a quote that it takes for a task is ended, and nothing was asked or spent: %o",
  async (body) => {
    const tenant = await openTenant();
    const models = new ScriptedModels({});
    const deps = { config: older(tenant), models, helpers: helpersOver(models) };
    const app = createApp({
      listServer,
      config: deps.config,
      auction: { ...deps, toolMenu: () => [], memory: null },
    });
    const context = createExecutionContext();
    const headers = { ...tenant.auth, "Content-Type": "application/json" };
    const request = new Request(`${ORIGIN}/v1/quotes`, {
      method: "POST",
      body: JSON.stringify(body),
      headers,
    });
    const response = await app.fetch(request, env, context);
    await waitOnExecutionContext(context);
    expect(await problemOf(response)).toMatchObject({ status: 503, code: "unavailable" });
    expect(models.asked).toEqual([]);
    expect(await tenant.market.heldTasks()).toMatchObject([{ state: "cancelled", costMicros: 0 }]);
    expect((await booksOf({ market: tenant.market as MarketStub })).balances.held).toBe(0);
  },
);
