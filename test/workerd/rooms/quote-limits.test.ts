/** Accepting a bid of a quote is a trace that begins: the limits of what runs and of what waits hold for it. */
import { describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { DEFAULT_TENANT_LIMITS, NO_RATE_LIMITS, type TenantLimits } from "../../../src/market/rate-limit.ts";
import { config, openMarket, useStoppedClock } from "./market-day.ts";
import { openQuote } from "./quote-day.ts";

useStoppedClock();

const FULL = { ok: false, failure: { reason: "queue_full", retryAfterMs: 5_000 } };

async function twoQuotes(limits: Partial<TenantLimits>) {
  const day = await openMarket();
  const quotes = [await openQuote(day), await openQuote(day)] as const;
  await day.market.setLimits({ ...DEFAULT_TENANT_LIMITS, ...limits });
  return { day, first: quotes[0], second: quotes[1] };
}

describe("a bid is accepted", () => {
  test("while as many tasks run as may: its trace waits for one of them to end", async () => {
    const { day, first, second } = await twoQuotes({ concurrentTasks: 1 });
    expect((await first.accept(null)).ok).toBe(true);
    expect((await second.accept(null)).ok).toBe(true);
    expect(await first.room.view()).toMatchObject({ state: "awarded", waitsFor: null });
    expect(await second.room.view()).toMatchObject({ state: "awarded", waitsFor: "trace" });
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { traces: 1, tracesWaiting: 1 } });
    await first.carryOut();
    await vi.waitFor(async () => expect(await second.room.view()).toMatchObject({ waitsFor: null }));
    await second.carryOut();
    expect(await second.room.view()).toMatchObject({ state: "finished" });
  });

  test("of a key that is at its limit: it waits, and those of others pass", async () => {
    const day = await openMarket();
    const keyHash = newId("key", config.source);
    const key = { keyId: newId("key", config.source), hash: keyHash, name: "narrow", budget: null };
    await day.market.addKey({ ...key, limits: { ...NO_RATE_LIMITS, concurrentTasks: 1 } });
    const [one, two] = [await openQuote(day, {}, keyHash), await openQuote(day, {}, keyHash)];
    const other = await openQuote(day);
    for (const quote of [one, two, other]) expect((await quote.accept(null)).ok).toBe(true);
    const waits = await Promise.all([one, two, other].map(async ({ room }) => (await room.view())?.waitsFor));
    expect(waits).toEqual([null, "trace", null]);
    await other.carryOut();
    expect(await two.room.view()).toMatchObject({ waitsFor: "trace" });
    await one.carryOut();
    await vi.waitFor(async () => expect(await two.room.view()).toMatchObject({ waitsFor: null }));
  });

  test("only while as many wait for a trace as may", async () => {
    const { day, first, second } = await twoQuotes({ maxTraces: 1, maxQueued: 0 });
    expect((await first.accept(null)).ok).toBe(true);
    expect(await second.accept(null)).toMatchObject({ ...FULL, failure: { queued: 0 } });
    await day.market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1, maxQueued: 1 });
    expect((await second.accept(null)).ok).toBe(true);
    expect(await second.room.view()).toMatchObject({ state: "awarded", waitsFor: "trace" });
  });
});
