/** Whatever dies between the fail of one attempt and the award of the next, and whichever comes first: it happens once. */
import { describe, expect, test, vi } from "vitest";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { runDurableObjectAlarm } from "cloudflare:test";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { EndReport } from "../../../src/market/report.ts";
import { aUsage } from "../../support/builders.ts";
import { CHEAP, config, DEAR, evictRooms, MIDDLE, openMarket, useStoppedClock, types } from "./market-day.ts";
import { attempt, awardedTo, journalOf, lose, ringAll, sold, type Loss } from "./escalation-day.ts";
import { accountOf, booksOf } from "./money-day.ts";

const clock = useStoppedClock();

describe("a fail and the next award survive", () => {
  test.each<["ended" | "award", Loss, "market" | "task" | "both" | "neither"]>(
    (["ended", "award"] as const).flatMap((call) =>
      (["before", "after"] as const).flatMap((when) =>
        (["market", "task", "both", "neither"] as const).map(
          (dies): ["ended" | "award", Loss, typeof dies] => [call, when, dies],
        ),
      ),
    ),
  )("%s lost %s it was heard, and the death of: %s", async (call, when, dies) => {
    const day = await openMarket();
    const task = await sold(day);
    const { room, taskId } = task;
    const lost = lose(call, when);
    await attempt(day, task, { attempt: 1, result: "41" });
    await vi.waitFor(() => expect(lost()).toBeGreaterThan(0));
    // Only what runs can be evicted.
    await Promise.all([day.market.readPolicy(), room.view()]);
    if (dies === "market" || dies === "both") await evictRooms(day.market);
    if (dies === "task" || dies === "both") await evictRooms(room);
    for (let round = 0; round < 4; round += 1) {
      clock.pass(61_000);
      await ringAll(day, room);
    }
    await awardedTo(room, 2);
    // A report whose answer was lost need not be told again: the award may come first.
    expect(lost()).toBeGreaterThanOrEqual(call === "ended" && when === "after" ? 1 : 2);
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: MIDDLE });
    await attempt(day, task, { attempt: 2, result: "42" });
    await ringAll(day, room);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 2 });
    const events = types(await journalOf(room));
    const count = (type: string) => events.filter((one) => one === type).length;
    expect([count("task-escalated"), count("task-awarded"), count("task-finished")]).toEqual([1, 2, 1]);
    expect((await accountOf(day, taskId)).heldMicros).toBe(0);
    const rows = (await day.market.historyBatch(100)).map(({ row }) => row.table);
    expect(rows.filter((table) => table === "outcomes")).toHaveLength(2);
  });
});

