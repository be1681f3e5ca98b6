/** The call for the next step is started with the commit of the tools before it, where nothing is in its way. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { AnsweredStep, ToolCall } from "../../../src/market/step.ts";
import type { NextCall } from "../../../src/taskroom/task-room-api.ts";
import { TaskRoom } from "../../../src/taskroom/task-room.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { Tool } from "../../../src/trace/tools/index.ts";
import { BOUND, ScriptedModels, USAGE, WorkerDied } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  eventsOf,
  evictRooms,
  traceDeps,
  useStoppedClock,
  type AwardedTask,
  type TaskStub,
} from "./market-day.ts";
import { accountOf } from "./money-day.ts";
import { SUBMIT, USE_TOOL } from "./stuck-day.ts";

const clock = useStoppedClock();

const DONE = [{ ok: true, output: "done" }] as const;
const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;

const aCall = (boundMicros: number = BOUND) =>
  ({
    callId: newId("cal", config.source),
    kind: "trace",
    agentId: CHEAP,
    boundMicros: asMicros(boundMicros),
  }) as const;

const next = (boundMicros?: number, terms: NextCall["terms"] = {}): NextCall => ({
  call: aCall(boundMicros),
  terms,
});

/** A task whose first step waits for its tools. */
async function pendingTask(input: Parameters<typeof awardedTask>[0] = {}): Promise<AwardedTask> {
  const task = await awardedTask(input);
  await task.room.takeTrace(1, 1);
  await answer(task.room, 1, "http");
  return task;
}

async function answer(room: TaskStub, step: number, tool: string): Promise<void> {
  const call = aCall();
  await room.startTraceCall(1, call);
  const answered: AnsweredStep = {
    step,
    text: "",
    toolCalls: [{ id: `call_${step}`, name: tool, input: {} }],
    assistant: null,
    usage: USAGE,
    costMicros: bill.costMicros,
  };
  await room.commitAnswer(1, { callId: call.callId, bill, ms: 1 }, answered, null);
}

async function statusOf(room: TaskStub, { call }: NextCall): Promise<string | undefined> {
  return (await room.readTrace())?.calls.find(({ callId }) => callId === call.callId)?.status;
}

describe("a slice", () => {
  test("starts its first call, and the others with the commits before them", async () => {
    const started = vi.spyOn(TaskRoom.prototype, "startTraceCall");
    const committed = vi.spyOn(TaskRoom.prototype, "commitTools");
    try {
      const { room, message } = await awardedTask();
      const models = new ScriptedModels({ steps: [USE_TOOL, USE_TOOL, USE_TOOL, SUBMIT] });
      await runSlice(traceDeps(models, { tools: [countingTool()] }), message(1));
      expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 4 });
      expect(started).toHaveBeenCalledTimes(1);
      expect(committed).toHaveBeenCalledTimes(3);
      const calls = (await room.readTrace())?.calls.filter(({ kind }) => kind === "trace");
      expect(calls?.map(({ status }) => status)).toEqual(["billed", "billed", "billed", "billed"]);
    } finally {
      started.mockRestore();
      committed.mockRestore();
    }
  });

  test("whose time is up while tools run starts none, and hands on", async () => {
    const { room, message } = await awardedTask();
    const slow: Tool = {
      ...countingTool(),
      execute: async () => {
        clock.pass(config.sliceMs + 1);
        return { ok: true, output: "slow" };
      },
    };
    await runSlice(
      traceDeps(new ScriptedModels({ steps: [USE_TOOL, SUBMIT] }), { tools: [slow] }),
      message(1),
    );
    expect(await room.view()).toMatchObject({ state: "running", steps: 1 });
    const calls = (await room.readTrace())?.calls.filter(({ kind }) => kind === "trace");
    expect(calls).toMatchObject([{ status: "billed" }]);
  });

  test("whose time is up once a call is started makes it", async () => {
    const { room, message } = await awardedTask();
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    const deps = traceDeps(models, { tools: [countingTool()] });
    const original = TaskRoom.prototype.commitTools;
    const committed = vi.spyOn(TaskRoom.prototype, "commitTools").mockImplementation(async function (
      this: TaskRoom,
      ...given
    ) {
      const told = await original.apply(this, given);
      clock.pass(config.sliceMs + 1);
      return told;
    });
    try {
      await runSlice(deps, message(1));
    } finally {
      committed.mockRestore();
    }
    expect(models.asked).toEqual([`step ${CHEAP} 1`, `step ${CHEAP} 2`]);
    expect(await room.view()).toMatchObject({ state: "finished", steps: 2, queueMessages: 1 });
  });

  test("that resumes with its tools starts the call behind them, too", async () => {
    const { room, message } = await pendingTask();
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const started = vi.spyOn(TaskRoom.prototype, "startTraceCall");
    try {
      const deps = traceDeps(new ScriptedModels({ steps: [USE_TOOL, SUBMIT] }), { tools: [countingTool()] });
      await runSlice(deps, message(2));
      expect(started).not.toHaveBeenCalled();
    } finally {
      started.mockRestore();
    }
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
  });

  test("that cannot tell what comes next has its tools' answers committed all the same", async () => {
    const { room, message } = await awardedTask();
    const tool = countingTool();
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    let planned = 0;
    models.stepBound = () => {
      planned += 1;
      if (planned > 1) throw new RangeError("a fault of the house");
      return asMicros(BOUND);
    };
    for (const generation of [1, 2]) {
      const taken = runSlice(traceDeps(models, { tools: [tool] }), message(generation));
      await expect(taken).rejects.toThrow("a fault of the house");
    }
    expect(tool.keys).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "running", steps: 1 });
  });

  test("that dies behind such a commit has its call done again, and the house pays for it", async () => {
    const { day, taskId, room, message } = await awardedTask();
    const steps = [USE_TOOL, SUBMIT];
    const dying = new ScriptedModels({ steps, diesAtCall: 2 });
    await expect(runSlice(traceDeps(dying, { tools: [countingTool()] }), message(1))).rejects.toThrow(
      WorkerDied,
    );
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const second = new ScriptedModels({ steps });
    await runSlice(traceDeps(second, { tools: [countingTool()] }), message(2));
    expect(second.asked).toEqual([`step ${CHEAP} 2`]);
    const { calls } = await accountOf(day, taskId);
    const traced = calls.filter(({ kind }) => kind === "trace");
    expect(traced.map(({ lostMicros }) => lostMicros).toSorted((a, b) => a - b)).toEqual([0, 0, BOUND]);
    expect(traced.map(({ chargedMicros }) => chargedMicros).toSorted((a, b) => a - b)).toEqual([0, 45, 45]);
  });
});

