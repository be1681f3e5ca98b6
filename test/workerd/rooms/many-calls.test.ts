/** A step that asks for more tools than run in one: those that do not are answered, too. */
import { expect, test } from "vitest";
import type { ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { MAX_CALLS_PER_STEP } from "../../../src/market/step.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { awardedTask, countingTool, eventsOf, traceDeps } from "./market-day.ts";
import { SUBMIT, USE_TOOL } from "./money-day.ts";

const ASKED = MAX_CALLS_PER_STEP + 2;
const CALLS = Array.from({ length: ASKED }, (_, at) => ({
  id: `call-${at}`,
  name: "http",
  input: { at: `${at}` },
}));

/** The first step asks for all of them at once. */
function greedy() {
  const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
  const sent: StepRequest[] = [];
  const answerOf = models.step.bind(models);
  const step: ModelPort["step"] = async (agent, request) => {
    sent.push(request);
    const answer = await answerOf(agent, request);
    if (!answer.ok || request.history.length > 0) return answer;
    const content = CALLS.map(({ id, name, input }) => ({
      type: "tool-call",
      toolCallId: id,
      toolName: name,
      input,
    }));
    return {
      ...answer,
      value: { ...answer.value, toolCalls: CALLS, assistant: { role: "assistant", content } },
    };
  };
  return { port: Object.assign(models, { step }) satisfies ModelPort, sent };
}

test("of a step's calls eight run, the others are told so, and the next prompt answers each", async () => {
  const { room, message } = await awardedTask();
  const tool = countingTool();
  const { port, sent } = greedy();
  await runSlice(traceDeps(port, { tools: [tool] }), message(1));
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });

  expect(new Set(tool.keys).size).toBe(MAX_CALLS_PER_STEP);
  expect(tool.keys).toHaveLength(MAX_CALLS_PER_STEP);
  const [first] = (await room.readTrace())?.steps ?? [];
  const outcomes = first?.toolCalls.map(({ outcome }) => (outcome.ok ? outcome.output : outcome.error.code));
  expect(outcomes).toEqual([
    ...Array.from({ length: MAX_CALLS_PER_STEP }, () => "done"),
    "too_many_calls",
    "too_many_calls",
  ]);
  const told = (await eventsOf(room)).find((event) => event.type === "step-committed");
  expect(told?.tools.map(({ ok }) => ok)).toEqual(CALLS.map((_, at) => at < MAX_CALLS_PER_STEP));

  const [, assistant, answers, ...rest] = traceMessages("", sent[1]?.history ?? []);
  expect([assistant?.role, answers?.role, rest]).toEqual(["assistant", "tool", []]);
  const idsOf = (of: typeof answers) =>
    typeof of?.content === "string"
      ? []
      : of?.content.map((part) => ("toolCallId" in part ? part.toolCallId : "?"));
  expect(idsOf(answers)).toEqual(CALLS.map(({ id }) => id));
  expect(idsOf(assistant)).toEqual(idsOf(answers));
  expect(JSON.stringify(answers?.content.at(-1))).toContain(`At most ${MAX_CALLS_PER_STEP} tool calls`);
});
