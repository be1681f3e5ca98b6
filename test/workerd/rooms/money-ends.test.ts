/** What is held comes back at every kind of end, and by nothing else: neither midnight nor a lower budget frees it. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { TaskInput } from "../../../src/market/task.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { openCalibrationDay, runTask, standing } from "./calibration-day.ts";
import {
  CHEAP,
  DEAR,
  MIDDLE,
  openMarket,
  POOL,
  useStoppedClock,
  taskRoom,
  type MarketDay,
} from "./market-day.ts";
import {
  accountOf,
  ask,
  awardedTask,
  BIDS_MICROS,
  booksOf,
  ENDLESS,
  hold,
  limited,
  plannedMicros,
  priced,
  refusalOf,
  SUBMIT,
  USE_TOOL,
} from "./money-day.ts";

let planned = 0;
const clock = useStoppedClock();
beforeEach(async () => {
  planned = await plannedMicros();
});

type Task = Awaited<ReturnType<typeof awardedTask>>;
const withSteps =
  (...steps: ConstructorParameters<typeof ScriptedModels>[0]["steps"] & object) =>
  async ({ carryOut }: Task) =>
    carryOut(new ScriptedModels({ steps }));

describe("what a task did not spend is free again when it", () => {
  test.each<[string, Partial<TaskInput>, (task: Task, day: MarketDay) => Promise<unknown>, object, number]>([
    ["finishes", {}, withSteps(SUBMIT), { state: "finished" }, 45],
    [
      "uses up its steps",
      { limits: { maxSteps: 1 } },
      withSteps(USE_TOOL),
      { failureReason: "step_limit" },
      45,
    ],
    // Bounds stay counted, of the call and of the one that was made in its place: nobody knows what the provider did.
    [
      "is left by its provider",
      {},
      withSteps({ fails: "timeout" }),
      { failureReason: "agent_failed" },
      10_000,
    ],
    [
      "is refused by its provider",
      {},
      withSteps({ fails: "unreachable" }),
      { failureReason: "agent_failed" },
      0,
    ],
    ["is cancelled", {}, async ({ taskId }, { market }) => market.cancel(taskId), { state: "cancelled" }, 0],
    [
      "runs out of time",
      { limits: { deadlineS: 10 } },
      async ({ room }) => {
        clock.pass(10_001);
        await runDurableObjectAlarm(room);
      },
      { failureReason: "deadline" },
      0,
    ],
  ])("%s", async (_, input, end, seen, traced) => {
    const day = await openMarket();
    const task = await awardedTask(day, input);
    expect((await booksOf(day)).balances.held).toBeGreaterThan(0);
    await end(task, day);
    expect(await task.room.view()).toMatchObject(seen);
    expect(await accountOf(day, task.taskId)).toMatchObject({
      heldMicros: 0,
      chargedMicros: BIDS_MICROS + traced,
    });
    const { balances, transfers } = await booksOf(day);
    expect(balances).toMatchObject({ free: -(BIDS_MICROS + traced), held: 0 });
    expect(transfers.filter((one) => one.kind === "release")).toHaveLength(1);
    expect(transfers.at(-1)).toMatchObject({ kind: "release", from: "held", to: "free" });
  });

  test("gets no bids", async () => {
    const day = await openMarket();
    const task = await day.admit();
    await hold(
      new ScriptedModels({ bids: { [CHEAP]: "empty", [MIDDLE]: "empty", [DEAR]: "unreachable" } }),
      task,
    );
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "no_bids" });
    // Two empty answers were billed; the third provider refused.
    expect(await accountOf(day, task.taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 495 });
  });

  test("is cancelled before its auction began", async () => {
    const day = await openMarket();
    const { taskId, room } = await day.admit();
    await day.market.cancel(taskId);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    expect((await room.view())?.state).toBe("cancelled");
    const { heldMicros, calls } = await accountOf(day, taskId);
    expect(heldMicros).toBe(0);
    // Its holder was given the calls for first bids, and never told what became of them.
    expect(calls.map((call) => [call.kind, call.status])).toEqual(POOL.map(() => ["bid", "unconfirmed"]));
  });

  test("waits for a turn that never comes", async () => {
    const day = await openMarket({ ordering: "strict" });
    await day.admit();
    const { taskId } = await day.admit();
    expect((await booksOf(day)).balances.held).toBe(2 * planned);
    await day.market.cancel(taskId);
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 0, calls: [] });
    expect((await booksOf(day)).balances.held).toBe(planned);
  });

  test("reports its end twice", async () => {
    const day = await openMarket();
    const task = await awardedTask(day);
    await withSteps(SUBMIT)(task);
    const before = await booksOf(day);
    const report = {
      taskId: task.taskId,
      attempt: 1,
      end: { state: "finished", outcome: "pass" },
      verdict: null,
      trace: null,
    } as const;
    await day.market.ended(report);
    expect(await booksOf(day)).toEqual(before);
  });
});

describe("a budget by the day", () => {
  const NEXT_DAY_MS = 24 * 60 * 60 * 1_000;

  test("is free again after midnight UTC, and not a second before", async () => {
    // 2033-05-18T03:33:20Z.
    const midnight = Date.UTC(2033, 4, 19);
    const day = await openMarket({ budget: limited({ dayMicros: planned + BIDS_MICROS }) });
    await withSteps(SUBMIT)(await awardedTask(day));
    expect(refusalOf(await ask(day))).toMatchObject({ limit: "day", leftMicros: planned - 45 });
    clock.pass(midnight - 1 - Date.now());
    refusalOf(await ask(day));
    clock.pass(1);
    expect((await ask(day)).answer.ok).toBe(true);
  });

  test("counts what is held from the day before until it is spent or released", async () => {
    const day = await openMarket({ budget: limited({ dayMicros: 2 * planned - 1 }) });
    const open = await ask(day);
    expect(refusalOf(await ask(day))).toMatchObject({ leftMicros: planned - 1 });
    clock.pass(NEXT_DAY_MS);
    expect(refusalOf(await ask(day))).toMatchObject({ limit: "day", leftMicros: planned - 1 });
    await day.market.cancel(open.taskId);
    await day.ringMarket();
    const room = taskRoom(day.tenantId, open.taskId);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    // Its calls for first bids count on the new day, at their bounds; the rest is free again.
    const { chargedMicros } = await accountOf(day, open.taskId);
    expect(chargedMicros).toBeGreaterThan(0);
    expect((await ask(day)).answer.ok).toBe(true);
    expect(refusalOf(await ask(day))).toMatchObject({ leftMicros: planned - 1 - chargedMicros });
  });

  test("counts calls on the day on which they ended", async () => {
    const day = await openMarket();
    const task = await awardedTask(day);
    clock.pass(NEXT_DAY_MS);
    await withSteps(SUBMIT)(task);
    const { calls } = await accountOf(day, task.taskId);
    expect(Object.fromEntries(calls.map((call) => [call.kind, call.day]))).toEqual({
      bid: "2033-05-18",
      trace: "2033-05-19",
    });
  });

  test("by the month is not free again before the month is over", async () => {
    const day = await openMarket({ budget: limited({ monthMicros: planned + BIDS_MICROS }) });
    await withSteps(SUBMIT)(await awardedTask(day));
    clock.pass(Date.UTC(2033, 4, 31, 23, 59, 59, 999) - Date.now());
    expect(refusalOf(await ask(day))).toMatchObject({ limit: "month" });
    clock.pass(1);
    expect((await ask(day)).answer.ok).toBe(true);
  });
});

describe("a budget that is lowered while a task runs", () => {
  test("stops it when what is held for it is used up", async () => {
    const day = await openMarket();
    const step = { bound: 100_000, cost: 100_000 };
    const task = await awardedTask(day);
    const held = planned + 7_000;
    expect((await accountOf(day, task.taskId)).holds).toEqual([planned, 7_000]);
    await day.market.setBudget(limited({ totalMicros: 1 }));
    const models = new ScriptedModels({ steps: ENDLESS });
    await task.carryOut(priced(models, { step }));
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "budget" });
    const { chargedMicros, holds } = await accountOf(day, task.taskId);
    expect(models.asked).toHaveLength(Math.floor((held - BIDS_MICROS) / step.cost));
    expect(chargedMicros).toBeLessThanOrEqual(held);
    expect(holds.reduce((sum, micros) => sum + micros, 0)).toBe(held);
  });

  test("and raised again in time lets it go on", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 1_000_000 }) });
    const task = await awardedTask(day);
    await day.market.setBudget(limited({ totalMicros: 1 }));
    await day.market.setBudget(limited({ totalMicros: 1_000_000 }));
    const models = new ScriptedModels({ steps: [USE_TOOL, USE_TOOL, USE_TOOL, SUBMIT] });
    await task.carryOut(priced(models, { step: { bound: 100_000, cost: 100_000 } }));
    expect((await task.room.view())?.state).toBe("finished");
  });
});

describe("a calibration's run", () => {
  /** One past task, and the runs that it takes begun. */
  async function begun() {
    const day = await openCalibrationDay();
    await day.pastTask();
    await day.carryHistory();
    const id = (await day.quote(1)).quote.calibrationId;
    await day.accept(id);
    return { day, id };
  }

  test("is held like an award, and charged to the tenant, and to no key", async () => {
    const { day, id } = await begun();
    await day.ringMarket();
    const taskId = runTask(await day.read(id), CHEAP);
    expect(await accountOf(day, taskId)).toMatchObject({ holds: [7_000], heldMicros: 7_000 });
    await day.carryOut(taskId, { text: "41" });
    const { calls, heldMicros, chargedMicros } = await accountOf(day, taskId);
    expect([heldMicros, chargedMicros]).toEqual([0, 45]);
    expect(calls).toMatchObject([{ kind: "trace", agentId: CHEAP, keyId: null, chargedMicros: 45 }]);
  });

  test("that no budget takes ends without a call, and may be run again", async () => {
    const { day, id } = await begun();
    const { chargedMicros } = await booksOf(day);
    await day.market.setBudget(limited({ totalMicros: chargedMicros }));
    await day.ringMarket();
    const view = await day.read(id);
    expect(standing(view)).toEqual([`${CHEAP} running`, `${MIDDLE} running`]);
    const taskId = runTask(view, CHEAP);
    expect((await day.carryOut(taskId, { text: "41" })).asked).toEqual([]);
    const room = taskRoom(day.tenantId, taskId);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "budget", costMicros: 0 });
    expect((await booksOf(day)).chargedMicros).toBe(chargedMicros);
    await day.carryOut(runTask(view, MIDDLE), { text: "41" });
    await day.carryHistory();
    await day.market.setBudget(limited({}));
    expect(standing(await day.quote(1))).toEqual([`${CHEAP} quoted`, `${MIDDLE} quoted`]);
  });
});
