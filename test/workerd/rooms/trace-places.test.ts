/** Traces in flight: never more than the tenant may have; what is awarded beyond that waits with its award decided. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { TaskRoom } from "../../../src/index.ts";
import { openCalibrationDay, runTask } from "./calibration-day.ts";
import { CHEAP, eventsOf, evictRooms, MIDDLE, useStoppedClock, taskRoom, types } from "./market-day.ts";
import { DEFAULT_TENANT_LIMITS } from "../../../src/market/rate-limit.ts";
import { openTurns, refusalOf, type TurnsDay, type TurnsTask } from "./turns-day.ts";

const clock = useStoppedClock();

/** Awarded one after the other, a second apart. */
async function awarded(day: TurnsDay, size: number): Promise<TurnsTask[]> {
  const tasks: TurnsTask[] = [];
  for (let n = 0; n < size; n += 1) tasks.push(await day.task());
  for (const task of tasks) {
    await day.award(task);
    clock.pass(1_000);
  }
  return tasks;
}

const waitsFor = async (tasks: readonly TurnsTask[]) =>
  Promise.all(tasks.map(async ({ room }) => (await room.view())?.waitsFor ?? null));
const tracesOf = async ({ market }: TurnsDay) => {
  const view = await market.readLimits(null);
  return [view?.tenant.traces, view?.tenant.tracesWaiting];
};
/** Rooms are told beside the answer that let them begin. */
const eventually = async (tasks: readonly TurnsTask[], expected: readonly (string | null)[]) =>
  vi.waitFor(async () => expect(await waitsFor(tasks)).toEqual(expected));

