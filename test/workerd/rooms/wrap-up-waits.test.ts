/** A provider that asks a trace to wait when its time, or its last step, has come. */
import { expect, test } from "vitest";
import type { ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { sold } from "./escalation-day.ts";
import {
  awardedTask,
  config,
  countingTool,
  eventsOf,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { SUBMIT, USE_TOOL } from "./money-day.ts";
import { slice } from "./takeover-day.ts";

const clock = useStoppedClock();

/** At the second step 62 of 600 s are left, of which the wrap-up needs five, and the provider asks to wait for 60. */
async function busyProvider(refuses: (request: StepRequest) => boolean) {
  const { room, message } = await awardedTask({ limits: { deadlineS: 600 } });
  const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
  const answerOf = models.step.bind(models);
  const asked: (string | undefined)[] = [];
  const step: ModelPort["step"] = async (agent, request) => {
    asked.push(request.wrapUp);
    if (request.history.length === 0) clock.pass(538_000);
    if (!refuses(request)) return answerOf(agent, request);
    const failure = { reason: "rate_limited", message: "later", retryAfterMs: 60_000 } as const;
    return { ok: false, failure, bill: { status: "refused" }, ms: 10, requests: 1 };
  };
  const waits: number[] = [];
  const deps = {
    tools: [countingTool()],
    config: { ...config, sliceMs: 600_000 },
    sleep: async (ms: number) => {
      waits.push(ms);
      clock.pass(ms);
    },
  };
  await runSlice(traceDeps(Object.assign(models, { step }), deps), message(1));
  const events = await eventsOf(room);
  return {
    asked,
    waits,
    view: await room.view(),
    failed: events.filter(({ type }) => type === "call-failed"),
    wrapUps: events.filter(({ type }) => type === "wrap-up-asked"),
  };
}

test("where a wait would reach into the wrap-up's time, the wrap-up begins at once", async () => {
  const { asked, waits, view, failed, wrapUps } = await busyProvider(
    ({ history, wrapUp }) => history.length === 1 && wrapUp === undefined,
  );
  expect(waits).toEqual([]);
  expect(asked).toEqual([undefined, undefined, "deadline"]);
  expect(view).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
  expect(failed).toMatchObject([{ step: 2, reason: "rate_limited", failed: 1, retryInMs: 0 }]);
  expect(wrapUps).toMatchObject([{ step: 2, limit: "deadline" }]);
});

test("the wrap-up itself may wait until the deadline", async () => {
  let refusals = 0;
  const { asked, waits, view } = await busyProvider(({ history }) => {
    if (history.length === 0) return false;
    refusals += 1;
    return refusals <= 2;
  });
  expect(waits).toEqual([60_000]);
  expect(asked).toEqual([undefined, undefined, "deadline", "deadline"]);
  expect(view).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
});

test("the wrap-up's calls are counted anew, however its limit came to be known", async () => {
  const { room, message } = await awardedTask({ limits: { deadlineS: 600 } });
  const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
  const answerOf = models.step.bind(models);
  const asked: (string | undefined)[] = [];
  // Three calls fail of a step that may take three: two of them before the clock says that it is the wrap-up's time.
  const step: ModelPort["step"] = async (agent, request) => {
    asked.push(request.wrapUp);
    if (request.history.length === 0 || asked.length > 4) return answerOf(agent, request);
    if (asked.length === 3) clock.pass(590_000);
    const failure = { reason: "rate_limited", message: "later" } as const;
    return { ok: false, failure, bill: { status: "refused" }, ms: 10, requests: 1 };
  };
  const sleep = async (ms: number) => clock.pass(ms);
  const deps = { tools: [countingTool()], config: { ...config, sliceMs: 700_000 }, sleep };
  await runSlice(traceDeps(Object.assign(models, { step }), deps), message(1));
  expect(asked).toEqual([undefined, undefined, undefined, "deadline", "deadline"]);
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
});

test("a wrap-up for which no wait is left ends the task by its reason", async () => {
  const { asked, waits, view } = await busyProvider(({ history }) => history.length > 0);
  expect(waits).toEqual([60_000]);
  expect(asked).toHaveLength(4);
  expect(view).toMatchObject({ state: "failed", failureReason: "deadline", steps: 1 });
});

test("a wrap-up whose model is left alone waits for it, though others have bid: nobody follows at the end", async () => {
  const day = await openMarket();
  const task = await sold(day, { escalation: null, limits: { maxSteps: 2 } });
  const waits: number[] = [];
  const leftAlone = { fails: "circuit_open", retryAfterMs: 10_000 } as const;
  await slice(day, task, {
    attempt: 1,
    steps: [USE_TOOL, [leftAlone, SUBMIT]],
    sleep: async (ms) => void waits.push(ms),
  });
  const seen = { state: "finished", outcome: "pass", result: "42", steps: 2, attempts: 1 };
  expect(await task.room.view()).toMatchObject(seen);
  expect(waits).toEqual([10_000]);
});
