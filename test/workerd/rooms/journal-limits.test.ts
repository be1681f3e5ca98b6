/** Large steps, large traces: each limit held at it, and just above it. */
import { describe, expect, test } from "vitest";
import type { StepRequest } from "../../../src/agents/model-port.ts";
import { newId } from "../../../src/market/ids.ts";
import {
  MAX_ANSWER_BYTES,
  MAX_OUTCOME_BYTES,
  MAX_STEP_BYTES,
  MAX_TRACE_BYTES,
  WRAP_UP_BYTES,
} from "../../../src/market/journal-limits.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { AnsweredStep, ToolCall } from "../../../src/market/step.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";
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
  type TaskStub,
} from "./market-day.ts";
import { deliver, held, leaseOf, SUBMIT, traceMessage, USE_TOOL } from "./stuck-day.ts";

useStoppedClock();

/** A step whose answer is so long as it is stored. */
function stepOf(step: number, bytes: number, tools = 0) {
  const toolCalls = Array.from({ length: tools }, (_, at) => ({ id: `c${at}`, name: "http", input: {} }));
  const empty = { step, text: "", toolCalls, assistant: null, usage: USAGE, costMicros: asMicros(45) };
  return { ...empty, text: "x".repeat(bytes - utf8Bytes(JSON.stringify(empty))) };
}

async function commit(room: TaskStub, step: AnsweredStep) {
  const callId = newId("cal", config.source);
  await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
  return room.commitAnswer(1, { callId, bill, ms: 1 }, step, null);
}

const outcome = (bytes: number) => {
  const empty = { ok: true, output: "" } as const;
  return { ok: true, output: "x".repeat(bytes - utf8Bytes(JSON.stringify(empty))) } as const;
};

describe("a step", () => {
  test("of the largest answer and eight of the largest outcomes is one row, and is read again", async () => {
    const task = await awardedTask();
    await task.room.takeTrace(1, 1);
    expect(await commit(task.room, stepOf(1, MAX_ANSWER_BYTES, 8))).toBe("continue");
    const outcomes = Array.from({ length: 8 }, () => outcome(MAX_OUTCOME_BYTES));
    expect(await task.room.commitTools(1, 1, outcomes)).toBe("continue");
    await evictRooms(task.room);
    expect((await task.room.readTrace())?.steps[0]?.toolCalls).toHaveLength(8);
  });

  test("of a larger answer runs no tool, and the wrap-up follows", async () => {
    const task = await awardedTask();
    await task.room.takeTrace(1, 1);
    expect(await commit(task.room, stepOf(1, MAX_ANSWER_BYTES + 1, 1))).toBe("wrap_up");
    await evictRooms(task.room);
    expect((await task.room.readTrace())?.steps[0]?.toolCalls).toMatchObject([
      { outcome: { ok: false, error: { code: "not_run" } } },
    ]);
  });

  test("of an answer that is larger than a row is kept in its beginning, and the wrap-up follows", async () => {
    const task = await awardedTask();
    await task.room.takeTrace(1, 1);
    expect(await commit(task.room, stepOf(1, MAX_STEP_BYTES + 1, 1))).toBe("wrap_up_cut");
    await evictRooms(task.room);
    const [kept] = (await task.room.readTrace())?.steps ?? [];
    expect(kept?.text).toMatch(/^x{1000}\n\[cut: of 1\d{6} bytes .*; tool calls left out: 1\]$/);
    expect(kept?.toolCalls).toEqual([]);
    expect(await task.room.view()).toMatchObject({ costs: { traceMicros: 45 } });
  });

  test.each(["http", "submit"])(
    "of thousands of tiny calls of %s has none of them run, and the wrap-up follows",
    async (name) => {
      const task = await awardedTask();
      await task.room.takeTrace(1, 1);
      const toolCalls = Array.from({ length: 8_000 }, (_call, at) => ({ id: `call_${at}`, name, input: {} }));
      const step = { ...stepOf(1, 500), toolCalls };
      expect(utf8Bytes(JSON.stringify(step))).toBeLessThan(MAX_ANSWER_BYTES);
      expect(await commit(task.room, step)).toBe("wrap_up");
      const calls = (await task.room.readTrace())?.steps[0]?.toolCalls ?? [];
      expect(calls.filter(({ outcome: { ok } }) => !ok)).toHaveLength(8_000);
    },
  );

  test("of as many calls as are let through has room for an answer to each of them", async () => {
    const task = await awardedTask();
    await task.room.takeTrace(1, 1);
    const some = { ...stepOf(1, 500), toolCalls: [] as ToolCall[] };
    const fits = (calls: number) => {
      const toolCalls = Array.from({ length: calls }, (_, at) => ({ id: `c${at}`, name: "http", input: {} }));
      return { ...some, toolCalls };
    };
    // 880 KB are those of the eight, and each of the others takes some 40 bytes, and 250 at most for its answer.
    const calls = 3_400;
    expect(await commit(task.room, fits(calls))).toBe("continue");
    const refused = { ok: false, error: { code: "too_many_calls", message: "x".repeat(190) } } as const;
    const outcomes = Array.from({ length: calls }, (_, at) =>
      at < 8 ? outcome(MAX_OUTCOME_BYTES) : refused,
    );
    expect(await task.room.commitTools(1, 1, outcomes)).toBe("continue");
    expect((await task.room.readTrace())?.steps[0]?.toolCalls).toHaveLength(calls);
  });
});

