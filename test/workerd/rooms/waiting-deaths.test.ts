/** Whatever dies while a task waits for its tenant's verdict: it is settled once, with the outcome that was told. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { MarketRoom } from "../../../src/index.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aUsage } from "../../support/builders.ts";
import { attempt, ringAll, sold } from "./escalation-day.ts";
import { config, DEAR, evictRooms, openMarket, useStoppedClock } from "./market-day.ts";
import { booksOf } from "./money-day.ts";
import {
  anOutcome,
  checkedTask,
  DAY_MS,
  marketStateOf,
  ScriptedChecker,
  timersOf,
  USER,
  waiting,
} from "./waiting-day.ts";

const clock = useStoppedClock();

describe("a wait survives", () => {
  test("a holder that dies with the result in its hands: the next one hands the task over to its tenant", async () => {
    const day = await openMarket();
    const { room, taskId } = await sold(day, { verifier: USER });
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    const [usage, costMicros] = [aUsage(), asMicros(1_000)];
    await room.startTraceCall(1, { callId, kind: "trace", agentId: DEAR, boundMicros: costMicros });
    const step = { step: 1, text: "41", toolCalls: [], assistant: null, usage, costMicros };
    await room.commitAnswer(1, { callId, bill: { status: "billed", usage, costMicros }, ms: 1 }, step, "41");
    expect(await room.view()).toMatchObject({ state: "verifying", waitsFor: null });
    clock.pass(config.leaseMs);
    await runDurableObjectAlarm(room);
    const asked = await attempt(day, { taskId }, { attempt: 1, result: "none", generation: 2 });
    expect(asked).toEqual([]);
    expect(await room.view()).toMatchObject({ state: "waiting", result: "41" });
  });

  test("the death of both rooms at any moment of it, and alarms that were given up", async () => {
    const day = await openMarket();
    const { room } = await waiting(day);
    await evictRooms(room, day.market);
    await runInDurableObject(room, async (_room, { storage }) => storage.deleteAlarm());
    await day.market.sweep();
    clock.pass(DAY_MS);
    await runDurableObjectAlarm(room);
    await evictRooms(room, day.market);
    expect((await room.view())?.outcome).toBe("unknown");
  });

  test("a version that knew of no waits, and let its timer go", async () => {
    const day = await openMarket();
    const { room } = await waiting(day);
    await runInDurableObject(room, async (_room, { storage }) => {
      storage.sql.exec("DELETE FROM timers");
      await storage.deleteAlarm();
    });
    await evictRooms(room);
    await day.market.sweep();
    clock.pass(DAY_MS);
    await runDurableObjectAlarm(room);
    expect((await room.view())?.outcome).toBe("unknown");
  });

  test.each(["before", "after"] as const)(
    "a market room that is lost %s it heard of it, and hears of the verdict with it",
    async (when) => {
      const day = await openMarket();
      // oxlint-disable-next-line typescript/unbound-method
      const waits = MarketRoom.prototype.waits;
      let isDown = true;
      const lost = vi.spyOn(MarketRoom.prototype, "waits").mockImplementation(async function (
        this: MarketRoom,
        ...heard
      ) {
        if (when === "after" || !isDown) await waits.apply(this, heard);
        if (isDown) throw new Error("the room restarts");
      });
      const task = await waiting(day);
      expect(lost).toHaveBeenCalled();
      expect(await marketStateOf(day, task)).toBe(when === "after" ? "waiting" : "awarded");
      isDown = false;
      await evictRooms(day.market);
      await task.room.tellOutcome(anOutcome({ outcome: "fail" }));
      clock.pass(61_000);
      await ringAll(day, task.room);
      expect(await marketStateOf(day, task)).toBe("finished");
      expect((await booksOf(day)).balances.held).toBe(0);
    },
  );

  test("being told of twice, and once more when it is over", async () => {
    const day = await openMarket();
    const task = await waiting(day);
    await day.market.waits(task.taskId, 1);
    await task.room.tellOutcome(anOutcome());
    await day.market.waits(task.taskId, 1);
    expect(await marketStateOf(day, task)).toBe("finished");
  });
});

test("a checker whose askers die one after the other is found by whoever looks for what is stuck", async () => {
  const day = await openMarket();
  const busy = new ScriptedChecker({ kind: "failed", reason: "it answered 503" });
  const { room, taskId } = await checkedTask(day, busy);
  expect(await marketStateOf(day, { room, taskId })).toBe("waiting");
  for (let generation = 2; generation <= 4; generation += 1) {
    clock.pass(config.leaseMs + 60_000);
    await runDurableObjectAlarm(room);
    expect((await room.takeTrace(1, generation)).ok, JSON.stringify(await timersOf(room))).toBe(true);
  }
  const { running } = await day.market.findStuck();
  expect(running).toEqual([taskId]);
  expect((await room.traceHealth())?.lapses).toBe(2);
});
