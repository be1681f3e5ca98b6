/** An agent that cannot go on: the next best bidder does, from the last committed step, and all of it is told. */
import { describe, expect, test } from "vitest";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { awardedTo, journalOf, receiptOf, sold, VERIFIER } from "./escalation-day.ts";
import { CHEAP, DEAR, MIDDLE, openMarket, useStoppedClock, types } from "./market-day.ts";
import { openTools } from "./files-day.ts";
import { accountOf, booksOf } from "./money-day.ts";
import { openQuote } from "./quote-day.ts";
import { leaveAfter, LOOK, requestsOf, slice } from "./takeover-day.ts";

useStoppedClock();

const PLAIN = { escalation: null } as const;
const RESULT = { text: "42" } as const;

describe("an agent whose provider fails in the middle of its trace", () => {
  test("is followed by the next best one, which goes on from the last committed step", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    const { room, taskId } = task;
    const first = await leaveAfter(day, task, { attempt: 1, steps: 2 });
    await awardedTo(room, 2);
    const between = { state: "awarded", agentId: MIDDLE, attempts: 2, steps: 2, outcome: null };
    expect(await room.view()).toMatchObject(between);
    const second = await slice(day, task, { attempt: 2, steps: [LOOK, LOOK, LOOK, RESULT] });
    // No step is asked again.
    expect([...first, ...second]).toEqual([
      ...[1, 2, 3].map((step) => `step ${DEAR} ${step}`),
      ...[3, 4].map((step) => `step ${MIDDLE} ${step}`),
    ]);
    expect(await room.view()).toMatchObject({
      state: "finished",
      outcome: "pass",
      agentId: MIDDLE,
      attempts: 2,
      steps: 4,
      earlierAttempts: [{ attempt: 1, agentId: DEAR, verdict: null, handedOver: "agent_failed", steps: 2 }],
    });
    const { steps = [] } = (await room.readTrace()) ?? {};
    expect(steps.map(({ attempt: of, step }) => [of, step])).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
      [2, 4],
    ]);
    const events = await journalOf(room);
    expect(types(events).slice(-9)).toEqual([
      "call-failed",
      "trace-handed-over",
      "task-awarded",
      "trace-taken-up",
      "step-committed",
      "step-committed",
      "trace-ended",
      "verification-ended",
      "task-finished",
    ]);
    expect(events.find(({ type }) => type === "trace-handed-over")).toMatchObject({
      attempt: 1,
      fromAgentId: DEAR,
      toAgentId: MIDDLE,
      reason: "agent_failed",
      stepsSoFar: 2,
    });
    const numbers = events.flatMap((event) => (event.type === "step-committed" ? [event.step] : []));
    expect(numbers).toEqual([1, 2, 3, 4]);
    expect(await receiptOf(room)).toMatchObject({
      clearing: { winner: DEAR },
      escalations: [{ attempt: 2, agentId: MIDDLE, round: 1, passedOver: [], takesOver: true }],
    });
    const { heldMicros, chargedMicros } = await accountOf(day, taskId);
    expect([heldMicros, chargedMicros]).toEqual([0, (await room.view())?.costMicros]);
  });

  test("leaves its files to the next one", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, tools: ["files"] });
    const write = { tool: "write_file", input: { path: "plan.md", text: "half done" } };
    const read = { tool: "read_file", input: { path: "plan.md" } };
    await slice(day, task, { attempt: 1, steps: [write, { fails: "misconfigured" }], openTools });
    await awardedTo(task.room, 2);
    await slice(day, task, { attempt: 2, steps: [read, read, RESULT], openTools });
    const { steps = [] } = (await task.room.readTrace()) ?? {};
    const seen = steps.find(({ attempt: of }) => of === 2)?.toolCalls[0];
    expect(seen).toMatchObject({ name: "read_file", outcome: { ok: true, output: "half done" } });
    expect(await task.room.view()).toMatchObject({ agentId: MIDDLE, outcome: "pass" });
  });

  test("leaves its steps with its name, its own plan to the next one, and a word that it goes on", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    await leaveAfter(day, task, { attempt: 1, steps: 1 });
    await awardedTo(task.room, 2);
    const models = new ScriptedModels({ steps: [LOOK, LOOK, RESULT] });
    const requests = requestsOf(models);
    await slice(day, task, { attempt: 2, steps: [], models });
    const writers = requests.map(({ history }) => history.map(({ writtenBy }) => writtenBy ?? "itself"));
    expect(writers).toEqual([[DEAR], [DEAR, "itself"]]);
    expect(requests).toHaveLength(2);
    for (const { prompt } of requests)
      expect(prompt).toMatchObject({ strategy: "multiply", continues: true, earlier: [] });
  });

  test("before its first step leaves nothing to go on with: the next one begins", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    await leaveAfter(day, task, { attempt: 1, steps: 0 });
    await awardedTo(task.room, 2);
    const models = new ScriptedModels({ steps: [RESULT] });
    const requests = requestsOf(models);
    await slice(day, task, { attempt: 2, steps: [], models });
    expect(requests[0]?.prompt).not.toHaveProperty("continues");
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 1 });
  });

  test("and after it everyone else's: the task fails as the last of them did, and keeps what was written", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    await slice(day, task, { attempt: 1, steps: [LOOK, { fails: "unreachable" }] });
    await awardedTo(task.room, 2);
    await leaveAfter(day, task, { attempt: 2, steps: 2 });
    await awardedTo(task.room, 3);
    await leaveAfter(day, task, { attempt: 3, steps: 3 });
    expect(await task.room.view()).toMatchObject({
      state: "failed",
      failureReason: "agent_failed",
      agentId: CHEAP,
      attempts: 3,
      steps: 3,
    });
    const handed = (await journalOf(task.room)).filter(({ type }) => type === "trace-handed-over");
    expect(handed).toMatchObject([{ stepsSoFar: 1 }, { stepsSoFar: 2, fromAgentId: MIDDLE }]);
    expect(await receiptOf(task.room)).toMatchObject({
      escalations: [
        { agentId: MIDDLE, takesOver: true },
        { agentId: CHEAP, takesOver: true },
      ],
    });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("counts all steps of the trace towards its limit, whoever made them", async () => {
    const day = await openMarket();
    const task = await sold(day, { ...PLAIN, limits: { maxSteps: 4 } });
    await leaveAfter(day, task, { attempt: 1, steps: 2 });
    await awardedTo(task.room, 2);
    expect(await slice(day, task, { attempt: 2, steps: [LOOK, LOOK, LOOK, LOOK, LOOK] })).toHaveLength(2);
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "step_limit", steps: 4 });
  });

  test("is no verdict on anybody: outcomes are unknown, forecasts learn nothing, the history has each part", async () => {
    const day = await openMarket();
    const task = await sold(day, PLAIN);
    await leaveAfter(day, task, { attempt: 1, steps: 2 });
    await awardedTo(task.room, 2);
    await slice(day, task, { attempt: 2, steps: [LOOK, LOOK, LOOK, RESULT] });
    const rows = (await day.market.historyBatch(100)).map(({ row }) => row);
    const of = (table: string) => rows.filter((row) => row.table === table);
    expect(of("outcomes")).toMatchObject([
      { attempt: 1, agentId: DEAR, outcome: "unknown", verifier: null },
      { attempt: 2, agentId: MIDDLE, outcome: "unknown", verifier: "equals" },
    ]);
    expect(of("traces")).toMatchObject([
      { attempt: 1, agentId: DEAR, steps: 2, messages: 1 },
      { attempt: 2, agentId: MIDDLE, steps: 2, messages: 1 },
    ]);
    expect(of("tasks")).toMatchObject([{ attempts: 2, agentId: MIDDLE, outcome: "pass" }]);
    const quote = await openQuote(day, { verifier: VERIFIER });
    const offers = (await quote.room.quote())?.offers ?? [];
    expect(offers.map(({ forecast }) => [forecast.traces, forecast.verified])).toEqual(
      offers.map(() => [0, 0]),
    );
  });
});