describe("the award of the next attempt", () => {
  test("that comes before the answer to the report is the answer: the attempt may even be over by then", async () => {
    const day = await openMarket();
    const task = await sold(day);
    // oxlint-disable-next-line typescript/unbound-method
    const ended = MarketRoom.prototype.ended;
    const reports: EndReport[] = [];
    const gate = { open: false };
    vi.spyOn(MarketRoom.prototype, "ended").mockImplementation(async function (this: MarketRoom, report) {
      reports.push(report);
      const end = await ended.call(this, report);
      if (report.attempt === 1) await vi.waitFor(() => expect(gate.open).toBe(true), { timeout: 10_000 });
      return end;
    });
    const first = attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    // Its own report waits behind the first one's.
    const second = attempt(day, task, { attempt: 2, result: "42" });
    await vi.waitFor(async () =>
      expect(await task.room.view()).toMatchObject({ result: "42", verdict: { outcome: "pass" } }),
    );
    expect(await task.room.view()).toMatchObject({ outcome: null });
    gate.open = true;
    await Promise.all([first, second]);
    await ringAll(day, task.room);
    expect(reports.map((report) => report.attempt)).toEqual([1, 2]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", result: "42" });
    expect(types(await journalOf(task.room)).filter((type) => type === "task-finished")).toHaveLength(1);
  });

  test("that comes long after the answer finds the task as it was, and nothing runs until then", async () => {
    const day = await openMarket();
    const task = await sold(day);
    lose("award", "before", 3);
    await attempt(day, task, { attempt: 1, result: "41" });
    expect(await task.room.view()).toMatchObject({ state: "verifying", attempts: 1, outcome: null });
    expect(await attempt(day, task, { attempt: 2, result: "42" })).toEqual([]);
    for (let round = 0; round < 5; round += 1) {
      clock.pass(61_000);
      await ringAll(day, task.room);
    }
    await awardedTo(task.room, 2);
  });

  test("that finds the deadline passed ends the task by it, once", async () => {
    const day = await openMarket();
    const task = await sold(day, { limits: { deadlineS: 90 } });
    lose("award", "before", 2);
    await attempt(day, task, { attempt: 1, result: "41" });
    for (let round = 0; round < 4; round += 1) {
      clock.pass(61_000);
      await ringAll(day, task.room);
    }
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "deadline", attempts: 2 });
    expect(types(await journalOf(task.room)).filter((type) => type === "task-failed")).toHaveLength(1);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("does not keep a bill from the books that an older holder brings before it comes", async () => {
    const day = await openMarket();
    const task = await sold(day);
    const { room, taskId } = task;
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const callId = newId("cal", config.source);
    const [boundMicros, costMicros] = [asMicros(5_000), asMicros(1_000)];
    await room.startTraceCall(1, { callId, kind: "trace", agentId: DEAR, boundMicros });
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(room);
    lose("award", "before", 1);
    await attempt(day, task, { attempt: 1, result: "41", generation: 2 });
    const bill = { status: "billed", usage: aUsage(), costMicros } as const;
    await room.endTrace(1, { callId, bill, ms: 1 }, "agent_failed");
    clock.pass(61_000);
    await ringAll(day, room);
    await awardedTo(room, 2);
    const { calls } = await accountOf(day, taskId);
    const booked = { status: "billed", payer: "lost", lostMicros: costMicros };
    expect(calls.find((call) => call.callId === callId)).toMatchObject(booked);
    await attempt(day, task, { attempt: 2, result: "42", generation: 3 });
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect((await booksOf(day)).balances).toMatchObject({ held: 0, lost: -1_000 });
  });

  test("is followed by a cancel that came meanwhile: nothing is begun", async () => {
    const day = await openMarket();
    const task = await sold(day);
    lose("award", "before", 2);
    await attempt(day, task, { attempt: 1, result: "41" });
    expect(await day.market.cancel(task.taskId)).toBe(true);
    for (let round = 0; round < 4; round += 1) {
      clock.pass(61_000);
      await ringAll(day, task.room);
    }
    expect(await task.room.view()).toMatchObject({ state: "cancelled", attempts: 2, steps: 0 });
    expect((await day.market.heldTasks())[0]).toMatchObject({ state: "cancelled" });
    expect((await booksOf(day)).balances.held).toBe(0);
  });
});

describe("a report that is told again", () => {
  test("escalates nothing twice, whenever it comes, and an older one changes no end", async () => {
    const day = await openMarket();
    const task = await sold(day);
    const told = vi.spyOn(MarketRoom.prototype, "ended");
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    const [report] = told.mock.calls[0] ?? [];
    if (report === undefined) throw new Error("nothing was reported");
    expect(await day.market.ended(report)).toBeNull();
    expect(await day.market.ended(report)).toBeNull();
    expect(await task.room.view()).toMatchObject({ attempts: 2, agentId: MIDDLE });
    await attempt(day, task, { attempt: 2, result: "43" });
    await awardedTo(task.room, 3);
    expect(await day.market.ended(report)).toBeNull();
    await attempt(day, task, { attempt: 3, result: "42" });
    expect(await day.market.ended(report)).toEqual({ state: "finished", outcome: "pass" });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", agentId: CHEAP });
    const histories = (await day.market.historyBatch(100)).map(({ row }) => row);
    expect(histories.filter((row) => row.table === "outcomes")).toMatchObject([
      { attempt: 1, agentId: DEAR },
      { attempt: 2, agentId: MIDDLE },
      { attempt: 3, agentId: CHEAP },
    ]);
  });

  test.each([[false], [true]])(
    "brings the award to a room that a version before passed it over in; cancelled meanwhile: %s",
    async (cancelled) => {
      const day = await openMarket();
      const task = await sold(day);
      // oxlint-disable-next-line typescript/unbound-method
      const { award, stop } = TaskRoom.prototype;
      const old = { version: true };
      vi.spyOn(TaskRoom.prototype, "award").mockImplementation(async function (this: TaskRoom, told) {
        if (!old.version) return award.call(this, told);
      });
      vi.spyOn(TaskRoom.prototype, "stop").mockImplementation(async function (this: TaskRoom, end) {
        if (!old.version) return stop.call(this, end);
      });
      // It cannot read the answer either, and asks again.
      lose("ended", "after", 1);
      await attempt(day, task, { attempt: 1, result: "41" });
      if (cancelled) await day.market.cancel(task.taskId);
      await ringAll(day, task.room);
      expect(await task.room.view()).toMatchObject({ attempts: 1, outcome: null });
      old.version = false;
      await evictRooms(day.market, task.room);
      for (let round = 0; round < 3; round += 1) {
        clock.pass(61_000);
        await ringAll(day, task.room);
      }
      await awardedTo(task.room, 2);
      if (cancelled) {
        await vi.waitFor(async () => expect(await task.room.view()).toMatchObject({ state: "cancelled" }));
        expect((await booksOf(day)).balances.held).toBe(0);
        return;
      }
      await attempt(day, task, { attempt: 2, result: "42" });
      expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
      const rows = (await day.market.historyBatch(100)).map(({ row }) => row.table);
      expect(rows.filter((table) => table === "outcomes")).toHaveLength(2);
    },
  );
});
