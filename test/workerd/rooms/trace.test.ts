/** A trace through the real rooms, with scripted models and tools. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import {
  BOUND,
  ScriptedModels,
  USAGE,
  WorkerDied,
  type ScriptedStep,
} from "../../support/scripted-models.ts";
import {
  alarmOf,
  awardedTask,
  CHEAP,
  config,
  countingTool,
  eventsOf,
  evictRooms,
  useStoppedClock,
  traceDeps,
  types,
} from "./market-day.ts";
import { accountOf } from "./money-day.ts";

const clock = useStoppedClock();

const USE_TOOL: ScriptedStep = { tool: "http", input: { url: "x" } };
const SUBMIT: ScriptedStep = { tool: "submit", input: { result: "42" } };

describe("a trace", () => {
  test("runs step by step to its result, its verdict and its final state", async () => {
    const { day, room, message } = await awardedTask();
    const tool = countingTool();
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    await runSlice(traceDeps(models, { tools: [tool] }), message(1));

    const view = await room.view();
    expect(view).toMatchObject({
      state: "finished",
      outcome: "pass",
      result: "42",
      steps: 2,
      queueMessages: 1,
      verdict: { outcome: "pass", evidence: "42" },
    });
    // Three bids, of which two were empty and billed; two steps: 1000 × output/4 + 200 × output each.
    expect(view?.costs).toEqual({
      embedMicros: 0,
      bidMicros: 45 + 450 + 4_500,
      juryMicros: 0,
      refineMicros: 0,
      traceMicros: 90,
      judgeMicros: 0,
    });
    expect(tool.keys).toHaveLength(1);
    const events = await eventsOf(room);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    expect(types(events).slice(-6)).toEqual([
      "trace-taken-up",
      "step-committed",
      "step-committed",
      "trace-ended",
      "verification-ended",
      "task-finished",
    ]);
    expect(await day.market.heldTasks()).toMatchObject([
      { state: "finished", outcome: "pass", costMicros: view?.costMicros },
    ]);
  });

  test("a plain answer is a result too", async () => {
    const { room, message } = await awardedTask();
    await runSlice(traceDeps(new ScriptedModels({ steps: [{ text: "41" }] })), message(1));
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "fail", result: "41" });
  });

  test("a tool that the task does not allow is an error that the model is told, not the end", async () => {
    const { room, message } = await awardedTask({ tools: [] });
    const tool = countingTool();
    await runSlice(
      traceDeps(new ScriptedModels({ steps: [USE_TOOL, SUBMIT] }), { tools: [tool] }),
      message(1),
    );
    expect(tool.keys).toEqual([]);
    const step = (await room.readTrace())?.steps[0];
    expect(step?.toolCalls[0]?.outcome).toMatchObject({ ok: false, error: { code: "unknown_tool" } });
    expect((await room.view())?.outcome).toBe("pass");
  });

  test("a provider that fails ends the task, with the call's money decided", async () => {
    const { room, message } = await awardedTask();
    await runSlice(traceDeps(new ScriptedModels({ steps: [{ fails: "timeout" }] })), message(1));
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
    const calls = (await room.readTrace())?.calls.filter((call) => call.kind === "trace");
    // The call, and the one that was made in its place.
    const unconfirmed = { status: "unconfirmed", costMicros: BOUND };
    expect(calls).toMatchObject([unconfirmed, unconfirmed]);
  });

  test("uses up its steps", async () => {
    const { room, message } = await awardedTask({ limits: { maxSteps: 2 } });
    const models = new ScriptedModels({ steps: [USE_TOOL, USE_TOOL] });
    await runSlice(traceDeps(models, { tools: [countingTool()] }), message(1));
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "step_limit", steps: 2 });
  });
});

describe("slices and leases", () => {
  test("a slice whose time is up hands on under the next generation; the old message is stale", async () => {
    const { room, message } = await awardedTask();
    const steps = [USE_TOOL, USE_TOOL, SUBMIT];
    const slow = {
      ...countingTool(),
      execute: async () => {
        clock.pass(26_000);
        return { ok: true, output: "slow" } as const;
      },
    };
    const models = new ScriptedModels({ steps });
    const deps = traceDeps(models, { tools: [slow] });
    await runSlice(deps, message(1));
    expect(await room.view()).toMatchObject({ state: "running", steps: 1, queueMessages: 1 });
    await runSlice(deps, message(1));
    expect(await room.view()).toMatchObject({ steps: 1, queueMessages: 1 });
    await runSlice(deps, message(2));
    await runSlice(deps, message(3));
    expect(await room.view()).toMatchObject({ state: "finished", steps: 3, queueMessages: 3 });
    expect(models.asked).toHaveLength(3);
  });

  test("two messages of one generation: one holder works", async () => {
    const { room, message } = await awardedTask();
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    expect(await room.takeTrace(1, 1)).toMatchObject({ ok: false, failure: { reason: "busy" } });
    const idle = new ScriptedModels({});
    await runSlice(traceDeps(idle), message(1));
    expect(idle.asked).toEqual([]);
  });

  // The tool call makes two moments to die in: while the model is asked, and between its answer and the tool's.
  test.each([
    { dies: "before the first answer", steps: [USE_TOOL, SUBMIT], diesAtCall: 1, asksAgain: 2, toolRuns: 1 },
    { dies: "before the second answer", steps: [USE_TOOL, SUBMIT], diesAtCall: 2, asksAgain: 1, toolRuns: 1 },
  ])(
    "a holder that dies $dies: the next one goes on from the last commit",
    async ({ steps, diesAtCall, asksAgain, toolRuns }) => {
      const { day, room, message } = await awardedTask();
      const tool = countingTool();
      const first = new ScriptedModels({ steps, diesAtCall });
      await expect(runSlice(traceDeps(first, { tools: [tool] }), message(1))).rejects.toThrow(WorkerDied);
      await evictRooms(day.market, room);
      clock.pass(60_001);
      await runDurableObjectAlarm(room);

      const second = new ScriptedModels({ steps });
      await runSlice(traceDeps(second, { tools: [tool] }), message(2));
      expect(second.asked).toHaveLength(asksAgain);
      expect(tool.keys).toHaveLength(toolRuns);
      expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
      const calls = (await room.readTrace())?.calls
        .filter((call) => call.kind === "trace")
        .map((call) => call.status);
      expect(calls?.toSorted()).toEqual(["billed", "billed", "unconfirmed"]);
    },
  );

  test("a holder that dies in a tool: the model is not asked again, the tool runs under the same key", async () => {
    const { taskId, room, message } = await awardedTask();
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
    const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
    const toolCalls = [{ id: "call-1", name: "http", input: { url: "x" } }];
    const answered = {
      step: 1,
      text: "",
      toolCalls,
      assistant: null,
      usage: USAGE,
      costMicros: asMicros(45),
    };
    await room.commitAnswer(1, { callId, bill, ms: 10 }, answered, null);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);

    const tool = countingTool();
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    await runSlice(traceDeps(models, { tools: [tool] }), message(2));
    expect(models.asked).toEqual([`step ${CHEAP} 2`]);
    expect(tool.keys).toEqual([`${taskId}-1-1-0`]);
    expect(await room.view()).toMatchObject({ state: "finished", steps: 2 });
  });

  test("a late holder is fenced off: its commits are refused, its call is booked once, and not to the tenant", async () => {
    const { room, taskId, day, message } = await awardedTask();
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const callId = newId("cal", config.source);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
    const { usage, costMicros } = bill;
    const step = { step: 1, text: "late", toolCalls: [], assistant: null, usage, costMicros };
    const commit = async () => room.commitAnswer(1, { callId, bill, ms: 10 }, step, "late");
    expect(await commit()).toBe("lost");
    await runSlice(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), message(2));
    expect(await room.renewTrace(1)).toBe("lost");
    expect(await room.commitTools(1, 1, [])).toBe("lost");
    expect(await commit()).toBe("lost");
    expect(await room.view()).toMatchObject({
      state: "finished",
      result: "42",
      steps: 1,
      costs: { traceMicros: 45 },
    });
    const { calls } = await accountOf(day, taskId);
    const traced = calls.filter(({ kind }) => kind === "trace");
    expect(traced).toHaveLength(2);
    expect(traced.find((call) => call.callId === callId)).toMatchObject({ chargedMicros: 0, lostMicros: 45 });
    expect(traced.find((call) => call.callId !== callId)).toMatchObject({ chargedMicros: 45, lostMicros: 0 });
  });

  test("work that nobody takes is announced again, and a holder that dies again and again ends it", async () => {
    const { room } = await awardedTask();
    for (let generation = 1; generation <= 6; generation++) {
      expect((await room.takeTrace(1, generation)).ok).toBe(true);
      clock.pass(60_001);
      await runDurableObjectAlarm(room);
    }
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "trace_abandoned" });
    expect(await runDurableObjectAlarm(room)).toBe(false);
  });
});

describe("stopping", () => {
  test("cancelled before anybody took the trace: ends at once", async () => {
    const { day, taskId, room, message } = await awardedTask();
    await day.market.cancel(taskId);
    expect(await room.view()).toMatchObject({ state: "cancelled" });
    const idle = new ScriptedModels({});
    await runSlice(traceDeps(idle), message(1));
    expect(idle.asked).toEqual([]);
  });

  test("cancelled under way: the holder stops at its next commit, the steps so far stay", async () => {
    const { day, taskId, room, message } = await awardedTask();
    const tool = countingTool();
    const cancelling = {
      ...tool,
      execute: async () => {
        await day.market.cancel(taskId);
        return { ok: true, output: "done" } as const;
      },
    };
    await runSlice(
      traceDeps(new ScriptedModels({ steps: [USE_TOOL, SUBMIT] }), { tools: [cancelling] }),
      message(1),
    );
    expect(await room.view()).toMatchObject({ state: "cancelled", steps: 1, result: null });
  });

  test("cancelled while its holder is dead: the room ends it when the holder's time is over", async () => {
    const { day, taskId, room } = await awardedTask();
    await room.takeTrace(1, 1);
    await day.market.cancel(taskId);
    expect((await room.view())?.state).toBe("running");
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    expect((await room.view())?.state).toBe("cancelled");
  });

  test("a deadline that passes ends it as failed", async () => {
    const { room } = await awardedTask({ limits: { deadlineS: 10 } });
    clock.pass(10_001);
    await runDurableObjectAlarm(room);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
  });

  test("a settled task leaves nothing awake", async () => {
    const { day, room, message } = await awardedTask();
    await runSlice(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), message(1));
    expect(await runDurableObjectAlarm(room)).toBe(false);
    for (;;) {
      const rows = await day.market.historyBatch(100);
      if (rows.length === 0) break;
      await day.market.historyWritten(
        rows.map((row) => row.id),
        [],
      );
    }
    await vi.waitFor(async () => expect(await alarmOf(day.market)).toBeNull(), 5_000);
    expect(await day.market.heldTasks()).toEqual([]);
  });
});