describe("an award beyond the cap", () => {
  test("waits as awarded, is not to be taken up, and says that it waits", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 2);
    const [first, second] = tasks;
    expect(await waitsFor(tasks)).toEqual([null, "trace"]);
    expect(await second?.room.view()).toMatchObject({ state: "awarded", agentId: CHEAP, attempts: 1 });
    expect(await second?.room.takeTrace(1, 1)).toEqual({ ok: false, failure: { reason: "stale" } });
    expect(await tracesOf(day)).toEqual([1, 1]);
    if (first === undefined || second === undefined) throw new Error("no tasks");
    await day.finish(first);
    await eventually(tasks, [null, null]);
    await day.finish(second);
    expect(await second.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect(types(await eventsOf(second.room)).slice(-7)).toEqual([
      "auction-cleared",
      "task-awarded",
      "trace-queued",
      "trace-placed",
      "trace-taken-up",
      "verification-ended",
      "task-finished",
    ]);
    expect(types(await eventsOf(first.room))).not.toContain("trace-queued");
    expect(await tracesOf(day)).toEqual([0, 0]);
  });

  test("is in the queue from its admission on: no more wait than may, however many auctions begin together", async () => {
    const day = await openTurns({ maxTraces: 1, maxQueued: 1 });
    const [first, second] = [await day.task(), await day.task()];
    expect(refusalOf(await day.ask())).toEqual({ reason: "queue_full", queued: 1, retryAfterMs: 5_000 });
    for (const task of [first, second]) await day.award(task);
    expect(await tracesOf(day)).toEqual([1, 1]);
    expect(refusalOf(await day.ask())).toMatchObject({ reason: "queue_full", queued: 1 });
    await day.finish(first);
    await eventually([second], [null]);
    expect((await day.task()).begins).toBe(true);
    expect(refusalOf(await day.ask()).reason).toBe("queue_full");
  });

  test("begins when a place is free: the oldest award first, not the first admitted", async () => {
    const day = await openTurns({ maxTraces: 2 });
    const tasks = [await day.task(), await day.task(), await day.task(), await day.task()];
    for (const at of [3, 2, 1, 0]) {
      const task = tasks[at];
      if (task !== undefined) await day.award(task);
      clock.pass(1_000);
    }
    expect(await waitsFor(tasks)).toEqual(["trace", "trace", null, null]);
    const [, , third, fourth] = tasks;
    if (third === undefined || fourth === undefined) throw new Error("no tasks");
    // As the table has it: nothing of the order is only remembered.
    await evictRooms(day.market);
    await day.finish(third);
    await eventually(tasks, ["trace", null, null, null]);
    await day.finish(fourth);
    await eventually(tasks, [null, null, null, null]);
    expect(await tracesOf(day)).toEqual([2, 0]);
  });

  test("leaves at once when it is cancelled, and takes no place with it", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 3);
    const [first, second, third] = tasks;
    if (first === undefined || second === undefined || third === undefined) throw new Error("no tasks");
    await day.market.cancel(second.taskId);
    expect(await second.room.view()).toMatchObject({ state: "cancelled", waitsFor: null });
    expect(await tracesOf(day)).toEqual([1, 1]);
    expect(await third.room.takeTrace(1, 1)).toMatchObject({ ok: false });
    await day.finish(first);
    await eventually([third], [null]);
    await day.finish(third);
    expect(await day.states(tasks)).toEqual(["finished", "cancelled", "finished"]);
  });

  test("that is asked to stop is given no place, though its room has not heard of it yet", async () => {
    vi.spyOn(TaskRoom.prototype, "stop").mockRejectedValueOnce(new Error("the room restarts"));
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 3);
    const [first, second, third] = tasks;
    if (first === undefined || second === undefined || third === undefined) throw new Error("no tasks");
    await day.market.cancel(second.taskId);
    await day.finish(first);
    await eventually(tasks, [null, "trace", null]);
    expect(await tracesOf(day)).toEqual([1, 0]);
    clock.pass(3_000);
    await day.ringMarket();
    expect(await second.room.view()).toMatchObject({ state: "cancelled" });
  });

  test("ends at its deadline", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const [first, hasty] = [await day.task(), await day.task({ input: { limits: { deadlineS: 60 } } })];
    await day.award(first);
    await day.award(hasty);
    clock.pass(60_001);
    await runDurableObjectAlarm(hasty.room);
    expect(await hasty.room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
    expect(await tracesOf(day)).toEqual([1, 0]);
    const { spending } = (await day.market.readBooks({ kind: "budget" })) as {
      spending: { heldMicros: number };
    };
    await day.finish(first);
    expect(spending.heldMicros).toBeGreaterThan(0);
    expect(await day.market.readBooks({ kind: "budget" })).toMatchObject({ spending: { heldMicros: 0 } });
  });

  test("is let go on when the operator raises the cap", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 4);
    await day.setLimits({ maxTraces: 3 });
    await eventually(tasks, [null, null, null, "trace"]);
    await day.setLimits({ maxTraces: 1 });
    const [first, second] = tasks;
    if (first === undefined || second === undefined) throw new Error("no tasks");
    await day.finish(first);
    await day.finish(second);
    expect(await tracesOf(day)).toEqual([1, 1]);
    expect(await waitsFor(tasks)).toEqual([null, null, null, "trace"]);
  });

  test("fills the queue like what waits for its auction", async () => {
    const day = await openTurns({ maxTraces: 1, maxQueued: 1 });
    const [first] = await awarded(day, 2);
    expect(await day.ask()).toMatchObject({ ok: false, failure: { reason: "queue_full", queued: 1 } });
    if (first !== undefined) await day.finish(first);
    expect((await day.task()).begins).toBe(true);
  });
});

