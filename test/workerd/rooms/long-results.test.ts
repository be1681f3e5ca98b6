/** A result that is longer than what is kept of one: it is cut, says so, and its task ends as any. */
import { describe, expect, test } from "vitest";
import type { StepAnswer } from "../../../src/agents/model-port.ts";
import { MAX_RESULT_BYTES } from "../../../src/market/journal-limits.ts";
import { MAX_RESULT_CHARS } from "../../../src/market/submission.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import { awardedTask, countingTool, eventsOf, useStoppedClock, traceDeps } from "./market-day.ts";
import { USE_TOOL } from "./stuck-day.ts";

useStoppedClock();

/** As providers' adapters give it: all that was said stands in the message, too. */
function withMessages(steps: readonly ScriptedStep[]): ScriptedModels {
  const models = new ScriptedModels({ steps });
  const step = models.step.bind(models);
  const message = ({ text, toolCalls }: StepAnswer) => ({
    role: "assistant",
    content: [
      { type: "text", text },
      ...toolCalls.map(({ id, name, input }) => ({
        type: "tool-call",
        toolCallId: id,
        toolName: name,
        input,
      })),
    ],
  });
  models.step = async (...asked) => {
    const answer = await step(...asked);
    return answer.ok ? { ...answer, value: { ...answer.value, assistant: message(answer.value) } } : answer;
  };
  return models;
}

const submit = (result: string) => ({ tool: "submit", input: { result } });

describe("a long result", () => {
  test.each([
    { of: "the longest that is kept", answer: submit("x".repeat(MAX_RESULT_CHARS)), isCut: false },
    { of: "more characters", answer: submit("x".repeat(600_000)), isCut: true },
    { of: "more bytes", answer: submit("語".repeat(400_000)), isCut: true },
    { of: "more than a row takes", answer: submit("x".repeat(3_000_000)), isCut: true },
    { of: "more characters, in a plain answer", answer: { text: "x".repeat(600_000) }, isCut: true },
    { of: "more than a row takes, in a plain answer", answer: { text: "x".repeat(3_000_000) }, isCut: true },
    {
      of: "more characters, beside another call",
      answer: { calls: [{ tool: "http", input: { url: "x" } }, submit("x".repeat(600_000))] },
      isCut: true,
    },
    {
      of: "uneven text",
      answer: submit(`${"\u0001".repeat(250_000)}${"x".repeat(250_000)}`),
      isCut: true,
    },
  ])("of $of is taken, and its task ends well", async ({ answer, isCut }) => {
    const { room, message } = await awardedTask();
    const models = withMessages([USE_TOOL, answer]);
    const verify = async () => ({ outcome: "fail", verifier: "equals", evidence: "another" }) as const;
    await runSlice(traceDeps(models, { tools: [countingTool()], verify }), message(1));
    const view = await room.view();
    expect(view).toMatchObject({ state: "finished", outcome: "fail", steps: 2 });
    const result = view?.result ?? "";
    expect(result.length).toBeLessThanOrEqual(MAX_RESULT_CHARS);
    expect(utf8Bytes(JSON.stringify(result))).toBeLessThanOrEqual(MAX_RESULT_BYTES);
    expect(result.endsWith("[cut: the result was longer than 500,000 characters or 1 MB]")).toBe(isCut);
    expect(await eventsOf(room)).toContainEqual(expect.objectContaining({ type: "trace-ended", steps: 2 }));
    expect((await room.readTrace())?.steps).toHaveLength(2);
  });
});
