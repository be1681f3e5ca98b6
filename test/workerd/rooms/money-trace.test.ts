/** A trace spends what is held for it, asks for more call by call, and ends where its budgets end. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { traceHold } from "../../../src/market/ledger/trace-hold.ts";
import { asMicros } from "../../../src/market/money.ts";
import { ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import { evictRooms, openMarket, POOL, stopTheClock, types, eventsOf } from "./market-day.ts";
import {
  accountOf,
  awardedTask,
  BIDS_MICROS,
  booksOf,
  ENDLESS,
  limited,
  plannedMicros,
  priced,
  SUBMIT,
  usd,
  USE_TOOL,
} from "./money-day.ts";

let clock: ReturnType<typeof stopTheClock>;
let planned = 0;
beforeEach(async () => {
  clock = stopTheClock();
  planned = await plannedMicros();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Twice the guess for the cheap agent: 100,000 tokens in at 0.025 USD per million, 10,000 out at 0.1. */
const FIRST_HOLD = 7_000;
const endless = (step: { readonly bound: number; readonly cost: number }) =>
  priced(new ScriptedModels({ steps: ENDLESS }), { step });

describe("an award", () => {
  test("adds the bid's own cap to what is held: twice what the agent's traces are expected to cost", async () => {
    expect(POOL.map((agent) => traceHold(agent, { runs: 0, micros: asMicros(0) }))[0]).toBe(FIRST_HOLD);
    const day = await openMarket();
    const { taskId } = await awardedTask(day);
    expect((await accountOf(day, taskId)).holds).toEqual([planned, FIRST_HOLD]);
  });

  test("learns from the tenant's own traces", async () => {
    const day = await openMarket();
    const first = await awardedTask(day);
    await first.carryOut(
      priced(new ScriptedModels({ steps: [SUBMIT] }), { step: { bound: 5_000, cost: 4_000 } }),
    );
    const second = await awardedTask(day);
    // (2 · 3,500 + 4,000) / 3, rounded up, twice.
    expect((await accountOf(day, second.taskId)).holds).toEqual([planned, 2 * 3_667]);
  });

  test("takes half of what a budget leaves that does not take it: others are to have something, too", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: planned + 1_235 }) });
    const { taskId } = await awardedTask(day);
    expect((await accountOf(day, taskId)).holds).toEqual([planned, 617]);
  });

  test("takes all that the task's own limit leaves", async () => {
    const day = await openMarket();
    const { taskId } = await awardedTask(day, { limits: { maxCostUsd: usd(planned + 1_234) } });
    expect((await accountOf(day, taskId)).holds).toEqual([planned, 1_234]);
  });

  test("with nothing left holds no more, and the trace spends what its auction left over", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: planned }) });
    const { taskId, room, carryOut } = await awardedTask(day);
    await carryOut(new ScriptedModels({ steps: [SUBMIT] }));
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect(await accountOf(day, taskId)).toMatchObject({
      holds: [planned],
      heldMicros: 0,
      chargedMicros: BIDS_MICROS + 45,
    });
  });
});

describe("a trace that needs more than is held", () => {
  test("is given four times what it lacks, where there is plenty", async () => {
    const step = { bound: 300_000, cost: 100_000 };
    const day = await openMarket();
    const { taskId, carryOut } = await awardedTask(day);
    await carryOut(priced(new ScriptedModels({ steps: [USE_TOOL, USE_TOOL, SUBMIT] }), { step }));
    const { holds, chargedMicros, heldMicros } = await accountOf(day, taskId);
    const lacking = BIDS_MICROS + step.bound - planned - FIRST_HOLD;
    // The other steps fit into what the first one was given.
    expect(holds).toEqual([planned, FIRST_HOLD, 4 * lacking]);
    expect([chargedMicros, heldMicros]).toEqual([BIDS_MICROS + 300_000, 0]);
  });

  test("is given what fits, call by call, and the call that does not fit is not made", async () => {
    const step = { bound: 300_000, cost: 300_000 };
    // Three steps, and 9 to spare.
    const total = BIDS_MICROS + 3 * step.bound + 9;
    const day = await openMarket({ budget: limited({ totalMicros: total }) });
    const { taskId, room, carryOut } = await awardedTask(day);
    const models = new ScriptedModels({ steps: ENDLESS });
    await carryOut(priced(models, { step }));
    expect(models.asked.filter((call) => call.startsWith("step"))).toHaveLength(3);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "budget", steps: 3 });
    const { holds, chargedMicros } = await accountOf(day, taskId);
    expect(holds).toHaveLength(5);
    expect(holds.reduce((sum, micros) => sum + micros, 0)).toBe(total - 9);
    expect(chargedMicros).toBe(total - 9);
  });
});