describe("a place that is given", () => {
  test("reaches the task's room though the room that gives it, or the one that gets it, dies", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 2);
    const [first, second] = tasks;
    if (first === undefined || second === undefined) throw new Error("no tasks");
    // oxlint-disable-next-line typescript/unbound-method
    const original = TaskRoom.prototype.beginTrace;
    let told = 0;
    vi.spyOn(TaskRoom.prototype, "beginTrace").mockImplementation(async function (this: TaskRoom, attempt) {
      told += 1;
      if (told < 3) throw new Error("the room restarts");
      // Told twice: the answer to the first was lost.
      await original.call(this, attempt);
      return original.call(this, attempt);
    });
    await day.finish(first);
    await vi.waitFor(() => expect(told).toBe(1));
    await evictRooms(day.market, second.room);
    expect(await tracesOf(day)).toEqual([1, 0]);
    expect(await waitsFor(tasks)).toEqual([null, "trace"]);
    for (let ring = 0; ring < 3; ring += 1) {
      clock.pass(61_000);
      await day.ringMarket();
    }
    expect(told).toBe(3);
    await day.finish(second);
    expect(await second.room.view()).toMatchObject({ state: "finished", queueMessages: 1 });
  });

  test("is given once: told again, it takes the trace from nobody, and a task without an award has none", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 2);
    const [first, second] = tasks;
    if (first === undefined || second === undefined) throw new Error("no tasks");
    await day.finish(first);
    await eventually(tasks, [null, null]);
    expect((await second.room.takeTrace(1, 1)).ok).toBe(true);
    await second.room.beginTrace(1);
    expect(await second.room.takeTrace(1, 1)).toEqual({ ok: false, failure: { reason: "busy" } });
    expect(await second.room.renewTrace(1)).toBe("continue");
    const fresh = await day.task();
    await fresh.room.open(fresh.opening);
    await fresh.room.beginTrace(1);
    expect(await fresh.room.view()).toMatchObject({ state: "admitted", waitsFor: "auction" });
  });

  test("is announced again by the room's timer where nobody takes it up", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 2);
    const [first, second] = tasks;
    if (first === undefined || second === undefined) throw new Error("no tasks");
    await day.finish(first);
    await eventually(tasks, [null, null]);
    const timers = await runInDurableObject(second.room as DurableObjectStub, async (_room, { storage }) =>
      storage.sql.exec("SELECT kind FROM timers ORDER BY kind").toArray(),
    );
    expect(timers).toEqual([{ kind: "deadline" }, { kind: "trace-lease" }]);
  });
});

describe("traces that count", () => {
  test("are as many as the deployment allows, where the operator says nothing", async () => {
    const day = await openTurns();
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { tracePlaces: 32, traces: 0 } });
  });

  test("are calibration runs, too", async () => {
    const day = await openCalibrationDay();
    await day.pastTask();
    await day.carryHistory();
    await day.market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1 });
    const { quote } = await day.quote(1);
    await day.accept(quote.calibrationId);
    await day.ringMarket();
    const runs = await day.read(quote.calibrationId);
    const [one, other] = [runTask(runs, CHEAP), runTask(runs, MIDDLE)];
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { traces: 1, tracesWaiting: 1 } });
    expect(await taskRoom(day.tenantId, other).view()).toMatchObject({ state: "awarded", waitsFor: "trace" });
    expect((await day.carryOut(other, { text: "42" })).asked).toEqual([]);
    await day.carryOut(one, { text: "42" });
    await vi.waitFor(async () => {
      expect(await taskRoom(day.tenantId, other).view()).toMatchObject({ waitsFor: null });
    });
    await day.carryOut(other, { text: "42" });
    expect(await taskRoom(day.tenantId, other).view()).toMatchObject({ state: "finished" });
  });

  test("are those of tasks from before there was a cap: they go on, and what comes after waits for them", async () => {
    const day = await openTurns({ maxTraces: 2 });
    const tasks = await awarded(day, 2);
    await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
      storage.sql.exec("UPDATE tasks SET body = json_remove(body, '$.heldBackSinceMs')");
      storage.sql.exec("UPDATE tenant SET body = json_remove(body, '$.limits')");
    });
    await evictRooms(day.market);
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { limits: DEFAULT_TENANT_LIMITS } });
    await day.setLimits({ maxTraces: 1 });
    const later = await day.task();
    await day.award(later);
    const [first, second] = tasks;
    if (first === undefined || second === undefined) throw new Error("no tasks");
    await day.finish(first);
    expect(await waitsFor([later])).toEqual(["trace"]);
    await day.finish(second);
    await eventually([later], [null]);
  });

  test("that a raised default of the deployment allows are let begin by the sweep", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const tasks = await awarded(day, 2);
    // As if the tenant had had the deployment's number all along.
    await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
      storage.sql.exec("UPDATE tenant SET body = json_set(body, '$.limits.maxTraces', NULL)");
    });
    await evictRooms(day.market);
    await day.market.sweep();
    await eventually(tasks, [null, null]);
  });
});
