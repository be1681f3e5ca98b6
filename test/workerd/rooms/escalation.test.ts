/** Verified escalation through the real rooms: fail, settle, sell again among the rest, next agent, until it is over. */
import { describe, expect, test, vi } from "vitest";
import { runDurableObjectAlarm } from "cloudflare:test";
import type { StepRequest } from "../../../src/agents/model-port.ts";
import { taskJson } from "../../../src/api/task-json.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { CHEAP, DEAR, MIDDLE, openMarket, useStoppedClock, traceDeps, types } from "./market-day.ts";
import { attempt, awardedTo, journalOf, receiptOf, ringAll, sold, verdictOf } from "./escalation-day.ts";
import { accountOf, booksOf } from "./money-day.ts";

const clock = useStoppedClock();

describe("a task whose verifier says fail", () => {
  test("is sold to the next best agent, which passes", async () => {
    const day = await openMarket();
    const task = await sold(day);
    const { taskId, room } = task;
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: DEAR, earlierAttempts: [] });
    expect(await attempt(day, task, { attempt: 1, result: "41" })).toEqual([`step ${DEAR} 1`]);
    await awardedTo(room, 2);
    expect(await room.view()).toMatchObject({
      state: "awarded",
      agentId: MIDDLE,
      attempts: 2,
      steps: 0,
      outcome: null,
      result: null,
      verdict: null,
      earlierAttempts: [
        {
          attempt: 1,
          agentId: DEAR,
          verdict: { outcome: "fail", verifier: "equals", evidence: "41" },
          result: "41",
          resultChars: 2,
          steps: 1,
        },
      ],
    });
    const view = await room.view();
    expect(view !== null && taskJson(view)["earlierAttempts"]).toEqual([
      {
        attempt: 1,
        agentId: DEAR,
        verdict: { outcome: "fail", verifier: "equals", evidence: "41" },
        result: "41",
        resultChars: 2,
        steps: 1,
        costMicros: 4_500,
        costUsd: 0.0045,
        awardedAt: "2033-05-18T03:33:20.000Z",
        endedAt: "2033-05-18T03:33:20.000Z",
      },
    ]);
    expect((await day.market.heldTasks())[0]).toMatchObject({ state: "awarded", attempts: 2 });
    expect(await attempt(day, task, { attempt: 2, result: "42" })).toEqual([`step ${MIDDLE} 1`]);
    expect(await room.view()).toMatchObject({
      state: "finished",
      outcome: "pass",
      agentId: MIDDLE,
      result: "42",
      queueMessages: 2,
      earlierAttempts: [{ attempt: 1 }],
    });
    expect((await day.market.heldTasks())[0]).toMatchObject({
      state: "finished",
      outcome: "pass",
      agentId: MIDDLE,
      attempts: 2,
    });
    expect(types(await journalOf(room)).slice(-13)).toEqual([
      "auction-cleared",
      "task-awarded",
      "trace-taken-up",
      "step-committed",
      "trace-ended",
      "verification-ended",
      "task-escalated",
      "task-awarded",
      "trace-taken-up",
      "step-committed",
      "trace-ended",
      "verification-ended",
      "task-finished",
    ]);
    expect((await journalOf(room)).find(({ type }) => type === "task-escalated")).toMatchObject({
      attempt: 1,
      outcome: "fail",
      evidence: "41",
      nextAgentId: MIDDLE,
    });
    const { steps } = (await room.readTrace()) ?? {};
    expect(steps?.map((step) => [step.attempt, step.text])).toEqual([
      [1, "41"],
      [2, "42"],
    ]);
    expect(await receiptOf(room)).toMatchObject({
      status: "cleared",
      clearing: { winner: DEAR },
      escalations: [{ attempt: 2, agentId: MIDDLE, round: 1, passedOver: [] }],
    });
    const { heldMicros, chargedMicros } = await accountOf(day, taskId);
    expect([heldMicros, chargedMicros]).toEqual([0, (await room.view())?.costMicros]);
  });

  test("leaves a trace and an outcome of each attempt to the history, once", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    await attempt(day, task, { attempt: 2, result: "42" });
    const rows = (await day.market.historyBatch(100)).map(({ row }) => row);
    const of = (table: string) => rows.filter((row) => row.table === table);
    expect(of("outcomes")).toMatchObject([
      { attempt: 1, agentId: DEAR, outcome: "fail" },
      { attempt: 2, agentId: MIDDLE, outcome: "pass" },
    ]);
    expect(of("traces")).toMatchObject([
      { attempt: 1, agentId: DEAR, steps: 1, messages: 1 },
      { attempt: 2, agentId: MIDDLE, steps: 1, messages: 1 },
    ]);
    expect(of("tasks")).toMatchObject([{ attempts: 2, agentId: MIDDLE, outcome: "pass" }]);
    expect(of("auctions")).toHaveLength(1);
  });

  test("ends with the fail of the last attempt, when nobody is left", async () => {
    const day = await openMarket();
    const task = await sold(day, { escalation: { mode: "verified", maxAttempts: 8 } });
    for (const number of [1, 2, 3]) {
      await awardedTo(task.room, number);
      await attempt(day, task, { attempt: number, result: `${number}` });
    }
    expect(await task.room.view()).toMatchObject({
      state: "finished",
      outcome: "fail",
      agentId: CHEAP,
      attempts: 3,
      result: "3",
      verdict: { outcome: "fail", evidence: "3" },
      earlierAttempts: [
        { attempt: 1, agentId: DEAR },
        { attempt: 2, agentId: MIDDLE },
      ],
    });
    await receiptOf(task.room);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("ends with its last attempt, when it has had as many as it may", async () => {
    const day = await openMarket();
    const task = await sold(day, { escalation: { mode: "verified", maxAttempts: 2 } });
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    await attempt(day, task, { attempt: 2, result: "43" });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 2 });
    expect(types(await journalOf(task.room)).filter((type) => type === "task-escalated")).toHaveLength(1);
  });

  test("is told to the next agent: its task, its own plan, the verdict and the result, not the trace", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    const taken = await task.room.takeTrace(2, 2);
    expect(taken.ok && taken.value).toMatchObject({
      attempt: 2,
      agent: { id: MIDDLE },
      strategy: "multiply",
      steps: [],
      result: null,
      earlierAttempts: [{ verdict: { outcome: "fail", verifier: "equals", evidence: "41" }, result: "41" }],
    });
  });

  test("is in the prompt of every step of the next agent", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    const models = new ScriptedModels({ steps: [{ tool: "http", input: {} }, { text: "42" }] });
    const step = vi.spyOn(models, "step");
    const { tenantId } = day;
    const message = { kind: "trace", tenantId, taskId: task.taskId, attempt: 2, generation: 2 } as const;
    await runSlice(traceDeps(models), message);
    const prompts = step.mock.calls.map(([, request]) => (request as StepRequest).prompt);
    expect(prompts).toHaveLength(2);
    for (const prompt of prompts)
      expect(prompt.earlier).toEqual([{ outcome: "fail", verifier: "equals", evidence: "41", result: "41" }]);
  });

  test("keeps the beginning of a long result, and says how long it was", async () => {
    const day = await openMarket();
    const task = await sold(day);
    const result = "x".repeat(30_000);
    await attempt(day, task, { attempt: 1, result, verify: verdictOf({ outcome: "fail", evidence: "no" }) });
    await awardedTo(task.room, 2);
    const [first] = (await task.room.view())?.earlierAttempts ?? [];
    expect(first?.resultChars).toBe(30_000);
    expect(first?.result).toBe(result.slice(0, 20_000));
  });
});