describe("a trace", () => {
  async function filled(lastBytes: number, tools = 0) {
    const task = await awardedTask({ limits: { maxSteps: 500 } });
    await task.room.takeTrace(1, 1);
    const full = MAX_TRACE_BYTES / MAX_ANSWER_BYTES;
    for (let step = 1; step < full; step += 1) {
      expect(await commit(task.room, stepOf(step, MAX_ANSWER_BYTES - 2))).toBe("continue");
    }
    // Without tools a step's outcomes are an empty list: two bytes.
    return { task, answer: await commit(task.room, stepOf(full, lastBytes, tools)) };
  }

  test("of as much as its room keeps is handed to its next holder whole, and ends well", async () => {
    const { task, answer } = await filled(MAX_ANSWER_BYTES - WRAP_UP_BYTES);
    expect(answer).toBe("continue");
    await task.room.handOver(1);
    await evictRooms(task.room);
    const { generation } = await leaseOf(task);
    const taken = await task.room.takeTrace(1, generation);
    const steps = taken.ok ? taken.value.steps : [];
    const total = steps.reduce((sum, step) => sum + step.text.length, 0);
    expect(steps).toHaveLength(8);
    expect(total).toBeGreaterThan(0.98 * MAX_TRACE_BYTES);
  });

  /** Its next holder, with what it was asked and its tool. */
  async function goesOn(task: AwardedTask, steps: readonly ScriptedStep[]) {
    const { generation } = await leaseOf(task);
    const models = new ScriptedModels({ steps: [...Array.from({ length: 8 }, () => USE_TOOL), ...steps] });
    const asked: (string | undefined)[] = [];
    const step = models.step.bind(models);
    models.step = async (agent, request: StepRequest) => {
      asked.push(request.wrapUp);
      return step(agent, request);
    };
    const tool = countingTool();
    await deliver(traceDeps(models, { tools: [tool] }), traceMessage(task, generation));
    return { asked, ran: tool.keys.length };
  }

  const NEAR = MAX_ANSWER_BYTES - WRAP_UP_BYTES - 10_000;

  test("that has no room for what its tools would answer does not run them, and is wrapped up", async () => {
    const { task, answer } = await filled(NEAR, 1);
    expect(answer).toBe("wrap_up");
    // Whoever comes after the holder's death asks for the same.
    await evictRooms(task.room);
    await task.room.handOver(1);
    expect(await goesOn(task, [SUBMIT])).toEqual({ asked: ["journal_limit"], ran: 0 });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 9 });
    const last = (await task.room.readTrace())?.steps.find(({ step }) => step === 8);
    expect(last?.toolCalls).toMatchObject([{ outcome: { ok: false, error: { code: "not_run" } } }]);
    const asked = (await eventsOf(task.room)).filter(({ type }) => type === "wrap-up-asked");
    expect(asked).toMatchObject([{ step: 9, limit: "journal_limit" }]);
  });

  test("is wrapped up by the holder that was answered so, too", async () => {
    const { task, answer } = await filled(MAX_ANSWER_BYTES - 250_000);
    expect(answer).toBe("continue");
    await task.room.handOver(1);
    // Each call may be answered with as much as one tool's answer takes.
    const calls = Array.from({ length: 3 }, () => ({ tool: "http", input: { url: "x" } }));
    expect(await goesOn(task, [{ calls }, SUBMIT])).toEqual({ asked: [undefined, "journal_limit"], ran: 0 });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 10 });
  });

  test.each<[string, ScriptedStep]>([
    ["with calls", { calls: [{ tool: "http", input: { url: "x".repeat(400_000) } }] }],
    ["cut off at its limit of output", { text: "字".repeat(150_000), finish: "length" }],
  ])("whose answer is longer than was kept back for it is wrapped up: %s", async (_, long) => {
    const { task } = await filled(MAX_ANSWER_BYTES - 250_000);
    await task.room.handOver(1);
    expect(await goesOn(task, [long, SUBMIT])).toEqual({ asked: [undefined, "journal_limit"], ran: 0 });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 10 });
    const kept = (await task.room.readTrace())?.steps.find(({ step }) => step === 9);
    expect(kept).toMatchObject({ text: expect.stringContaining("[cut: of ") as string, toolCalls: [] });
  });

  test("whose wrap-up has more calls than there is room for takes its result", async () => {
    const { task } = await filled(NEAR);
    await task.room.handOver(1);
    const calls = Array.from({ length: 2_000 }, () => ({ tool: "submit", input: { result: "42" } }));
    await goesOn(task, [{ calls }]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 9 });
  });

  test("begins no step whose answer might leave no room for the wrap-up", async () => {
    const { task, answer } = await filled(NEAR);
    expect(answer).toBe("continue");
    await task.room.handOver(1);
    expect((await goesOn(task, [SUBMIT])).asked).toEqual(["journal_limit"]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 9 });
  });

  test("begins none with its tools' answers either", async () => {
    const { task, answer } = await filled(NEAR - MAX_OUTCOME_BYTES, 1);
    expect(answer).toBe("continue");
    const call = {
      callId: newId("cal", config.source),
      kind: "trace",
      agentId: CHEAP,
      boundMicros: BOUND,
    } as const;
    const told = await task.room.commitTools(1, 8, [outcome(MAX_OUTCOME_BYTES)], { call, terms: {} });
    expect(told).toEqual({ answer: "continue", listened: false });
    await task.room.handOver(1);
    expect((await goesOn(task, [SUBMIT])).asked).toEqual(["journal_limit"]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 9 });
  });

  test("that hands nothing in when it is wrapped up ends with the reason, and keeps what it wrote", async () => {
    const { task } = await filled(NEAR);
    await task.room.handOver(1);
    await goesOn(task, [{ text: "half of it", finish: "length" }]);
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "journal_limit",
      partialResult: "half of it",
      steps: 9,
    });
  });

  test("takes a result beside calls for which there is no room", async () => {
    const { task, answer } = await filled(MAX_ANSWER_BYTES - 250_000);
    expect(answer).toBe("continue");
    await task.room.handOver(1);
    const calls = Array.from({ length: 3 }, () => ({ tool: "http", input: { url: "x" } }));
    const both = { calls: [...calls, { tool: "submit", input: { result: "42" } }] };
    expect(await goesOn(task, [both])).toEqual({ asked: [undefined], ran: 0 });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 9 });
  });

  test("takes a result for whose words there is no room: it stands in the task's own row", async () => {
    const { task } = await filled(NEAR);
    await task.room.handOver(1);
    const result = "x".repeat(400_000);
    await goesOn(task, [{ tool: "submit", input: { result } }]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", result });
  });

  test("of more ends with the reason, keeps what it has, its calls billed and nothing held", async () => {
    const { task, answer } = await filled(MAX_ANSWER_BYTES - WRAP_UP_BYTES);
    expect(answer).toBe("continue");
    expect(await commit(task.room, stepOf(9, 1_000))).toBe("lost");
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "journal_limit",
      steps: 8,
      costs: { traceMicros: 8 * 45 },
    });
    expect(await held(task)).toBe(0);
  });

  test("of 500 steps with what tools usually answer is carried on like any other", async () => {
    const task = await awardedTask({ limits: { maxSteps: 500 } });
    await task.room.takeTrace(1, 1);
    for (let step = 1; step < 500; step += 1) await commit(task.room, stepOf(step, 2_000));
    await task.room.handOver(1);
    const { generation } = await leaseOf(task);
    const steps = Array.from({ length: 499 }, () => ({ text: "" }));
    const models = new ScriptedModels({ steps: [...steps, SUBMIT] });
    await deliver(traceDeps(models), traceMessage(task, generation));
    expect(await task.room.view()).toMatchObject({ state: "finished", steps: 500 });
  });
});