describe("a call that comes with its tools' answers", () => {
  test("is started with them, and who listens is told", async () => {
    const { room } = await pendingTask();
    const wanted = next(77);
    expect(await room.commitTools(1, 1, DONE, wanted)).toEqual({ answer: "begun", listened: false });
    await evictRooms(room);
    const trace = await room.readTrace();
    expect(trace?.steps).toHaveLength(1);
    expect(trace?.calls.find(({ callId }) => callId === wanted.call.callId)).toMatchObject({
      status: "started",
      boundMicros: 77,
      attempt: 1,
    });
    expect(await room.renewTrace(1)).toBe("continue");
  });

  test("says what it is sent without, behind the step", async () => {
    const { room } = await pendingTask();
    await room.commitTools(1, 1, DONE, next(BOUND, { leftOut: { outputs: 2, characters: 900 } }));
    const { lastEvent = 0 } = (await room.view()) ?? {};
    await room.endTrace(1, null, "agent_failed");
    expect((await eventsOf(room, lastEvent - 2)).slice(0, 2)).toMatchObject([
      { type: "step-committed", step: 1 },
      { type: "context-compacted", step: 2, outputs: 2, characters: 900 },
    ]);
  });

  test.each<[string, () => Promise<readonly [AwardedTask, NextCall]>]>([
    [
      "costs more than its task may",
      async () => [await pendingTask({ limits: { maxCostUsd: 1 } }), next(1_000_000_000)],
    ],
    [
      "leaves too little for what must follow it",
      async () => [
        await pendingTask({ limits: { maxCostUsd: 1 } }),
        next(BOUND, { reserveMicros: asMicros(1_000_000_000) }),
      ],
    ],
  ])("that %s is left to who sees to that, and they stand", async (_why, made) => {
    const [{ room, day, taskId }, wanted] = await made();
    const { heldMicros } = await accountOf(day, taskId);
    expect(await room.commitTools(1, 1, DONE, wanted)).toEqual({ answer: "continue", listened: false });
    expect(await statusOf(room, wanted)).toBeUndefined();
    expect(await room.view()).toMatchObject({ steps: 1 });
    expect((await room.readTrace())?.steps).toHaveLength(1);
    // Nothing is asked for it.
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros });
  });

  test("of a task that is to stop is not started, and they stand", async () => {
    const { room, day, taskId } = await pendingTask();
    await day.market.cancel(taskId);
    const wanted = next();
    expect(await room.commitTools(1, 1, DONE, wanted)).toEqual({ answer: "stop", listened: false });
    expect(await statusOf(room, wanted)).toBeUndefined();
    expect((await room.readTrace())?.steps).toHaveLength(1);
  });

  test("behind a submission is not started", async () => {
    const task = await awardedTask();
    await task.room.takeTrace(1, 1);
    const call = aCall();
    await task.room.startTraceCall(1, call);
    const toolCalls: ToolCall[] = [
      { id: "call_1", name: "http", input: {} },
      { id: "call_2", name: "submit", input: { result: "42" } },
    ];
    const { usage, costMicros } = bill;
    const step = { step: 1, text: "", toolCalls, assistant: null, usage, costMicros };
    await task.room.commitAnswer(1, { callId: call.callId, bill, ms: 1 }, step, null);
    const wanted = next();
    const outcomes = [...DONE, { ok: true, output: "received" }] as const;
    expect(await task.room.commitTools(1, 1, outcomes, wanted)).toEqual({
      answer: "submitted",
      listened: false,
    });
    expect(await statusOf(task.room, wanted)).toBeUndefined();
  });

  test("of a holder that has lost the trace is not started", async () => {
    const { room } = await pendingTask();
    const wanted = next();
    expect(await room.commitTools(2, 1, DONE, wanted)).toEqual({ answer: "lost", listened: false });
    expect(await statusOf(room, wanted)).toBeUndefined();
    expect((await room.readTrace())?.steps).toHaveLength(0);
  });
});
