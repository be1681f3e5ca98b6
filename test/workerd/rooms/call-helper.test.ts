/** The helper object itself: what travels to it, and what it forgets. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { planBids } from "../../../src/auction/collect-bids.ts";
import { createHelperStock, SpreadCalls } from "../../../src/auction/spread-calls.ts";
import { asMicros } from "../../../src/market/money.ts";
import { createHttp } from "../../../src/trace/tools/index.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { anOpening } from "../../support/builders.ts";
import { config, POOL } from "./market-day.ts";

/** Nobody has set its secret: its call gets as far as the helper's own models, and no further. */
const [agent] = POOL.slice(0, 1).map((one) => ({ ...one, apiKeySecret: "NO_SUCH_SECRET" })) as unknown as [
  Agent,
];

/** Calls whose first five never end, so that the sixth goes to a helper. */
function crowded() {
  const names: string[] = [];
  const stock = createHelperStock({
    newName: () => {
      names.push(config.callHelpers.newName());
      return names.at(-1) ?? "";
    },
    helper: (name) => config.callHelpers.helper(name),
  });
  const never = new Promise<never>(() => undefined);
  const bound = () => asMicros(9);
  const models = { bid: async () => never, judge: async () => never, bidBound: bound, juryBound: bound };
  const calls = new SpreadCalls({ models, stock, run: "tsk/1", now: () => Date.now() });
  for (let n = 0; n < 5; n += 1) void calls.bid(agent, input, limits(60_000));
  return { calls, helper: () => env.CALL_HELPER.get(env.CALL_HELPER.idFromName(names[0] ?? "")) };
}

const input = { task: "t", tools: [], maxTokens: 10, nonce: "n", seed: 1, refinement: null };
const limits = (ms: number) => ({ signal: AbortSignal.timeout(ms), deadlineAtMs: Date.now() + ms });
const REACHED = { ok: false, failure: { reason: "misconfigured" }, bill: { status: "refused" } };

test("a bid with the house's real tools travels to a helper", async () => {
  const { calls } = crowded();
  const tool = createHttp({ allow: [], fetch: async () => new Response("") });
  const opening = anOpening({ pool: [agent] });
  const deps = { config, models: calls, toolMenu: () => [tool], memory: null };
  const [call] = planBids({ deps, opening }, { round: 1, agents: [agent], refinements: new Map() });
  expect(await call?.ask(limits(20_000))).toMatchObject(REACHED);
});

test("a helper that was put away between bids and jury is asked all the same, and does not wait for its texts", async () => {
  const { calls, helper } = crowded();
  expect(await calls.bid(agent, input, limits(20_000))).toMatchObject(REACHED);
  await evictDurableObject(helper());
  const jury = { task: "t", bids: [{ label: "A", strategy: "s" }], nonce: "n", seed: 1 };
  const answer = await calls.judge(agent, jury, limits(20_000));
  expect(answer).toMatchObject(REACHED);
});
