/** Whoever hears text hears that of a step whose answer was committed before its trace was given up. */
import { expect, test, vi } from "vitest";
import { TaskRoom } from "../../../src/index.ts";
import type { TaskEvent } from "../../../src/market/event.ts";
import { newId } from "../../../src/market/ids.ts";
import type { TextEvent } from "../../../src/market/live-text.ts";
import { aUsage } from "../../support/builders.ts";
import { BOUND, ScriptedModels } from "../../support/scripted-models.ts";
import { awardedTask, CHEAP, config, countingTool, useStoppedClock, traceDeps } from "./market-day.ts";
import { failToDeath, goOn, stuckId, SUBMIT, traceMessage } from "./stuck-day.ts";

const clock = useStoppedClock();

test("a step whose tools only the redrive has run is heard with its text", async () => {
  const task = await awardedTask();
  const { room } = task;
  expect((await room.takeTrace(1, 1)).ok).toBe(true);
  const callId = newId("cal", config.source);
  await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  const [usage, costMicros] = [aUsage(), BOUND];
  const toolCalls = [{ id: "call-1", name: "http", input: {} }];
  const answered = { step: 1, text: "I look.", toolCalls, assistant: null, usage, costMicros };
  const ended = { callId, bill: { status: "billed", usage, costMicros }, ms: 1 } as const;
  expect(await room.commitAnswer(1, ended, answered, null)).toBe("continue");
  await room.handOver(1);
  const faulty = vi.spyOn(TaskRoom.prototype, "commitTools").mockRejectedValue(new RangeError("a fault"));
  const tools = [countingTool()];
  const models = new ScriptedModels({ steps: [SUBMIT, SUBMIT] });
  await failToDeath(traceDeps(models, { tools }), traceMessage(task, 2), clock.pass);
  faulty.mockRestore();
  await task.day.market.redriveStuck(await stuckId(task));

  const headers = { Upgrade: "websocket" };
  const { webSocket } = await room.fetch("https://task-room/events?after=0&text=1", { headers });
  const heard: (TaskEvent | TextEvent)[] = [];
  webSocket?.addEventListener("message", ({ data }) => {
    heard.push(JSON.parse(String(data)) as TaskEvent | TextEvent);
  });
  webSocket?.accept();
  await goOn(task, traceDeps(models, { tools }));
  await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ type: "task-finished" }));
  const at = heard.findIndex((one) => one.type === "step-committed");
  expect(heard[at]).toMatchObject({ step: 1, textChars: 7 });
  let shown = "";
  for (const one of heard.slice(0, at)) {
    if (one.type === "text-withdrawn") shown = "";
    if (one.type === "text-delta" && one.step === 1) shown = shown.slice(0, one.offset) + one.text;
  }
  expect(shown).toBe("I look.");
});
