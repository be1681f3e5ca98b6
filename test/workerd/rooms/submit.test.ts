/** A result that is handed in beside other calls: they run first, and what they come to decides whether it counts. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import type { UsageLine } from "../../../src/market/ledger/reconcile.ts";
import type { ToolLine } from "../../../src/tenancy/tool-usage.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { BOUND, ScriptedModels, USAGE, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  eventsOf,
  evictRooms,
  useStoppedClock,
  traceDeps,
  type AwardedTask,
} from "./market-day.ts";
import { SUBMIT, USE_TOOL } from "./stuck-day.ts";

const clock = useStoppedClock();

const TOOL = { tool: "http", input: { url: "x" } } as const;
const HANDED_IN = { tool: "submit", input: { result: "42" } } as const;
const BOTH: ScriptedStep = { calls: [TOOL, HANDED_IN] };

async function outcomesOf({ room }: AwardedTask) {
  const steps = (await room.readTrace())?.steps ?? [];
  return steps.map(({ toolCalls }) => toolCalls.map(({ outcome }) => outcome));
}

async function committedTools({ room }: AwardedTask) {
  const events = await eventsOf(room);
  return events.flatMap((event) => (event.type === "step-committed" ? [event.tools] : []));
}

async function toolUsage({ day }: AwardedTask) {
  const lines = await day.market.readBooks({ kind: "usage", from: "2000-01-01", to: "2999-12-31" });
  return (lines as (UsageLine | ToolLine)[]).filter(({ kind }) => kind === "tool");
}

describe("calls beside a submission", () => {
  test("run first, and where all succeed the trace ends with the result in that step", async () => {
    const task = await awardedTask();
    const tool = countingTool();
    const models = new ScriptedModels({ steps: [BOTH] });
    await runSlice(traceDeps(models, { tools: [tool] }), task.message(1));
    expect(tool.keys).toEqual([`${task.taskId}-1-1-0`]);
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 1 });
    expect(await outcomesOf(task)).toMatchObject([
      [
        { ok: true, output: "done" },
        { ok: true, output: "received" },
      ],
    ]);
    expect(await committedTools(task)).toEqual([
      [
        { name: "http", ok: true },
        { name: "submit", ok: true },
      ],
    ]);
    expect(await toolUsage(task)).toMatchObject([{ calls: 1 }]);
  });

  test("of which one fails: the result does not count, the agent is told so, and the trace goes on", async () => {
    const task = await awardedTask();
    const tool = {
      ...countingTool(),
      execute: async () => ({ ok: false, error: { code: "unreachable", message: "gone" } }) as const,
    };
    const models = new ScriptedModels({ steps: [BOTH, SUBMIT] });
    await runSlice(traceDeps(models, { tools: [tool] }), task.message(1));
    expect(models.asked).toHaveLength(2);
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 2 });
    const [first] = await outcomesOf(task);
    expect(first).toMatchObject([
      { ok: false, error: { code: "unreachable" } },
      {
        ok: false,
        error: {
          code: "not_submitted",
          message: "not submitted: http failed; look at its error, then submit again",
        },
      },
    ]);
    expect(await committedTools(task)).toEqual([
      [
        { name: "http", ok: false },
        { name: "submit", ok: false },
      ],
      [{ name: "submit", ok: true }],
    ]);
  });

  test("do not run in a wrap-up, are told so, and the result counts", async () => {
    const task = await awardedTask({ limits: { maxSteps: 2 } });
    const tool = countingTool();
    const models = new ScriptedModels({ steps: [USE_TOOL, BOTH] });
    await runSlice(traceDeps(models, { tools: [tool] }), task.message(1));
    expect(tool.keys).toHaveLength(1);
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 2 });
    const [, last] = await outcomesOf(task);
    expect(last).toMatchObject([
      { ok: false, error: { code: "not_run" } },
      { ok: true, output: "received" },
    ]);
    expect(await toolUsage(task)).toMatchObject([{ calls: 1 }]);
  });

  test("that are submissions, too, do not count: the first one does", async () => {
    const task = await awardedTask();
    const second = { tool: "submit", input: { result: "41" } } as const;
    const models = new ScriptedModels({ steps: [{ calls: [HANDED_IN, second] }] });
    await runSlice(traceDeps(models), task.message(1));
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 1 });
    expect(await outcomesOf(task)).toMatchObject([
      [
        { ok: true, output: "received" },
        { ok: false, error: { code: "not_run" } },
      ],
    ]);
  });

  test("a submission without a result is told what it lacks, and the next one counts", async () => {
    const task = await awardedTask();
    const empty = { tool: "submit", input: {} } as const;
    const models = new ScriptedModels({ steps: [empty, SUBMIT] });
    await runSlice(traceDeps(models), task.message(1));
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 2 });
    const [first] = await outcomesOf(task);
    expect(first).toMatchObject([{ ok: false, error: { code: "invalid_arguments" } }]);
  });
});

describe("a holder that dies between the answer and its tools", () => {
  async function answeredOnly() {
    const task = await awardedTask();
    const { room } = task;
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
    const costMicros = asMicros(45);
    const calls = [TOOL, HANDED_IN].map(({ tool, input }, at) => ({ id: `c${at}`, name: tool, input }));
    const step = { step: 1, text: "", toolCalls: calls, assistant: null, usage: USAGE, costMicros };
    const ended = { callId, bill: { status: "billed", usage: USAGE, costMicros }, ms: 1 } as const;
    expect(await room.commitAnswer(1, ended, step, null)).toBe("continue");
    await evictRooms(task.day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    return task;
  }

  test("is followed by one that runs them under the same keys, and ends with the result", async () => {
    const task = await answeredOnly();
    const tool = countingTool();
    const models = new ScriptedModels({});
    await runSlice(traceDeps(models, { tools: [tool] }), task.message(2));
    expect(models.asked).toEqual([]);
    expect(tool.keys).toEqual([`${task.taskId}-1-1-0`]);
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 1 });
  });

  test("is followed by one that asks for another step where one of them failed", async () => {
    const task = await answeredOnly();
    const models = new ScriptedModels({ steps: [BOTH, SUBMIT] });
    await runSlice(traceDeps(models), task.message(2));
    expect(models.asked).toEqual([`step ${CHEAP} 2`]);
    const [first] = await outcomesOf(task);
    expect(first).toMatchObject([
      { ok: false, error: { code: "unknown_tool" } },
      { ok: false, error: { code: "not_submitted" } },
    ]);
    expect(await task.room.view()).toMatchObject({ state: "finished", result: "42", steps: 2 });
  });
});

describe("a cancel while an answer with a submission comes in", () => {
  test("lets no tool run, and leaves the result", async () => {
    const task = await awardedTask();
    const tool = countingTool();
    const models = new ScriptedModels({ steps: [BOTH] });
    const step = models.step.bind(models);
    models.step = async (...asked) => {
      await task.day.market.cancel(task.taskId);
      return step(...asked);
    };
    await runSlice(traceDeps(models, { tools: [tool] }), task.message(1));
    expect(tool.keys).toEqual([]);
    expect(await task.room.view()).toMatchObject({ state: "cancelled", result: "42" });
    expect(await outcomesOf(task)).toMatchObject([[{ ok: false }, { ok: true }]]);
  });
});

describe("a result that was handed in and does not count", () => {
  const failing = {
    ...countingTool(),
    execute: async () => ({ ok: false, error: { code: "unreachable", message: "gone" } }) as const,
  };
  const ended = { state: "failed", failureReason: "step_limit", result: null };

  test.each([
    { as: "the partial result", wrapUp: { text: " ", finish: "length" }, partialResult: "42" },
    {
      as: "the partial result, until words follow",
      wrapUp: { text: "so f", finish: "length" },
      partialResult: "so f",
    },
  ] as const)("is $as", async ({ wrapUp, partialResult }) => {
    const { room, message } = await awardedTask({ limits: { maxSteps: 2 } });
    const models = new ScriptedModels({ steps: [BOTH, [wrapUp]] });
    await runSlice(traceDeps(models, { tools: [failing] }), message(1));
    expect(await room.view()).toMatchObject({ ...ended, partialResult });
  });

  test("is the partial result where a cancel came while what was called beside it ran", async () => {
    const { day, taskId, room, message } = await awardedTask();
    const tool = {
      ...failing,
      execute: async () => {
        await day.market.cancel(taskId);
        return failing.execute();
      },
    };
    const models = new ScriptedModels({ steps: [BOTH] });
    await runSlice(traceDeps(models, { tools: [tool] }), message(1));
    expect(await room.view()).toMatchObject({ state: "cancelled", result: null, partialResult: "42" });
  });
});
