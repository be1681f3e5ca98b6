/** Whatever dies or comes between an agent's leaving and the next one's award: the work goes on once, and is paid once. */
import { describe, expect, test, vi } from "vitest";
import { runDurableObjectAlarm } from "cloudflare:test";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { EndReport } from "../../../src/market/report.ts";
import { aUsage } from "../../support/builders.ts";
import { awardedTo, journalOf, lose, ringAll, sold, type Loss } from "./escalation-day.ts";
import { config, DEAR, evictRooms, MIDDLE, openMarket, useStoppedClock, types } from "./market-day.ts";
import { accountOf, booksOf, limited } from "./money-day.ts";
import { leaveAfter, LOOK, slice } from "./takeover-day.ts";

const clock = useStoppedClock();

const PLAIN = { escalation: null } as const;
const RESULT = { text: "42" } as const;

/** Time passes until both rooms have told each other all. */
async function settleAll(
  day: Parameters<typeof ringAll>[0],
  room: Parameters<typeof ringAll>[1],
): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    clock.pass(61_000);
    await ringAll(day, room);
  }
}

describe("a takeover survives", () => {
  test.each<["ended" | "award", Loss, "market" | "task" | "both"]>(
    (["ended", "award"] as const).flatMap((call) =>
      (["before", "after"] as const).flatMap((when) =>
        (["market", "task", "both"] as const).map((dies): ["ended" | "award", Loss, typeof dies] => [
          call,
          when,
          dies,
        ]),
      ),
    ),
  )("%s lost %s it was heard, and the death of: %s", async (call, when, dies) => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const { room, taskId } = task;
    lose(call, when);
    await leaveAfter(day, task, { attempt: 1, steps: 2 });
    // Only what runs can be evicted.
    await Promise.all([day.market.readPolicy(), room.view()]);
    if (dies !== "task") await evictRooms(day.market);
    if (dies !== "market") await evictRooms(room);
    await settleAll(day, room);
    await awardedTo(room, 2);
    const asked = await slice(day, task, { attempt: 2, steps: [LOOK, LOOK, LOOK, RESULT] });
    expect(asked).toEqual([`step ${MIDDLE} 3`, `step ${MIDDLE} 4`]);
    await settleAll(day, room);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 2, steps: 4 });
    const events = await journalOf(room);
    const count = (type: string) => types(events).filter((one) => one === type).length;
    expect([count("trace-handed-over"), count("task-awarded"), count("task-finished")]).toEqual([1, 2, 1]);
    const numbers = events.flatMap((event) => (event.type === "step-committed" ? [event.step] : []));
    expect(numbers).toEqual([1, 2, 3, 4]);
    expect((await accountOf(day, taskId)).heldMicros).toBe(0);
    const rows = (await day.market.historyBatch(100)).map(({ row }) => row.table);
    expect(rows.filter((table) => table === "outcomes")).toHaveLength(2);
  });

  test("the death of the agent that took over: the next holder goes on with all steps, its own as they were", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    await awardedTo(task.room, 2);
    const slow = async () => clock.pass(26_000);
    const unlucky = [LOOK, LOOK, { fails: "unreachable" }] as const;
    await slice(day, task, { attempt: 2, steps: unlucky, sleep: slow });
    await evictRooms(day.market, task.room);
    const taken = await task.room.takeTrace(2, 3);
    expect(taken.ok && taken.value).toMatchObject({
      steps: [
        { step: 1, writtenBy: DEAR },
        { step: 2, assistant: { scripted: 2 } },
      ],
    });
    expect(taken.ok && taken.value.steps[1]).not.toHaveProperty("writtenBy");
  });
});

describe("between the report and the award", () => {
  test("a cancel ends the task: nothing more is asked, and nothing stays held", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    lose("award", "before");
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    expect(await day.market.cancel(task.taskId)).toBe(true);
    await settleAll(day, task.room);
    expect(await task.room.view()).toMatchObject({ state: "cancelled", attempts: 2, steps: 1 });
    expect(await slice(day, task, { attempt: 2, steps: [LOOK, RESULT] })).toEqual([]);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("a cancel that the market room heard first keeps the task from being sold again", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    expect((await task.room.takeTrace(1, 1)).ok).toBe(true);
    vi.spyOn(TaskRoom.prototype, "stop").mockRejectedValueOnce(new Error("the room restarts"));
    await day.market.cancel(task.taskId);
    await task.room.endTrace(1, null, "agent_failed");
    await settleAll(day, task.room);
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "agent_failed",
      attempts: 1,
    });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("the deadline that passes ends the task by it, once", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, limits: { deadlineS: 90 } });
    lose("award", "before");
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    await settleAll(day, task.room);
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "deadline", attempts: 2 });
    expect(types(await journalOf(task.room)).filter((type) => type === "task-failed")).toHaveLength(1);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("a bill that an older holder brings is booked", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const { room, taskId } = task;
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const callId = newId("cal", config.source);
    const [boundMicros, costMicros] = [asMicros(5_000), asMicros(1_000)];
    await room.startTraceCall(1, { callId, kind: "trace", agentId: DEAR, boundMicros });
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(room);
    lose("award", "before");
    await leaveAfter(day, task, { attempt: 1, steps: 1, generation: 2 });
    const bill = { status: "billed", usage: aUsage(), costMicros } as const;
    await room.endTrace(1, { callId, bill, ms: 1 }, "agent_failed");
    await settleAll(day, room);
    await awardedTo(room, 2);
    const { calls } = await accountOf(day, taskId);
    const booked = { status: "billed", payer: "lost", lostMicros: costMicros };
    expect(calls.find((call) => call.callId === callId)).toMatchObject(booked);
  });
});

