/** Money over several attempts: one hold, one limit, one budget; and a trace's place, which each attempt takes anew. */
import { describe, expect, test, vi } from "vitest";
import { CHEAP, DEAR, MIDDLE, openMarket, useStoppedClock, type MarketDay } from "./market-day.ts";
import { DEFAULT_TENANT_LIMITS } from "../../../src/market/rate-limit.ts";
import { attempt, awardedTo, failAt, receiptOf, sold } from "./escalation-day.ts";
import { accountOf, booksOf, limited } from "./money-day.ts";

useStoppedClock();

/** Awarded, and all that its auction has cost is booked. */
async function booked(day: MarketDay, input: Parameters<typeof sold>[1] = {}) {
  const task = await sold(day, input);
  await task.room.wake();
  return task;
}

describe("the money of an escalated task", () => {
  test("counts what the attempt before left towards the hold of the next", async () => {
    const day = await openMarket();
    const task = await sold(day);
    const before = await accountOf(day, task.taskId);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    const after = await accountOf(day, task.taskId);
    // The dear agent's hold, less its one step, is more than the middle one needs: nothing is held, or released.
    expect(after.holds).toEqual(before.holds);
    expect(after.heldMicros + after.chargedMicros).toBe(before.heldMicros + before.chargedMicros);
    await attempt(day, task, { attempt: 2, result: "42" });
    expect((await accountOf(day, task.taskId)).heldMicros).toBe(0);
  });

  test("is held anew as far as that lacks", async () => {
    const day = await openMarket();
    const task = await booked(day);
    const { heldMicros: held } = await accountOf(day, task.taskId);
    await failAt(task, { attempt: 1, agentId: DEAR, micros: held - 10 });
    await awardedTo(task.room, 2);
    const { heldMicros, holds } = await accountOf(day, task.taskId);
    // The middle agent's first trace is held at 70,000 micro-USD.
    expect([heldMicros, holds.at(-1)]).toEqual([70_000, 69_990]);
  });

  /** The first attempt has spent what was held for it but for 10 micro-USD, and so much of the budget is left. */
  async function broke(day: MarketDay, leftMicros: number) {
    const task = await booked(day);
    const { heldMicros, chargedMicros } = await accountOf(day, task.taskId);
    await day.market.setBudget(limited({ totalMicros: heldMicros + chargedMicros + leftMicros }));
    await failAt(task, { attempt: 1, agentId: DEAR, micros: heldMicros - 10 });
    return task;
  }

  test("takes no further attempt where the budget leaves less than its trace is likely to take", async () => {
    const day = await openMarket();
    // Median of the middle agent's trace: 17,037.
    const task = await broke(day, 17_026);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("takes one where it leaves just so much, and then no more than its share at first", async () => {
    const day = await openMarket();
    const { taskId, room } = await broke(day, 17_030);
    await awardedTo(room, 2);
    expect((await accountOf(day, taskId)).heldMicros).toBe(10 + 8_515);
  });

  test("keeps to the task's own limit over all attempts: bids that would pass it are passed over", async () => {
    const day = await openMarket();
    const task = await booked(day, { limits: { maxCostUsd: 0.25 } });
    const { room, taskId } = task;
    expect(await room.view()).toMatchObject({ agentId: DEAR });
    await failAt(task, { attempt: 1, agentId: DEAR, micros: 232_000 });
    await awardedTo(room, 2);
    expect(await room.view()).toMatchObject({ agentId: CHEAP });
    const decision = await receiptOf(room);
    expect(decision.status === "cleared" && decision.escalations).toMatchObject([
      { attempt: 2, agentId: CHEAP, passedOver: [{ agentId: MIDDLE, obstacles: [{ limit: "maxCostUsd" }] }] },
    ]);
    const { heldMicros, chargedMicros } = await accountOf(day, taskId);
    expect(heldMicros + chargedMicros).toBeLessThanOrEqual(250_000);
  });

  test("ends where its own limit takes no bid that is left: as its attempt ended, not unsold", async () => {
    const day = await openMarket();
    const task = await booked(day, { limits: { maxCostUsd: 0.25 } });
    const { heldMicros } = await accountOf(day, task.taskId);
    await failAt(task, { attempt: 1, agentId: DEAR, micros: heldMicros });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", noSale: null });
    expect(await receiptOf(task.room)).not.toHaveProperty("escalations");
  });
});

describe("awards of later attempts", () => {
  test("count towards the caps on agents' shares, and are held against them", async () => {
    const day = await openMarket();
    await day.market.changePolicy({ by: null, ifVersion: null, change: { maxShares: { [MIDDLE]: 0.01 } } });
    for (const next of [MIDDLE, CHEAP]) {
      const task = await sold(day);
      await attempt(day, task, { attempt: 1, result: "41" });
      await awardedTo(task.room, 2);
      expect(await task.room.view()).toMatchObject({ agentId: next });
    }
  });
});

describe("a tenant with one place for traces", () => {
  test("gives the place of an attempt that failed to whoever waited, and the next attempt waits its turn", async () => {
    const day = await openMarket();
    await day.market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1 });
    const [first, second] = [await sold(day), await sold(day)];
    expect(await second.room.view()).toMatchObject({ waitsFor: "trace" });
    await attempt(day, first, { attempt: 1, result: "41" });
    await awardedTo(first.room, 2);
    await vi.waitFor(async () => expect(await second.room.view()).toMatchObject({ waitsFor: null }));
    expect(await first.room.view()).toMatchObject({ state: "awarded", agentId: MIDDLE, waitsFor: "trace" });
    expect(await attempt(day, first, { attempt: 2, result: "42" })).toEqual([]);
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { traces: 1, tracesWaiting: 1 } });
    await attempt(day, second, { attempt: 1, result: "42" });
    await vi.waitFor(async () => expect(await first.room.view()).toMatchObject({ waitsFor: null }));
    await attempt(day, first, { attempt: 2, result: "42" });
    expect(await first.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { traces: 0, tracesWaiting: 0 } });
  });

  test("keeps it where nobody waits", async () => {
    const day = await openMarket();
    await day.market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1 });
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    expect(await task.room.view()).toMatchObject({ waitsFor: null });
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { traces: 1, tracesWaiting: 0 } });
  });
});
