/** Large steps, large traces: each limit held at it, and just above it. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { MAX_ANSWER_BYTES, MAX_OUTCOME_BYTES, MAX_TRACE_BYTES } from "../../../src/market/journal-limits.ts";
import { asMicros } from "../../../src/market/money.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";
import { BOUND, ScriptedModels, USAGE } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  evictRooms,
  stopTheClock,
  traceDeps,
  type TaskStub,
} from "./market-day.ts";
import { deliver, held, leaseOf, SUBMIT, traceMessage } from "./stuck-day.ts";

beforeEach(() => {
  stopTheClock();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A step whose answer is so long as it is stored. */
function stepOf(step: number, bytes: number, tools = 0) {
  const toolCalls = Array.from({ length: tools }, (_, at) => ({ id: `c${at}`, name: "http", input: {} }));
  const empty = { step, text: "", toolCalls, assistant: null, usage: USAGE, costMicros: asMicros(45) };
  return { ...empty, text: "x".repeat(bytes - utf8Bytes(JSON.stringify(empty))) };
}

async function commit(room: TaskStub, step: ReturnType<typeof stepOf>) {
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

  test("of a larger answer ends its task with the reason, its call billed and nothing held", async () => {
    const task = await awardedTask();
    await task.room.takeTrace(1, 1);
    expect(await commit(task.room, stepOf(1, MAX_ANSWER_BYTES + 1))).toBe("lost");
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "journal_limit",
      steps: 0,
      costs: { traceMicros: 45 },
    });
    expect(await held(task)).toBe(0);
  });
});

describe("a trace", () => {
  async function filled(lastBytes: number) {
    const task = await awardedTask({ limits: { maxSteps: 500 } });
    await task.room.takeTrace(1, 1);
    const full = MAX_TRACE_BYTES / MAX_ANSWER_BYTES;
    for (let step = 1; step < full; step += 1) {
      expect(await commit(task.room, stepOf(step, MAX_ANSWER_BYTES - 2))).toBe("continue");
    }
    // Without tools a step's outcomes are an empty list: two bytes.
    return { task, answer: await commit(task.room, stepOf(full, lastBytes)) };
  }

  test("of as much as its room keeps is handed to its next holder whole, and ends well", async () => {
    const { task, answer } = await filled(MAX_ANSWER_BYTES);
    expect(answer).toBe("continue");
    await task.room.handOver(1);
    await evictRooms(task.room);
    const { generation } = await leaseOf(task);
    const taken = await task.room.takeTrace(1, generation);
    const steps = taken.ok ? taken.value.steps : [];
    const total = steps.reduce((sum, step) => sum + step.text.length, 0);
    expect(steps).toHaveLength(8);
    expect(total).toBeGreaterThan(0.99 * MAX_TRACE_BYTES);
  });

  test("of more ends with the reason, and keeps what it has", async () => {
    const { task, answer } = await filled(MAX_ANSWER_BYTES);
    expect(answer).toBe("continue");
    expect(await commit(task.room, stepOf(9, 1_000))).toBe("lost");
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "journal_limit",
      steps: 8,
    });
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
