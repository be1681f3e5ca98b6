/** Limits of running tasks: a burst waits in order, up to the bound, and everything that waits may leave. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { eventsOf, evictRooms, useStoppedClock, types } from "./market-day.ts";
import { openTurns, refusalOf, timersOf, type TurnsDay, type TurnsTask } from "./turns-day.ts";

const clock = useStoppedClock();

async function burst(day: TurnsDay, size: number, keyHash?: string): Promise<TurnsTask[]> {
  const tasks: TurnsTask[] = [];
  for (let n = 0; n < size; n += 1) tasks.push(await day.task(keyHash === undefined ? {} : { keyHash }));
  return tasks;
}

const at = (tasks: readonly TurnsTask[], index: number): TurnsTask => {
  const task = tasks[index];
  if (task === undefined) throw new Error("no such task");
  return task;
};

const heldMicros = async ({ market }: TurnsDay) => {
  const { spending } = (await market.readBooks({ kind: "budget" })) as { spending: { heldMicros: number } };
  return spending.heldMicros;
};

describe("concurrent tasks", () => {
  test("of a tenant: what is beyond the limit waits, and begins in the order of admission", async () => {
    const day = await openTurns({ concurrentTasks: 2 });
    const tasks = await burst(day, 5);
    expect(tasks.map(({ begins }) => begins)).toEqual([true, true, false, false, false]);
    expect(await day.states(tasks)).toEqual(["bidding", "bidding", "admitted", "admitted", "admitted"]);
    expect(await at(tasks, 4).room.view()).toMatchObject({ state: "admitted", waitsFor: "auction" });
    // The auction's end does not free the place: its trace runs.
    await day.award(at(tasks, 1));
    expect(await day.states(tasks)).toEqual(["bidding", "awarded", "admitted", "admitted", "admitted"]);
    await day.finish(at(tasks, 1));
    expect(await day.states(tasks)).toEqual(["bidding", "finished", "bidding", "admitted", "admitted"]);
    await day.award(at(tasks, 0));
    await day.finish(at(tasks, 0));
    expect(await day.states(tasks)).toEqual(["finished", "finished", "bidding", "bidding", "admitted"]);
    for (const index of [2, 3, 4]) {
      await day.award(at(tasks, index));
      await day.finish(at(tasks, index));
    }
    expect(new Set(await day.states(tasks))).toEqual(new Set(["finished"]));
    expect(await heldMicros(day)).toBe(0);
  });

  test("whose turn came are announced on the queue by the alarm, and taken up once", async () => {
    const day = await openTurns({ concurrentTasks: 1 });
    const tasks = await burst(day, 2);
    expect((await day.market.takeAuction(at(tasks, 1).taskId, 1)).ok).toBe(false);
    await day.market.cancel(at(tasks, 0).taskId);
    await at(tasks, 0).room.beginAuction(1, { opening: at(tasks, 0).opening, started: [] });
    await at(tasks, 0).room.endAuction(1, "stopped");
    expect(await timersOf(day, "auction-lease")).toBe(1);
    await day.ringMarket();
    expect((await day.market.takeAuction(at(tasks, 1).taskId, 1)).ok).toBe(true);
    expect((await day.market.takeAuction(at(tasks, 1).taskId, 1)).ok).toBe(false);
  });

  test("of a key: its tasks wait, and another key's pass them", async () => {
    const day = await openTurns({ concurrentTasks: 3 });
    const [narrow, wide] = [await day.key({ concurrentTasks: 1 }), await day.key({})];
    const first = await burst(day, 3, narrow);
    const second = await burst(day, 3, wide);
    expect(await day.states(first)).toEqual(["bidding", "admitted", "admitted"]);
    // The tenant's own limit is reached with the third.
    expect(await day.states(second)).toEqual(["bidding", "bidding", "admitted"]);
    await day.award(at(second, 0));
    await day.finish(at(second, 0));
    // The narrow key's next is older, and has to wait for its own limit all the same.
    expect(await day.states(first)).toEqual(["bidding", "admitted", "admitted"]);
    expect(await day.states(second)).toEqual(["finished", "bidding", "bidding"]);
    await day.award(at(first, 0));
    await day.finish(at(first, 0));
    expect(await day.states(first)).toEqual(["finished", "bidding", "admitted"]);
  });

  test("of a rotated key and its successor are counted together", async () => {
    const day = await openTurns();
    const old = await day.key({ concurrentTasks: 1 });
    const listed = await day.market.manageKeys({ kind: "list", by: null });
    const keyId = listed.ok ? listed.value.find(({ limits }) => limits !== null)?.keyId : undefined;
    if (keyId === undefined) throw new Error("no such key");
    const successor = { keyId: "key_successor" as typeof keyId, hash: "successor" };
    const order = { kind: "rotate", by: null, keyId, successor, overlapS: 600 } as const;
    expect((await day.market.manageKeys(order)).ok).toBe(true);
    const tasks = [await day.task({ keyHash: old }), await day.task({ keyHash: "successor" })];
    expect(await day.states(tasks)).toEqual(["bidding", "admitted"]);
  });

  test("that wait begin at once when the operator raises the limit, and none is stopped when it is lowered", async () => {
    const day = await openTurns({ concurrentTasks: 1 });
    const tasks = await burst(day, 4);
    await day.setLimits({ concurrentTasks: 3 });
    expect(await day.states(tasks)).toEqual(["bidding", "bidding", "bidding", "admitted"]);
    await day.setLimits({ concurrentTasks: 1 });
    expect(await day.states(tasks)).toEqual(["bidding", "bidding", "bidding", "admitted"]);
    for (const index of [0, 1]) {
      await day.award(at(tasks, index));
      await day.finish(at(tasks, index));
    }
    expect(await day.states(tasks)).toEqual(["finished", "finished", "bidding", "admitted"]);
  });

  test("wait in the same order after the room restarted", async () => {
    const day = await openTurns({ concurrentTasks: 1 });
    const narrow = await day.key({ concurrentTasks: 1 });
    const tasks = [
      ...(await burst(day, 1, narrow)),
      ...(await burst(day, 2, narrow)),
      ...(await burst(day, 2)),
    ];
    await evictRooms(day.market);
    await day.setLimits({ concurrentTasks: 2 });
    expect(await day.states(tasks)).toEqual(["bidding", "admitted", "admitted", "bidding", "admitted"]);
    await evictRooms(day.market);
    await day.award(at(tasks, 0));
    await day.finish(at(tasks, 0));
    expect(await day.states(tasks)).toEqual(["finished", "bidding", "admitted", "bidding", "admitted"]);
  });

  test("under strict ordering still hold one auction at a time", async () => {
    const day = await openTurns({ concurrentTasks: 2 }, { ordering: "strict" });
    const tasks = await burst(day, 3);
    expect(await day.states(tasks)).toEqual(["bidding", "admitted", "admitted"]);
    await day.award(at(tasks, 0));
    expect(await day.states(tasks)).toEqual(["awarded", "bidding", "admitted"]);
    // The auction's end is the next one's turn, and two are under way.
    await day.award(at(tasks, 1));
    expect(await day.states(tasks)).toEqual(["awarded", "awarded", "admitted"]);
  });
});

describe("the queue", () => {
  test("takes as many as may wait, and then says when to come again; nothing is admitted or held", async () => {
    const day = await openTurns({ concurrentTasks: 1, maxQueued: 2 });
    const tasks = await burst(day, 3);
    const before = await heldMicros(day);
    expect(refusalOf(await day.ask())).toEqual({ reason: "queue_full", queued: 2, retryAfterMs: 5_000 });
    expect(await heldMicros(day)).toBe(before);
    expect(await day.market.heldTasks()).toHaveLength(3);
    await day.award(at(tasks, 0));
    await day.finish(at(tasks, 0));
    const last = await day.task();
    expect(last.begins).toBe(false);
    // No number was taken by the one that was refused.
    expect(last.opening.sequence).toBe(4);
  });

  test("of none refuses whatever would wait", async () => {
    const day = await openTurns({ concurrentTasks: 1, maxQueued: 0 });
    await day.task();
    expect(refusalOf(await day.ask()).reason).toBe("queue_full");
  });

  test("holds the budget of what waits, and lets go of it with the task that is cancelled", async () => {
    const day = await openTurns({ concurrentTasks: 1, maxQueued: 1 });
    const [first, waiting] = await burst(day, 2);
    if (first === undefined || waiting === undefined) throw new Error("no tasks");
    const each = (await heldMicros(day)) / 2;
    await day.market.cancel(waiting.taskId);
    expect(await day.states([waiting])).toEqual(["cancelled"]);
    expect(await heldMicros(day)).toBe(each);
    // Its place in the queue is another's at once, and nobody's turn came.
    expect((await day.task()).begins).toBe(false);
    expect(await day.states([first])).toEqual(["bidding"]);
  });

  test("is left at the deadline, and what comes after moves up", async () => {
    const day = await openTurns({ concurrentTasks: 1, maxQueued: 2 });
    const first = await day.task();
    const hasty = await day.task({ input: { limits: { deadlineS: 5 } } });
    const patient = await day.task();
    const each = (await heldMicros(day)) / 3;
    clock.pass(5_001);
    await runDurableObjectAlarm(hasty.room);
    expect(await hasty.room.view()).toMatchObject({
      state: "failed",
      failureReason: "deadline",
      waitsFor: null,
    });
    expect(types(await eventsOf(hasty.room))).toEqual(["task-admitted", "task-failed"]);
    expect(await heldMicros(day)).toBeCloseTo(2 * each, 0);
    await day.award(first);
    await day.finish(first);
    expect(await day.states([hasty, patient])).toEqual(["failed", "bidding"]);
  });

  test("has the replay of an admitted task answered, and no place taken by it", async () => {
    const day = await openTurns({ concurrentTasks: 1, maxQueued: 0 });
    const first = await day.task();
    const request = {
      keyHash: "ab".repeat(32),
      taskId: first.taskId,
      auctionId: first.opening.auctionId,
      seed: 7,
      spec: first.opening.spec,
      idempotency: { key: "once", bodyHash: "b" },
      asksAtOnce: true,
    };
    await day.setLimits({ concurrentTasks: 2, maxQueued: 0 });
    const other = { ...request, taskId: `${first.taskId.slice(0, -1)}0` as typeof first.taskId };
    expect(await day.market.admit(other)).toMatchObject({ ok: true, value: { replayed: false } });
    expect(await day.market.admit({ ...other, taskId: first.taskId })).toMatchObject({
      ok: true,
      value: { replayed: true, taskId: other.taskId },
    });
    expect(await day.market.readLimits(null)).toMatchObject({ tenant: { running: 2, waiting: 0 } });
  });
});
