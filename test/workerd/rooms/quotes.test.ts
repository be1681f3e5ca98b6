/** Quotes through the real rooms: the auction is held, and nothing runs until a bid is accepted, or none is. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import {
  alarmOf,
  auctionDeps,
  CHEAP,
  DEAR,
  evictRooms,
  KEY_HASH,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { accountOf, limited } from "./money-day.ts";
import { admitQuote, BIDS, EXPIRES_S, models, openQuote } from "./quote-day.ts";

const clock = useStoppedClock();

describe("a quote", () => {
  test("shows every bid, best first, with its plan and what its trace is expected to take; nothing runs", async () => {
    const day = await openMarket();
    const { taskId, room } = await openQuote(day);
    const quote = await room.quote();
    expect(quote?.offers?.map(({ agentId, plan, obstacles }) => ({ agentId, plan, obstacles }))).toEqual([
      { agentId: DEAR, plan: BIDS[DEAR], obstacles: [] },
      { agentId: MIDDLE, plan: BIDS[MIDDLE], obstacles: [] },
      { agentId: CHEAP, plan: BIDS[CHEAP], obstacles: [] },
    ]);
    // 100,000 tokens in at 2.5 and 10,000 out at 10 USD per million, held twice.
    expect(quote?.offers?.[0]).toMatchObject({ capMicros: 700_000, forecast: { costMicros: 350_000 } });
    expect(quote?.task).toMatchObject({
      state: "quoted",
      agentId: null,
      quote: { expiresAtMs: Date.now() + EXPIRES_S * 1_000, acceptedAtMs: null },
    });
    expect(quote?.auctionMicros).toBe((await accountOf(day, taskId)).chargedMicros);
    expect((await room.takeTrace(1, 1)).ok).toBe(false);
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision.status).toBe("quoted");
  });

  test("holds nothing while it is open: what its auction did not need is free at once", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 200_000 }) });
    const quotes = [await openQuote(day), await openQuote(day), await openQuote(day)];
    for (const { taskId } of quotes) expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0 });
    const [first, second] = quotes;
    expect(await first?.accept(CHEAP)).toMatchObject({ ok: true });
    await evictRooms(day.market);
    // Told again, what is held for the trace stays.
    await day.market.sweep();
    const held = quotes.map(async ({ taskId }) => (await accountOf(day, taskId)).heldMicros);
    expect(await Promise.all(held)).toEqual([7_000, 0, 0]);
    expect(await second?.accept(MIDDLE)).toMatchObject({ ok: true });
  });

  test("gives its auction's turn on, and outlives the deadline that its task would have", async () => {
    const day = await openMarket({ ordering: "strict" });
    const { room, accept } = await openQuote(day, { limits: { deadlineS: 5 } });
    expect((await day.admit()).auctionGeneration).toBe(1);
    clock.pass(60_000);
    expect(await alarmOf(room)).toBeNull();
    const acceptedAtMs = Date.now();
    expect(await accept()).toEqual({ ok: true, value: DEAR });
    expect(await room.view()).toMatchObject({ state: "awarded", deadlineAtMs: acceptedAtMs + 5_000 });
    clock.pass(5_001);
    const ring = await runInDurableObject(room as DurableObjectStub, async (instance) => instance.alarm?.());
    expect(ring).toBeUndefined();
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
  });

  test("is one thing told once: the room hears of it after its death, and not twice", async () => {
    const day = await openMarket();
    const { room } = await openQuote(day);
    const before = await room.quote();
    await evictRooms(day.market, room);
    expect(await room.quote()).toEqual(before);
    const { offers, task } = before ?? {};
    expect(offers).not.toBeNull();
    expect(task?.lastEvent).toBe((await room.view())?.lastEvent);
  });

  test("that no bid fits ends unsold, before it was ever open", async () => {
    const day = await openMarket();
    const { room, accept } = await openQuote(day, { policy: `always:${DEAR}`, limits: { maxCostUsd: 0.1 } });
    expect(await room.quote()).toMatchObject({
      offers: null,
      task: { state: "no_sale", noSale: { reason: "cost_limit" } },
    });
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_closed" } });
  });
});

describe("a quote that nobody accepts", () => {
  test("runs out: nothing is held any more, and its auction is all that it cost", async () => {
    const day = await openMarket();
    const { taskId, room, accept } = await openQuote(day);
    clock.pass(EXPIRES_S * 1_000);
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_expired" } });
    await day.ringMarket();
    expect(await room.view()).toMatchObject({
      state: "no_sale",
      noSale: { reason: "quote_expired", relaxation: null },
      costs: { traceMicros: 0 },
    });
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_expired" } });
    const view = await room.view();
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: view?.costMicros });
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision).toMatchObject({ status: "no-sale", reason: "quote_expired" });
    expect(await alarmOf(room)).toBeNull();
  });

  test("runs out though both rooms died in the meantime", async () => {
    const day = await openMarket();
    const { room } = await openQuote(day);
    await evictRooms(day.market, room);
    clock.pass(EXPIRES_S * 1_000);
    await day.ringMarket();
    expect(await room.view()).toMatchObject({ state: "no_sale" });
  });

  test("and is cancelled ends at once", async () => {
    const day = await openMarket();
    const { taskId, room, accept } = await openQuote(day);
    expect(await day.market.cancel(taskId)).toBe(true);
    expect(await room.view()).toMatchObject({ state: "cancelled" });
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_closed" } });
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0 });
  });

  test("that was accepted does not run out", async () => {
    const day = await openMarket();
    const { room, accept } = await openQuote(day);
    await accept(CHEAP);
    clock.pass(EXPIRES_S * 1_000 + 1);
    await day.ringMarket();
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
  });
});

describe("what a quote teaches", () => {
  test("an outcome goes to the strategy that had it, and to no other's", async () => {
    const day = await openMarket();
    const vector = Array.from({ length: 768 }, () => 0.5);
    const entryOf = async () => (await day.market.recall({ vector, hits: [], topK: 5 }))[0]?.entry;
    const memory = {
      embedBound: () => 0 as never,
      embed: async () => ({ vector, bill: { status: "refused" as const } }),
      recall: async () => [],
    };
    const { taskId, holder } = await admitQuote(day, { policy: "sale:size=1" });
    await runAuction(auctionDeps(models(), memory), holder);
    await day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId: CHEAP });
    await runSlice(traceDeps(models()), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId,
      attempt: 1,
      generation: 1,
    });
    // The dear agent's bid won, and the cheap one's was carried out: nobody knows what the winner would have done.
    expect(await entryOf()).toMatchObject({ winner: DEAR, outcome: null });
  });
});
