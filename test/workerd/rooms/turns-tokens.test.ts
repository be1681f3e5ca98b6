/** Tokens per minute: what is overdrawn is waited for, by whoever it is that owes it, and over restarts. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { NO_RATE_LIMITS } from "../../../src/market/rate-limit.ts";
import { RateGate } from "../../../src/tenancy/rate-gate.ts";
import { config, evictRooms, useStoppedClock } from "./market-day.ts";
import { openTurns, timersOf } from "./turns-day.ts";

const clock = useStoppedClock();

describe("tokens per minute", () => {
  test("that are overdrawn let no auction begin until they are refilled, and stop none that runs", async () => {
    const day = await openTurns({ tokensPerMinute: 1_000 });
    const first = await day.task();
    await day.spend(first, 1_000);
    // All of a minute's: nothing is owed yet.
    const second = await day.task();
    expect(second.begins).toBe(true);
    await day.spend(second, 500);
    const waiting = [await day.task(), await day.task()];
    expect(await day.states(waiting)).toEqual(["admitted", "admitted"]);
    expect((await first.room.beginAuction(1, { opening: first.opening, started: [] })).ok).toBe(true);
    expect(await day.market.renewAuction(first.taskId, 1)).toBe("continue");
    clock.pass(29_999);
    await day.ringMarket();
    expect(await day.states(waiting)).toEqual(["admitted", "admitted"]);
    clock.pass(1);
    await day.ringMarket();
    expect(await day.states(waiting)).toEqual(["bidding", "bidding"]);
    expect(await timersOf(day, "token-refill")).toBe(0);
  });

  test("are drawn once for a call, however often it is told", async () => {
    const day = await openTurns({ tokensPerMinute: 1_000 });
    const task = await day.task();
    const call = await day.spend(task, 300);
    await day.market.spent(task.taskId, [call, call]);
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { left: { tokens: 700 } } });
  });

  test("are drawn for a bill that comes after its call was given up, and not for the bound before", async () => {
    const day = await openTurns({ tokensPerMinute: 1_000 });
    const task = await day.task();
    const call = await day.spend(task, 100);
    const late = { ...call, callId: newId("cal", config.source) };
    await day.market.spent(task.taskId, [{ ...late, status: "unconfirmed", usage: null }]);
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { left: { tokens: 900 } } });
    await day.market.spent(task.taskId, [late]);
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { left: { tokens: 800 } } });
  });

  test("are owed over a restart, and the timer that was set rings", async () => {
    const day = await openTurns({ tokensPerMinute: 1_000 });
    await day.spend(await day.task(), 10_000);
    const waiting = await day.task();
    expect(waiting.begins).toBe(false);
    await evictRooms(day.market);
    clock.pass(8 * 60_000);
    expect((await day.task()).begins).toBe(false);
    await evictRooms(day.market);
    clock.pass(60_000);
    await day.ringMarket();
    expect(await day.states([waiting])).toEqual(["bidding"]);
  });

  test("that were drawn in a transaction that did not stand were not drawn", async () => {
    const day = await openTurns();
    await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
      const limits = () => ({ ...NO_RATE_LIMITS, tokensPerMinute: 1_000 });
      const rates = new RateGate({ storage, now: () => Date.now(), limits });
      storage.transactionSync(() => rates.drawTokens(null, 100));
      const failing = () => {
        rates.drawTokens(null, 5_000);
        throw new Error("no room left");
      };
      expect(() => storage.transactionSync(failing)).toThrow("no room left");
      rates.forget();
      expect(rates.left(null)).toEqual({ requests: null, tokens: 900 });
      expect(rates.debtMs(null)).toBe(0);
    });
  });

  test("of a key hold back its tasks alone", async () => {
    const day = await openTurns();
    const [narrow, wide] = [await day.key({ tokensPerMinute: 100 }), await day.key({})];
    await day.spend(await day.task({ keyHash: narrow }), 250);
    await day.spend(await day.task({ keyHash: wide }), 1_000_000);
    const tasks = [await day.task({ keyHash: narrow }), await day.task({ keyHash: wide })];
    expect(await day.states(tasks)).toEqual(["admitted", "bidding"]);
    expect(await day.market.readLimits(narrow)).toMatchObject({
      tenant: { left: { requests: null, tokens: null }, running: 3, waiting: 1 },
      key: { left: { tokens: -150 }, running: 1, waiting: 1 },
    });
    clock.pass(90_000);
    await day.ringMarket();
    expect(await day.states(tasks)).toEqual(["bidding", "bidding"]);
  });

  test("of the first key to be refilled ring, not of the first that waited", async () => {
    const day = await openTurns();
    const [slow, fast] = [await day.key({ tokensPerMinute: 1 }), await day.key({ tokensPerMinute: 1_000 })];
    for (const keyHash of [slow, fast]) await day.spend(await day.task({ keyHash }), 2_000);
    const tasks = [await day.task({ keyHash: slow }), await day.task({ keyHash: fast })];
    clock.pass(60_000);
    await day.ringMarket();
    expect(await day.states(tasks)).toEqual(["admitted", "bidding"]);
  });

  test("without a limit are not counted: the limit that is set begins with a full minute", async () => {
    const day = await openTurns();
    await day.spend(await day.task(), 5_000);
    await day.setLimits({ tokensPerMinute: 100 });
    expect((await day.task()).begins).toBe(true);
  });

  test("that are given a larger limit let begin at once what waited", async () => {
    const day = await openTurns({ tokensPerMinute: 10 });
    await day.spend(await day.task(), 500);
    const waiting = await day.task();
    await day.setLimits({ tokensPerMinute: 500 });
    expect(await day.states([waiting])).toEqual(["bidding"]);
  });
});