describe("a task that reaches a limit", () => {
  const step = { bound: 10_000, cost: 9_000 };
  const most = (): number => planned + 20_000;

  test.each<[string, (micros: number) => Parameters<typeof openMarket>[0], string]>([
    ["its own", () => ({}), "cost_limit"],
    ["its tenant's total", (totalMicros) => ({ budget: limited({ totalMicros }) }), "budget"],
    ["its tenant's day", (dayMicros) => ({ budget: limited({ dayMicros }) }), "budget"],
    ["its tenant's month", (monthMicros) => ({ budget: limited({ monthMicros }) }), "budget"],
    ["its key's", (totalMicros) => ({ keyBudget: limited({ totalMicros }) }), "budget"],
  ])("(%s) ends with what it has so far, and was charged no more", async (_, settings, reason) => {
    const day = await openMarket(settings(most()));
    const maxCostUsd = reason === "cost_limit" ? usd(most()) : null;
    const { taskId, room, carryOut } = await awardedTask(day, { limits: { maxCostUsd } });
    await carryOut(endless(step));
    const view = await room.view();
    // All steps that could be begun within the limit at their bound.
    const steps = Math.floor((most() - BIDS_MICROS - step.bound) / step.cost) + 1;
    expect(view).toMatchObject({
      state: "failed",
      failureReason: reason,
      outcome: null,
      result: null,
      partialResult: `step ${steps}`,
      steps,
      costMicros: BIDS_MICROS + steps * step.cost,
    });
    expect(view?.costMicros).toBeLessThanOrEqual(most());
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: view?.costMicros });
    expect(types(await eventsOf(room)).at(-1)).toBe("task-failed");
  });

  test("may have a limit that is lower than its tenant's budget, and leaves the rest to others", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 3 * most() }) });
    const one = await awardedTask(day, { limits: { maxCostUsd: usd(most()) } });
    const other = await awardedTask(day);
    await one.carryOut(endless(step));
    expect((await one.room.view())?.failureReason).toBe("cost_limit");
    await other.carryOut(new ScriptedModels({ steps: [SUBMIT] }));
    expect((await other.room.view())?.state).toBe("finished");
  });

  test("together with others never passes their tenant's budget", async () => {
    const total = 3 * planned + 60_000;
    const day = await openMarket({ budget: limited({ totalMicros: total }) });
    const tasks = [await awardedTask(day), await awardedTask(day), await awardedTask(day)];
    await Promise.all(tasks.map(async ({ carryOut }) => carryOut(endless(step))));
    for (const { room } of tasks) expect((await room.view())?.failureReason).toBe("budget");
    const { chargedMicros, balances } = await booksOf(day);
    expect(balances.held).toBe(0);
    expect(chargedMicros).toBeLessThanOrEqual(total);
    // Nobody stops while a step still fits: each of the three may leave less than one behind.
    expect(chargedMicros).toBeGreaterThan(total - 3 * step.bound - 3 * planned);
  });
});

describe("a bill above its bound", () => {
  test("is the tenant's up to the bound, and the house's beyond it", async () => {
    const day = await openMarket();
    const { taskId, room, carryOut } = await awardedTask(day);
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    await carryOut(priced(models, { step: { bound: 5_000, cost: 8_000 } }));
    const { chargedMicros, calls } = await accountOf(day, taskId);
    expect(chargedMicros).toBe(BIDS_MICROS + 2 * 5_000);
    expect((await room.view())?.costMicros).toBe(chargedMicros);
    const traced = calls.filter((call) => call.kind === "trace");
    expect(traced.map((call) => [call.chargedMicros, call.overrunMicros])).toEqual([
      [5_000, 3_000],
      [5_000, 3_000],
    ]);
    expect((await booksOf(day)).balances).toMatchObject({ overrun: -6_000, lost: 0 });
  });

  test("does not take from the tenant what its limit does not leave", async () => {
    const cap = planned + 20_000;
    const day = await openMarket();
    const { room, carryOut } = await awardedTask(day, { limits: { maxCostUsd: usd(cap) } });
    await carryOut(endless({ bound: 10_000, cost: 1_000_000 }));
    expect((await room.view())?.failureReason).toBe("cost_limit");
    expect((await booksOf(day)).chargedMicros).toBeLessThanOrEqual(cap);
  });
});

