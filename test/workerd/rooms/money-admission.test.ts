/** Admission holds what an auction may cost, or refuses before anything is spent. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Budget } from "../../../src/market/ledger/budget.ts";
import { evictRooms, KEY_HASH, openMarket, useStoppedClock } from "./market-day.ts";
import { ask, booksOf, limited, plannedMicros, refusalOf, usd } from "./money-day.ts";

let planned = 0;
useStoppedClock();
beforeEach(async () => {
  planned = await plannedMicros();
});

const taskIds = async ({ market }: Pick<Awaited<ReturnType<typeof openMarket>>, "market">) =>
  (await market.heldTasks()).map((row) => row.taskId);

describe("a task that is admitted", () => {
  test("has its bidding and judging held before they start, and nothing is charged", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: planned }) });
    const { taskId, answer } = await ask(day);
    if (!answer.ok || answer.value.opening === null) throw new Error("not admitted");
    const { firstCalls, allowanceMicros } = answer.value.opening;
    expect(firstCalls).toHaveLength(3);
    expect(planned).toBeGreaterThan(firstCalls.reduce((sum, call) => sum + call.boundMicros, 0));
    expect(allowanceMicros).toBe(planned);
    const { transfers, accounts, calls } = await booksOf(day);
    expect(transfers).toMatchObject([
      { kind: "hold", taskId, callId: null, from: "free", to: "held", micros: planned },
    ]);
    expect(accounts).toMatchObject([{ taskId, heldMicros: planned, chargedMicros: 0 }]);
    expect(calls).toEqual([]);
  });

  test("under a policy without an auction needs nothing to be held, and is admitted with nothing left", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 0 }) });
    const { answer } = await ask(day, { policy: "cheapest" });
    expect(answer.ok).toBe(true);
    expect((await booksOf(day)).transfers).toEqual([]);
  });
});

describe("a task that does not fit", () => {
  const short = () => planned - 1;
  test.each<[string, () => { budget?: Budget; keyBudget?: Budget; maxCostUsd?: number }, string, string]>([
    ["its tenant's total", () => ({ budget: limited({ totalMicros: short() }) }), "tenant", "total"],
    ["its tenant's day", () => ({ budget: limited({ dayMicros: short() }) }), "tenant", "day"],
    ["its tenant's month", () => ({ budget: limited({ monthMicros: short() }) }), "tenant", "month"],
    ["its key's total", () => ({ keyBudget: limited({ totalMicros: short() }) }), "key", "total"],
    ["its key's day", () => ({ keyBudget: limited({ dayMicros: short() }) }), "key", "day"],
    ["its own limit", () => ({ maxCostUsd: usd(short()) }), "task", "task"],
    [
      "its key's month, which leaves less than its tenant's total",
      () => ({
        budget: limited({ totalMicros: planned + 5 }),
        keyBudget: limited({ monthMicros: short() }),
      }),
      "key",
      "month",
    ],
  ])("%s is told which limit, what was asked and what is left", async (_, setting, scope, limit) => {
    const { maxCostUsd, ...options } = setting();
    const day = await openMarket(options);
    const asked = await ask(day, maxCostUsd === undefined ? {} : { limits: { maxCostUsd } });
    expect(refusalOf(asked)).toEqual({
      scope,
      limit,
      askedMicros: planned,
      leftMicros: short(),
    });
  });

  test("leaves nothing behind: no task, no number, no account, no hold", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 2 * planned - 1 }) });
    const first = await ask(day);
    expect(refusalOf(await ask(day))).toMatchObject({ askedMicros: planned, leftMicros: planned - 1 });
    expect(await taskIds(day)).toEqual([first.taskId]);
    const { accounts, transfers } = await booksOf(day);
    expect([accounts.length, transfers.length]).toEqual([1, 1]);
    await day.market.setBudget(limited({ totalMicros: 2 * planned }));
    const { answer } = await ask(day);
    expect(answer).toMatchObject({ ok: true, value: { sequence: 2 } });
  });

  test("leaves its Idempotency-Key free, for another body too", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 0 }) });
    const request = (bodyHash: string) => ({ idempotency: { key: "once", bodyHash } });
    refusalOf(await ask(day, {}, request("first")));
    await day.market.setBudget(limited({}));
    const other = await ask(day, {}, request("second"));
    expect(other.answer).toMatchObject({ ok: true, value: { replayed: false, sequence: 1 } });
  });

  test("is not asked for again: a replay of an admitted one is answered though nothing is left", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: planned }) });
    const request = { idempotency: { key: "once", bodyHash: "same" } };
    const { taskId } = await ask(day, {}, request);
    const again = await ask(day, {}, request);
    expect(again.answer).toMatchObject({ ok: true, value: { taskId, replayed: true } });
    expect((await booksOf(day)).balances.held).toBe(planned);
  });

  test("is told 0 where the budget was lowered below what is held", async () => {
    const day = await openMarket();
    await ask(day);
    await day.market.setBudget(limited({ totalMicros: 1 }));
    expect(refusalOf(await ask(day))).toEqual({
      scope: "tenant",
      limit: "total",
      askedMicros: planned,
      leftMicros: 0,
    });
  });

  test("stays refused after the room has lost what it remembered", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: planned }) });
    await ask(day);
    await evictRooms(day.market);
    expect(refusalOf(await ask(day))).toMatchObject({ leftMicros: 0 });
  });
});

describe("tasks that come at once", () => {
  test.each([0, 1, 5, 12])("into a budget for %i are admitted so many, and no more", async (fits) => {
    const day = await openMarket({ budget: limited({ dayMicros: fits * planned + planned - 1 }) });
    const asked = await Promise.all(Array.from({ length: 12 }, () => ask(day)));
    const admitted = asked.filter(({ answer }) => answer.ok);
    expect(admitted).toHaveLength(Math.min(fits, 12));
    expect((await taskIds(day)).toSorted()).toEqual(admitted.map(({ taskId }) => taskId).toSorted());
    expect(
      admitted
        .map(({ answer }) => (answer.ok ? answer.value.sequence : null))
        .toSorted((a, b) => Number(a) - Number(b)),
    ).toEqual(Array.from({ length: Math.min(fits, 12) }, (_, at) => at + 1));
    expect((await booksOf(day)).balances.held).toBe(Math.min(fits, 12) * planned);
  });

  test("by two keys each keep to their key's budget and together to their tenant's", async () => {
    const keyBudget = limited({ totalMicros: 4 * planned });
    const day = await openMarket({ budget: limited({ totalMicros: 6 * planned }), keyBudget });
    const other = "cd".repeat(32);
    const keyId = "key_01k00000000000000000000000" as Parameters<typeof day.market.addKey>[0]["keyId"];
    await day.market.addKey({ keyId, hash: other, name: "other", budget: keyBudget });
    const hashes = Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? KEY_HASH : other));
    const asked = await Promise.all(hashes.map(async (keyHash) => ask(day, {}, { keyHash })));
    const admittedBy = (hash: string) => asked.filter(({ answer }, at) => answer.ok && hashes[at] === hash);
    expect(admittedBy(KEY_HASH).length + admittedBy(other).length).toBe(6);
    expect(Math.max(admittedBy(KEY_HASH).length, admittedBy(other).length)).toBeLessThanOrEqual(4);
    expect((await booksOf(day)).balances.held).toBe(6 * planned);
  });

  test("by one key stop at its budget though their tenant has more", async () => {
    const keyBudget = limited({ totalMicros: 4 * planned });
    const day = await openMarket({ budget: limited({ totalMicros: 9 * planned }), keyBudget });
    const asked = await Promise.all(Array.from({ length: 12 }, () => ask(day)));
    expect(asked.filter(({ answer }) => answer.ok)).toHaveLength(4);
  });
});
