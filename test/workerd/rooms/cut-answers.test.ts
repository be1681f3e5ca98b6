/** A plain answer that was cut at the output limit, withheld by a filter, or broke off, is a step and no result. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { StepRequest } from "../../../src/agents/model-port.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { BOUND, ScriptedModels, USAGE, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  evictRooms,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { SUBMIT, USE_TOOL } from "./stuck-day.ts";

const clock = useStoppedClock();

/** Scripted models that note what each step was asked with. */
function noting(steps: readonly ScriptedStep[]) {
  const models = new ScriptedModels({ steps });
  const asked: StepRequest[] = [];
  const step = models.step.bind(models);
  models.step = async (agent, request: StepRequest) => {
    asked.push(request);
    return step(agent, request);
  };
  return { models, asked };
}

/** The last message of a conversation whose steps' words no provider has written. */
function lastWord({ history }: StepRequest) {
  const readable = history.map((step) => ({
    ...step,
    assistant: { role: "assistant", content: step.text },
  }));
  return traceMessages("task", readable).at(-1)?.content;
}

describe("a plain answer", () => {
  test.each([
    { finish: "length", told: "cut at the output limit" },
    { finish: "content-filter", told: "withheld by a content filter" },
    { finish: "error", told: "broke off" },
  ] as const)(
    "that ended by $finish is no result, and the next step is told so",
    async ({ finish, told }) => {
      const { room, message } = await awardedTask();
      const { models, asked } = noting([{ text: "the first ha", finish }, SUBMIT]);
      await runSlice(traceDeps(models), message(1));
      expect(await room.view()).toMatchObject({ state: "finished", result: "42", steps: 2 });
      expect((await room.readTrace())?.steps).toMatchObject([
        { text: "the first ha", finishReason: finish },
        { finishReason: "tool-calls" },
      ]);
      expect(lastWord(asked[1] as StepRequest)).toContain(told);
    },
  );

  test("that ended well is one, as before", async () => {
    const { room, message } = await awardedTask();
    const { models } = noting([{ text: "42", finish: "stop" }]);
    await runSlice(traceDeps(models), message(1));
    expect(await room.view()).toMatchObject({ state: "finished", result: "42", steps: 1 });
  });

  test("that was cut in the wrap-up is the partial result, and the task ends by its limit", async () => {
    const { room, message } = await awardedTask({ limits: { maxSteps: 2 } });
    const { models } = noting([USE_TOOL, { text: "the first ha", finish: "length" }]);
    await runSlice(traceDeps(models, { tools: [countingTool()] }), message(1));
    expect(await room.view()).toMatchObject({
      state: "failed",
      failureReason: "step_limit",
      result: null,
      partialResult: "the first ha",
      steps: 2,
    });
  });
});

describe("the next holder", () => {
  async function nextAsked(finishReason?: "length") {
    const { day, room, message } = await awardedTask();
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
    const costMicros = asMicros(45);
    const said = { text: "the first ha", toolCalls: [], assistant: null, usage: USAGE, costMicros };
    const ended = { callId, bill: { status: "billed", usage: USAGE, costMicros }, ms: 1 } as const;
    await room.commitAnswer(1, ended, { step: 1, ...said, ...(finishReason && { finishReason }) }, null);
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const { models, asked } = noting([SUBMIT, SUBMIT]);
    await runSlice(traceDeps(models), message(2));
    return lastWord(asked[0] as StepRequest);
  }

  test("tells the same, from the journal", async () => {
    expect(await nextAsked("length")).toContain("cut at the output limit");
  });

  test("says of a step from before reasons were kept what was said of it then", async () => {
    expect(await nextAsked()).toBe("Continue: call a tool, or hand in your result.");
  });
});