describe("between two attempts", () => {
  test("a cancel ends the task, once", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    await day.market.cancel(task.taskId);
    expect(await task.room.view()).toMatchObject({ state: "cancelled", attempts: 2, result: null });
    await ringAll(day, task.room);
    expect(types(await journalOf(task.room)).filter((type) => type === "task-cancelled")).toHaveLength(1);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("its deadline ends the task, once", async () => {
    const day = await openMarket();
    const task = await sold(day, { limits: { deadlineS: 60 } });
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    clock.pass(60_001);
    await runDurableObjectAlarm(task.room);
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "deadline", attempts: 2 });
    await ringAll(day, task.room);
    expect((await booksOf(day)).balances.held).toBe(0);
    expect(await attempt(day, task, { attempt: 2, result: "42" })).toEqual([]);
  });

  test("who held the trace of the first can do nothing to the second's", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    expect((await task.room.takeTrace(2, 1)).ok).toBe(false);
    expect((await task.room.takeTrace(2, 2)).ok).toBe(true);
    expect(await task.room.renewTrace(1)).toBe("lost");
    await task.room.commitVerdict(1, { outcome: "pass", verifier: "equals", evidence: "" });
    await task.room.endTrace(1, null, "agent_failed");
    expect(await task.room.view()).toMatchObject({ state: "running", attempts: 2, outcome: null });
  });

  test("the next auction of a strict tenant goes on", async () => {
    const day = await openMarket({ ordering: "strict" });
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    const other = await sold(day);
    expect(await other.room.view()).toMatchObject({ state: "awarded" });
    await attempt(day, task, { attempt: 2, result: "42" });
    await attempt(day, other, { attempt: 1, result: "42" });
    expect(await other.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });
});
