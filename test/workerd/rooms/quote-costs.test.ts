/** What a trace must be able to cost: its first call as that is held, beside what its auction has cost as it is booked. */
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import { stepBound, wrapUpBound } from "../../../src/agents/bounds.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { usdToMicros } from "../../../src/market/money.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  KEY_HASH,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
  type MarketDay,
} from "./market-day.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { accountOf } from "./money-day.ts";
import { admitQuote, BIDS, models, openQuote } from "./quote-day.ts";

useStoppedClock();

/** Of the dear agent, by which its forecast falls below what one call of it is held at. */
async function shortTraces(day: MarketDay, runs: number) {
  for (let run = 0; run < runs; run += 1) await carriedOut(day, null, models());
}

async function carriedOut(day: MarketDay, maxCostUsd: number | null, with_ = held(models())) {
  const { tenantId } = day;
  const { taskId, room, holder } = await day.admit({ policy: `always:${DEAR}`, limits: { maxCostUsd } });
  await runAuction(auctionDeps(with_), holder);
  await runSlice(traceDeps(with_), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  return room.view();
}

/** Calls are held as the house holds them. */
const held = (scripted: ScriptedModels): ModelPort => ({
  bid: async (agent, input) => scripted.bid(agent, input),
  judge: async (agent, input) => scripted.judge(agent, input),
  rule: async (agent) => scripted.rule(agent),
  rulingBound: () => scripted.rulingBound(),
  step: async (agent, request) => scripted.step(agent, request),
  bidBound: () => scripted.bidBound(),
  juryBound: () => scripted.juryBound(),
  stepBound,
  wrapUpBound,
});

describe("an agent whose traces are short", () => {
  test("is quoted a cap that takes a call of its next one", async () => {
    const day = await openMarket();
    await shortTraces(day, 40);
    const { room, accept, carryOut } = await openQuote(day);
    const offer = (await room.quote())?.offers?.[0];
    expect(offer).toMatchObject({ agentId: DEAR, obstacles: [] });
    // Far more than any of its traces has cost: what it does not use is free again. And the wrap-up behind that call.
    const { costMicros = 0, leastMicros = 0 } = offer?.forecast ?? {};
    expect(offer?.capMicros).toBeGreaterThan(costMicros + 2 * leastMicros);
    expect(offer?.capMicros).toBeLessThan(costMicros + 3 * leastMicros);
    expect(await accept(DEAR)).toMatchObject({ ok: true });
    await carryOut(held(models()));
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });

  test("is not sold a task whose limit takes no call of it, and with the relaxation carries it out", async () => {
    const day = await openMarket();
    await shortTraces(day, 40);
    const tight = await carriedOut(day, 0.03);
    expect(tight).toMatchObject({ state: "no_sale", noSale: { reason: "cost_limit" } });
    const maxCostUsd = tight?.noSale?.relaxation?.limits.maxCostUsd ?? 0;
    expect(maxCostUsd).toBeGreaterThan(0.03);
    expect(await carriedOut(day, maxCostUsd)).toMatchObject({ state: "finished", outcome: "pass" });
  });
});

test("a quote counts calls of its auction whose bills never came at their bounds: its caps can be held whole", async () => {
  const day = await openMarket();
  const limit = 0.12;
  const { taskId, room, holder } = await admitQuote(day, { limits: { maxCostUsd: limit } });
  const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
  const verdicts = { [CHEAP]: byLength, [MIDDLE]: "timeout", [DEAR]: byLength } as const;
  await runAuction(auctionDeps(new ScriptedModels({ bids: BIDS, verdicts })), holder);
  const { chargedMicros } = await accountOf(day, taskId);
  const leftMicros = usdToMicros(limit) - chargedMicros;
  const offers = (await room.quote())?.offers ?? [];
  expect(offers.map(({ agentId, capMicros }) => [agentId, capMicros])).toEqual([
    [CHEAP, 7_000],
    [MIDDLE, 70_000],
    [DEAR, leftMicros],
  ]);
  const needs = expect.closeTo((chargedMicros + 170_365) / 1_000_000, 5);
  const obstacles = [{ limit: "maxCostUsd", is: limit, needs }];
  expect(offers[2]?.obstacles).toEqual(obstacles);
  const accept = async (agentId: AgentId) => day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId });
  expect(await accept(DEAR)).toEqual({ ok: false, failure: { reason: "offer_not_acceptable", obstacles } });
  expect(await accept(MIDDLE)).toMatchObject({ ok: true });
  expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 70_000, chargedMicros });
});