describe("a report of an agent that left, told again", () => {
  test("sells nothing twice, and changes no end", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const told = vi.spyOn(MarketRoom.prototype, "ended");
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    await awardedTo(task.room, 2);
    const report = told.mock.calls[0]?.[0] as EndReport;
    expect(await day.market.ended(report)).toBeNull();
    expect(await day.market.ended(report)).toBeNull();
    expect(await task.room.view()).toMatchObject({ attempts: 2, agentId: MIDDLE });
    await slice(day, task, { attempt: 2, steps: [LOOK, RESULT] });
    expect(await day.market.ended(report)).toEqual({ state: "finished", outcome: "pass" });
  });
});

describe("a budget that does not take the next agent's call", () => {
  /** The dear agent holds the trace, has spent all that was held for it, and this much is left of the budget. */
  async function broke(leftMicros: number) {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const { room } = task;
    await room.wake();
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const { heldMicros, chargedMicros } = await accountOf(day, task.taskId);
    await day.market.setBudget(limited({ totalMicros: heldMicros + chargedMicros + leftMicros }));
    const begin = async (micros: number) => {
      const callId = newId("cal", config.source);
      const call = { callId, kind: "trace", agentId: DEAR, boundMicros: asMicros(micros) } as const;
      expect(await room.startTraceCall(1, call)).toBe("continue");
      return callId;
    };
    const bill = { status: "billed", usage: aUsage(), costMicros: asMicros(heldMicros) } as const;
    const spent = { callId: await begin(heldMicros), bill, ms: 1 } as const;
    return { day, ...task, spent, begin };
  }

  async function leave(task: Awaited<ReturnType<typeof broke>>) {
    await task.room.endTrace(1, task.spent, "agent_failed");
    return task;
  }

  test("ends the task as its agent's failure", async () => {
    const { day, room } = await leave(await broke(5_000));
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed", attempts: 1 });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("is asked for that call alone: how much of a trace is left, nobody knows", async () => {
    // The median of the middle agent's whole trace is 17,037; its first call is held at less.
    const { room } = await leave(await broke(13_000));
    await awardedTo(room, 2);
    expect(await room.view()).toMatchObject({ agentId: MIDDLE });
  });

  /** The model of the agent that has spent so much is left alone. Returns what its room says. */
  async function leaveAlone({ room, spent, begin }: Awaited<ReturnType<typeof broke>>, retryAfterMs: number) {
    await room.failTraceCall(1, spent, { reason: "empty", message: "" });
    const refused = { callId: await begin(5_000), bill: { status: "refused" }, ms: 0 } as const;
    return room.failTraceCall(1, refused, { reason: "circuit_open", message: "", retryAfterMs });
  }

  test("does not end a task whose agent can go on after its model's first pause", async () => {
    const task = await broke(5_000);
    expect(await leaveAlone(task, 10_000)).toBe(10_000);
    clock.pass(10_000);
    const { room, begin } = task;
    const [callId, usage, costMicros] = [await begin(5_000), aUsage(), asMicros(1_000)];
    const step = { step: 1, text: "42", toolCalls: [], assistant: null, usage, costMicros };
    const ended = { callId, bill: { status: "billed", usage, costMicros }, ms: 1 } as const;
    expect(await room.commitAnswer(1, ended, step, "42")).toBe("continue");
    await room.commitVerdict(1, { outcome: "pass", verifier: "equals", evidence: "42" });
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 1 });
    expect((await booksOf(task.day)).balances.held).toBe(0);
  });

  test("ends it where that pause is longer: whether anybody can follow, only the market room knows", async () => {
    const task = await broke(5_000);
    expect(await leaveAlone(task, 10_001)).toBeNull();
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
  });

  test("and one that takes it has another agent go on at once", async () => {
    const task = await broke(13_000);
    expect(await leaveAlone(task, 10_001)).toBeNull();
    await awardedTo(task.room, 2);
    expect(await task.room.view()).toMatchObject({ agentId: MIDDLE });
  });
});
