/** A task whose verdict is the tenant's: it waits, costs nothing meanwhile, and is settled once, by whoever comes first. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { DEFAULT_TENANT_LIMITS } from "../../../src/market/rate-limit.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { aUsage } from "../../support/builders.ts";
import { attempt, awardedTo, journalOf, ringAll, sold } from "./escalation-day.ts";
import { alarmOf, config, DEAR, MIDDLE, openMarket, useStoppedClock, types } from "./market-day.ts";
import { accountOf, booksOf } from "./money-day.ts";
import { anOutcome, DAY_MS, marketStateOf, timersOf, USER, waiting } from "./waiting-day.ts";

const clock = useStoppedClock();

describe("a task with the verifier `user`", () => {
  test("waits once it has a result, says for whom and until when, and the list says so too", async () => {
    const day = await openMarket();
    const task = await waiting(day);
    const untilMs = Date.now() + DAY_MS;
    expect(await task.room.view()).toMatchObject({
      state: "waiting",
      waitsFor: "user",
      waitsUntilMs: untilMs,
      result: "41",
      verdict: null,
    });
    expect(await marketStateOf(day, task)).toBe("waiting");
    await task.room.tellOutcome(anOutcome());
    const events = await journalOf(task.room);
    expect(types(events).slice(-4)).toEqual([
      "trace-ended",
      "verification-waits",
      "verification-ended",
      "task-finished",
    ]);
    expect(events.at(-3)).toMatchObject({ attempt: 1, for: "user", untilMs });
  });

  test("has one timer meanwhile, for the end of the wait, and its market room none", async () => {
    const day = await openMarket();
    const { room } = await waiting(day, { verifier: { type: "user", timeoutS: 3_600 } });
    const dueAtMs = Date.now() + 3_600_000;
    await ringAll(day, room);
    expect(await timersOf(room)).toEqual([{ kind: "verification", due_at_ms: dueAtMs }]);
    expect(await alarmOf(room)).toBe(dueAtMs);
    // But for what of its auction is on its way to the memory's index.
    await vi.waitFor(async () => {
      await carryRows(config, day.tenantId);
      expect((await timersOf(day.market)).filter(({ kind }) => kind !== "memory")).toEqual([]);
    }, 5_000);
  });

  test.each(["pass", "fail", "unknown"] as const)("ends as it is told: %s", async (outcome) => {
    const day = await openMarket();
    const task = await waiting(day);
    const answer = { attempt: 1, outcome, evidence: "seen", replayed: false };
    expect(await task.room.tellOutcome(anOutcome({ outcome, evidence: "seen" }))).toEqual({
      ok: true,
      value: answer,
    });
    expect(await task.room.view()).toMatchObject({
      state: "finished",
      outcome,
      verdict: { outcome, verifier: "user", evidence: "seen" },
      waitsFor: null,
      waitsUntilMs: null,
    });
    expect(await marketStateOf(day, task)).toBe("finished");
    await ringAll(day, task.room);
    expect(await timersOf(task.room)).toEqual([]);
  });

  test("told the same again answers the same, told otherwise is refused", async () => {
    const { room } = await waiting(await openMarket());
    const first = await room.tellOutcome(anOutcome({ outcome: "pass", evidence: "good" }));
    expect(await room.tellOutcome(anOutcome({ outcome: "pass", evidence: "other words" }))).toEqual(first);
    expect(await room.tellOutcome(anOutcome({ outcome: "fail" }))).toEqual({
      ok: false,
      failure: { reason: "outcome_settled", attempt: 1, outcome: "pass" },
    });
    expect(types(await journalOf(room)).filter((type) => type === "verification-ended")).toHaveLength(1);
  });

  test("told at once by several is settled by the first", async () => {
    const { room } = await waiting(await openMarket());
    const answers = await Promise.all(
      (["fail", "pass", "fail"] as const).map(async (outcome) => room.tellOutcome(anOutcome({ outcome }))),
    );
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect((await room.view())?.outcome).toBe("fail");
  });

  test("is unknown once the wait is over, and who speaks later is told so", async () => {
    const day = await openMarket();
    const { room } = await waiting(day);
    clock.pass(DAY_MS - 1);
    await runDurableObjectAlarm(room);
    expect((await room.view())?.state).toBe("waiting");
    clock.pass(1);
    await runDurableObjectAlarm(room);
    const evidence = "nobody told the outcome in time";
    expect(await room.view()).toMatchObject({
      state: "finished",
      outcome: "unknown",
      verdict: { verifier: "user", evidence },
    });
    expect(await room.tellOutcome(anOutcome({ outcome: "pass" }))).toMatchObject({
      failure: { reason: "outcome_settled", outcome: "unknown" },
    });
    expect(await room.tellOutcome(anOutcome({ outcome: "unknown" }))).toMatchObject({ value: { evidence } });
  });

  test("outlives its deadline, which is for its agents' work", async () => {
    const day = await openMarket();
    const { room } = await waiting(day, { limits: { deadlineS: 60 } });
    clock.pass(3_600_000);
    await ringAll(day, room);
    expect((await room.view())?.state).toBe("waiting");
    await room.tellOutcome(anOutcome());
    expect((await room.view())?.outcome).toBe("pass");
  });

  test("takes no word before it waits, and none after it was cancelled", async () => {
    const day = await openMarket();
    const { room, taskId } = await sold(day, { verifier: USER });
    const refused = { ok: false, failure: { reason: "not_waiting" } };
    expect(await room.tellOutcome(anOutcome())).toEqual(refused);
    await attempt(day, { taskId }, { attempt: 1, result: "41" });
    expect(await room.tellOutcome(anOutcome({ attempt: 2 }))).toEqual(refused);
    expect(await day.market.cancel(taskId)).toBe(true);
    expect(await room.view()).toMatchObject({ state: "cancelled", result: "41", waitsFor: null });
    expect(await room.tellOutcome(anOutcome())).toEqual(refused);
    await ringAll(day, room);
    expect(await timersOf(room)).toEqual([]);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("says nothing of its agent's speed: the wait is not the trace's", async () => {
    const day = await openMarket();
    const { room } = await waiting(day, { escalation: { mode: "verified", maxAttempts: 2 } });
    const doneAtMs = Date.now();
    clock.pass(600_000);
    await room.tellOutcome(anOutcome({ outcome: "fail" }));
    await awardedTo(room, 2);
    expect((await room.view())?.earlierAttempts).toMatchObject([{ attempt: 1, endedAtMs: doneAtMs }]);
  });
});

describe("while a task waits", () => {
  test("nothing is held for it, and what comes back of a bill is free", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: USER });
    const { room, taskId } = task;
    // One step of which only the bound is known yet.
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    const boundMicros = asMicros(9_000);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: DEAR, boundMicros });
    const usage = aUsage();
    const step = { step: 1, text: "41", toolCalls: [], assistant: null, usage, costMicros: boundMicros };
    await room.commitAnswer(1, { callId, bill: { status: "unconfirmed" }, ms: 1 }, step, "41");
    await room.waitForUser(1);
    const before = await accountOf(day, taskId);
    expect(before.heldMicros).toBe(0);
    const late = { callId, kind: "trace", agentId: DEAR, attempt: 1, status: "billed" } as const;
    const micros = asMicros(4_000);
    await day.market.spent(taskId, [{ ...late, micros, usage, boundMicros, endedAtMs: Date.now() }]);
    const after = await accountOf(day, taskId);
    expect([after.heldMicros, before.chargedMicros - after.chargedMicros]).toEqual([0, 5_000]);
    await booksOf(day);
  });

  test("its place is another's", async () => {
    const day = await openMarket();
    await day.market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1, concurrentTasks: 1 });
    const first = await waiting(day);
    const second = await sold(day);
    expect(await second.room.view()).toMatchObject({ state: "awarded", waitsFor: null });
    expect((await day.market.readLimits(null))?.tenant).toMatchObject({ running: 1, traces: 1 });
    await attempt(day, second, { attempt: 1, result: "42" });
    await first.room.tellOutcome(anOutcome());
    expect((await day.market.readLimits(null))?.tenant).toMatchObject({ running: 0, traces: 0 });
  });

  test("a place that was told late wakes nobody", async () => {
    const day = await openMarket();
    const { room } = await waiting(day);
    await room.beginTrace(1);
    expect(await room.takeTrace(1, 2)).toMatchObject({ ok: false });
    expect((await room.view())?.state).toBe("waiting");
  });

  test("its old holder has lost it", async () => {
    const day = await openMarket();
    const { room } = await waiting(day);
    expect(await room.renewTrace(1)).toBe("lost");
    await room.commitVerdict(1, { outcome: "pass", verifier: "user", evidence: "forged" });
    await room.waitForUser(1);
    await room.handOver(1);
    expect((await room.view())?.state).toBe("waiting");
  });
});

describe("a fail that the tenant tells", () => {
  const ESCALATED = { escalation: { mode: "verified", maxAttempts: 2 } } as const;

  test("is sold to the next agent, with a hold and a place of its own", async () => {
    const day = await openMarket();
    const task = await waiting(day, ESCALATED);
    await task.room.tellOutcome(anOutcome({ outcome: "fail", evidence: "not what I meant" }));
    await awardedTo(task.room, 2);
    expect(await task.room.view()).toMatchObject({ state: "awarded", agentId: MIDDLE, waitsFor: null });
    expect((await accountOf(day, task.taskId)).heldMicros).toBeGreaterThan(0);
    await attempt(day, task, { attempt: 2, result: "42" });
    expect(await task.room.view()).toMatchObject({ state: "waiting", waitsFor: "user" });
    await task.room.tellOutcome(anOutcome());
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 2 });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("told again under its Idempotency-Key, or for its attempt, fails no later one", async () => {
    const day = await openMarket();
    const task = await waiting(day, ESCALATED);
    const request = { keyHash: "k", bodyHash: "b" };
    const first = await task.room.tellOutcome(anOutcome({ outcome: "fail", request }));
    await awardedTo(task.room, 2);
    // Between the two attempts it is still the last word.
    expect(await task.room.tellOutcome(anOutcome({ outcome: "fail" }))).toEqual(first);
    await attempt(day, task, { attempt: 2, result: "42" });
    const again = await task.room.tellOutcome(anOutcome({ outcome: "fail", request }));
    expect(again).toMatchObject({ value: { attempt: 1, replayed: true } });
    expect(await task.room.tellOutcome(anOutcome({ outcome: "fail", attempt: 1 }))).toEqual(first);
    const other = { keyHash: "k", bodyHash: "c" };
    expect(await task.room.tellOutcome(anOutcome({ outcome: "pass", request: other }))).toEqual({
      ok: false,
      failure: { reason: "idempotency_conflict" },
    });
    expect(await task.room.view()).toMatchObject({ state: "waiting", attempts: 2 });
  });

  test("after the deadline ends the task: no further attempt begins", async () => {
    const day = await openMarket();
    const task = await waiting(day, { ...ESCALATED, limits: { deadlineS: 60 } });
    clock.pass(61_000);
    await task.room.tellOutcome(anOutcome({ outcome: "fail" }));
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
  });
});