describe("calls of a trace's holder that was given up", () => {
  const steps = [USE_TOOL, SUBMIT];
  const step = { bound: 5_000, cost: 4_000 };

  /** Its first holder dies before its second step is answered. */
  async function dying() {
    const day = await openMarket();
    const task = await awardedTask(day);
    const dies = new ScriptedModels({ steps, diesAtCall: 2 });
    await expect(task.carryOut(priced(dies, { step }))).rejects.toThrow(WorkerDied);
    await evictRooms(day.market, task.room);
    clock.pass(60_001);
    await runDurableObjectAlarm(task.room);
    return { day, ...task };
  }

  test("are lost to the house at their bound, and the tenant pays for the work once", async () => {
    const { day, taskId, room, carryOut } = await dying();
    await carryOut(priced(new ScriptedModels({ steps }), { step }), 2);
    expect(await room.view()).toMatchObject({ state: "finished", costMicros: BIDS_MICROS + 8_000 });
    const { chargedMicros, calls } = await accountOf(day, taskId);
    expect(chargedMicros).toBe(BIDS_MICROS + 8_000);
    const lost = calls.filter((call) => call.payer === "lost");
    expect(lost).toMatchObject([
      { kind: "trace", status: "unconfirmed", lostMicros: 5_000, chargedMicros: 0 },
    ]);
    expect((await booksOf(day)).balances.lost).toBe(-5_000);
  });

  test("cost the house their bill where it comes after all, and the tenant nothing", async () => {
    const { day, taskId, room, carryOut } = await dying();
    expect((await room.takeTrace(1, 2)).ok).toBe(true);
    const [lost] = (await room.readTrace())?.calls.filter((call) => call.payer === "lost") ?? [];
    if (lost === undefined) throw new Error("no call was given up");
    const usage = {
      inputTokens: 1,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 1,
      reasoningTokens: 0,
    };
    const bill = { status: "billed", usage, costMicros: asMicros(1_500) } as const;
    await room.endTrace(1, { callId: lost.callId, bill, ms: 5 }, "agent_failed");
    expect((await room.view())?.state).toBe("running");
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    await carryOut(priced(new ScriptedModels({ steps }), { step }), 3);
    expect(await room.view()).toMatchObject({ state: "finished", costMicros: BIDS_MICROS + 8_000 });
    expect((await accountOf(day, taskId)).chargedMicros).toBe(BIDS_MICROS + 8_000);
    const { balances, transfers } = await booksOf(day);
    expect(balances.lost).toBe(-1_500);
    expect(
      transfers.filter((one) => one.callId === lost.callId).map((one) => [one.kind, one.micros]),
    ).toEqual([
      ["lost", 5_000],
      ["correct", 3_500],
    ]);
  });

  test("leave the task as much to spend as if they had not been made", async () => {
    const day = await openMarket();
    const cap = planned + 6_000;
    const { room, carryOut } = await awardedTask(day, { limits: { maxCostUsd: usd(cap) } });
    const bound = cap - BIDS_MICROS;
    const dies = new ScriptedModels({ steps: [SUBMIT], diesAtCall: 1 });
    const dear = { step: { bound, cost: bound } };
    await expect(carryOut(priced(dies, dear))).rejects.toThrow(WorkerDied);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    await carryOut(priced(new ScriptedModels({ steps: [SUBMIT] }), dear), 2);
    expect(await room.view()).toMatchObject({ state: "finished", costMicros: cap });
    expect((await booksOf(day)).balances).toMatchObject({ held: 0, lost: -bound });
  });
});
