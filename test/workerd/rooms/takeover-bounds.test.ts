/** Takeovers at their edges: dead holders, those whom nobody follows, and verified escalation beside them. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aUsage } from "../../support/builders.ts";
import { BOUND, ScriptedModels } from "../../support/scripted-models.ts";
import {
  attempt,
  awardedTo,
  journalOf,
  receiptOf,
  ringAll,
  sold,
  VERIFIED,
  VERIFIER,
} from "./escalation-day.ts";
import { CHEAP, config, DEAR, MIDDLE, openMarket, useStoppedClock, types } from "./market-day.ts";
import { booksOf } from "./money-day.ts";
import { openQuote } from "./quote-day.ts";
import { leaveAfter, LOOK, requestsOf, slice } from "./takeover-day.ts";

const clock = useStoppedClock();

const PLAIN = { escalation: null } as const;
const RESULT = { text: "42" } as const;

describe("holders that die with an agent again and again", () => {
  test("lead to the next one; a step whose tools nobody heard of is closed, and runs for nobody else", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const { room } = task;
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const callId = newId("cal", config.source);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: DEAR, boundMicros: BOUND });
    const [usage, costMicros] = [aUsage(), asMicros(45)];
    const toolCalls = [{ id: "call-1", name: "http", input: {} }];
    const answered = { step: 1, text: "", toolCalls, assistant: null, usage, costMicros };
    await room.commitAnswer(
      1,
      { callId, bill: { status: "billed", usage, costMicros }, ms: 1 },
      answered,
      null,
    );
    for (let generation = 2; generation <= 7; generation += 1) {
      clock.pass(60_001);
      await runDurableObjectAlarm(room);
      await room.takeTrace(1, generation);
    }
    await ringAll(day, room);
    await awardedTo(room, 2);
    const models = new ScriptedModels({ steps: [LOOK, RESULT] });
    const requests = requestsOf(models);
    const generation = 8;
    await slice(day, task, { attempt: 2, generation, steps: [], models });
    const [seen] = requests[0]?.history ?? [];
    expect(seen?.toolCalls[0]?.outcome).toMatchObject({ ok: false, error: { code: "interrupted" } });
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
    const events = await journalOf(room);
    const at = types(events).indexOf("trace-handed-over");
    expect(types(events).slice(at - 1, at + 2)).toEqual([
      "step-committed",
      "trace-handed-over",
      "task-awarded",
    ]);
    expect(events[at]).toMatchObject({ reason: "trace_abandoned", stepsSoFar: 1 });
    expect(events[at - 1]).toMatchObject({ attempt: 1, step: 1, tools: [{ name: "http", ok: false }] });
  });

  test("lead to nobody, where its result stands: what they die of is the verification", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const dying = async () => {
      throw new Error("the isolate ran out of memory");
    };
    await expect(attempt(day, task, { attempt: 1, result: "42", verify: dying })).rejects.toThrow("memory");
    // Its message comes again, and from then on nobody lives to tell.
    for (const generation of [1, 3, 4, 5, 6, 7]) {
      await task.room.takeTrace(1, generation);
      clock.pass(60_001);
      await runDurableObjectAlarm(task.room);
    }
    await ringAll(day, task.room);
    const seen = { state: "failed", failureReason: "trace_abandoned", attempts: 1, result: "42" };
    expect(await task.room.view()).toMatchObject(seen);
  });
});

describe("a model that is left alone", () => {
  const leftAlone = (retryAfterMs: number) => ({ fails: "circuit_open", retryAfterMs }) as const;

  test("for longer than at first is followed at once: another agent can go on", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    expect(await slice(day, task, { attempt: 1, steps: [LOOK, leftAlone(10_001)] })).toHaveLength(2);
    await awardedTo(task.room, 2);
    expect(await task.room.view()).toMatchObject({ agentId: MIDDLE, steps: 1 });
  });

  test("for no longer is waited for, and goes on itself", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const steps = [LOOK, [leftAlone(10_000), leftAlone(9_000), RESULT]];
    expect(await slice(day, task, { attempt: 1, steps, sleep })).toHaveLength(4);
    expect(waits).toEqual([10_000, 9_000]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 1 });
  });

  test("again and again is followed after three calls", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    expect(await slice(day, task, { attempt: 1, steps: [LOOK, leftAlone(10_000)] })).toHaveLength(4);
    await awardedTo(task.room, 2);
    expect(await task.room.view()).toMatchObject({ agentId: MIDDLE, steps: 1 });
  });

  test("is waited for where nobody else can, and costs nothing meanwhile", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, policy: `always:${DEAR}` });
    expect(await slice(day, task, { attempt: 1, steps: [LOOK, leftAlone(20_000)] })).toHaveLength(4);
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
    const { calls = [] } = (await task.room.readTrace()) ?? {};
    const bills = calls.map(({ status, costMicros }) => [status, costMicros > 0]);
    expect(bills.filter(([status]) => status === "refused")).toEqual(
      Array.from({ length: 3 }, () => ["refused", false]),
    );
  });
});

describe("nobody takes over", () => {
  test("where the policy holds no auction: there is no other bid", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, policy: "cheapest" });
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "agent_failed",
      attempts: 1,
    });
  });

  test("what a tenant chose from a quote: its price and its cap are that agent's", async () => {
    const day = await openMarket();
    const quote = await openQuote(day, { verifier: VERIFIER });
    expect((await quote.accept(DEAR)).ok).toBe(true);
    await leaveAfter(day, quote, { attempt: 1, steps: 1 });
    expect(await quote.room.view()).toMatchObject({
      state: "failed",
      failureReason: "agent_failed",
      attempts: 1,
    });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("what a limit ended", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, limits: { maxSteps: 1 } });
    await slice(day, task, { attempt: 1, steps: [LOOK] });
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "step_limit",
      attempts: 1,
    });
  });

  test("of a room of the version before, whose report does not say that it hands on", async () => {
    const day = await openMarket();
    const { taskId, room } = await sold(day, PLAIN);
    const report = {
      taskId,
      attempt: 1,
      end: { state: "failed", reason: "agent_failed" },
      verdict: null,
      trace: null,
      mayGoOn: true,
    } as const;
    expect(await day.market.ended(report)).toEqual(report.end);
    expect((await room.view())?.attempts).toBe(1);
  });

  test("once the deadline has passed", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, limits: { deadlineS: 60 } });
    const { room } = task;
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    clock.pass(60_000);
    await room.endTrace(1, null, "agent_failed");
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed", attempts: 1 });
  });
});

describe("together with verified escalation", () => {
  test("a takeover is no attempt more, and who was tried is not tried again", async () => {
    const day = await openMarket();
    const task = await sold(day, { escalation: { ...VERIFIED, maxAttempts: 2 } });
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    await awardedTo(task.room, 2);
    // The middle one's result fails: the second attempt of two is the cheap one's, which begins anew.
    await slice(day, task, { attempt: 2, steps: [LOOK, { text: "41" }] });
    await awardedTo(task.room, 3);
    const taken = await task.room.takeTrace(3, 3);
    expect(taken.ok && taken.value).toMatchObject({
      agent: { id: CHEAP },
      steps: [],
      earlierAttempts: [{ verdict: { outcome: "fail" }, result: "41" }],
    });
    expect(taken.ok && taken.value.earlierAttempts).toHaveLength(1);
    await task.room.commitVerdict(3, { outcome: "fail", verifier: "equals", evidence: "no" });
    expect(await task.room.view()).toMatchObject({
      state: "finished",
      outcome: "fail",
      attempts: 3,
      earlierAttempts: [{ verdict: null }, { verdict: { outcome: "fail" }, continuesFrom: 1 }],
    });
    expect(await receiptOf(task.room)).toMatchObject({
      escalations: [
        { attempt: 2, agentId: MIDDLE, takesOver: true },
        { attempt: 3, agentId: CHEAP },
      ],
    });
    const events = types(await journalOf(task.room));
    expect(events.filter((type) => type === "task-escalated" || type === "trace-handed-over")).toEqual([
      "trace-handed-over",
      "task-escalated",
    ]);
  });

  test("who takes over after an escalation goes on with that attempt alone", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await slice(day, task, { attempt: 1, steps: [LOOK, LOOK, { text: "41" }] });
    await awardedTo(task.room, 2);
    await leaveAfter(day, task, { attempt: 2, steps: 1 });
    await awardedTo(task.room, 3);
    const taken = await task.room.takeTrace(3, 3);
    expect(taken.ok && taken.value.steps).toMatchObject([{ step: 1, writtenBy: MIDDLE }]);
    expect(taken.ok && taken.value).toMatchObject({ earlierAttempts: [{ result: "41" }] });
  });
});
