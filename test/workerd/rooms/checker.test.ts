/** A task whose verdict is its tenant's own checker's: asked, asked again, waited for, and settled once. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { RETRY_CHECK_AFTER_MS } from "../../../src/taskroom/waiting.ts";
import { attempt, awardedTo, journalOf, ringAll, sold } from "./escalation-day.ts";
import {
  config,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  types,
  type TaskStub,
} from "./market-day.ts";
import { accountOf, booksOf } from "./money-day.ts";
import {
  anOutcome,
  askAgain,
  CHECKER,
  checkedTask,
  marketStateOf,
  ScriptedChecker,
  timersOf,
} from "./waiting-day.ts";

const clock = useStoppedClock();

const ACCEPTED = { kind: "accepted" } as const;
const BUSY = { kind: "failed", reason: "it answered 503" } as const;
const PASSES = { kind: "decided", outcome: "pass", evidence: "4 of 4" } as const;

const ring = async (room: TaskStub, ms: number) => {
  clock.pass(ms);
  await runDurableObjectAlarm(room);
};

describe("a checker", () => {
  test("is sent the task, the result, and what it may tell the outcome with", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(PASSES);
    const { taskId } = await checkedTask(day, checker, { metadata: { ticket: "7" } });
    const { id, url, secrets } = checker.sent[0] ?? {};
    expect([id, url]).toEqual([`${taskId}-1`, CHECKER]);
    expect(secrets).toEqual(await day.market.verifierSecrets("whsec_another"));
    expect(secrets?.[0]).toMatch(/^whsec_/);
    expect(checker.payload(1)).toMatchObject({
      type: "verification.requested",
      timestamp: new Date().toISOString(),
      data: {
        taskId,
        attempt: 1,
        prompt: "What is six times seven?",
        result: "41",
        metadata: { ticket: "7" },
        respondBy: new Date(Date.now() + 3_600_000).toISOString(),
        callback: { path: `/v1/tasks/${taskId}/outcome`, token: expect.stringMatching(/^sro_/) },
      },
    });
  });

  test.each(["pass", "fail", "unknown"] as const)("that answers %s at once has decided", async (outcome) => {
    const day = await openMarket();
    const { room } = await checkedTask(
      day,
      new ScriptedChecker({ kind: "decided", outcome, evidence: "4 of 4" }),
    );
    expect(await room.view()).toMatchObject({
      state: "finished",
      outcome,
      verdict: { verifier: "http", evidence: "4 of 4" },
    });
    expect(types(await journalOf(room))).not.toContain("verification-waits");
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("whose fail came at once leads to the next agent", async () => {
    const day = await openMarket();
    const failing = new ScriptedChecker({ kind: "decided", outcome: "fail", evidence: "2 of 4" });
    const escalation = { mode: "verified", maxAttempts: 2 } as const;
    const task = await checkedTask(day, failing, { escalation });
    await awardedTo(task.room, 2);
    expect(await task.room.view()).toMatchObject({ agentId: MIDDLE, state: "awarded" });
    const again = new ScriptedChecker(PASSES);
    await attempt(day, task, { attempt: 2, result: "42", check: again.check });
    expect(again.sent[0]?.id).toBe(`${task.taskId}-2`);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 2 });
    // The token of the first attempt tells the second nothing.
    expect(
      await task.room.tellOutcome(anOutcome({ outcome: "fail", tokenHash: await failing.tokenHash(1) })),
    ).toMatchObject({ ok: true, value: { attempt: 1, outcome: "fail" } });
    expect((await task.room.view())?.outcome).toBe("pass");
  });
});

describe("a checker that takes the work on", () => {
  test("is waited for: without place, hold, deadline or anything awake but one timer", async () => {
    const day = await openMarket();
    const task = await checkedTask(day, new ScriptedChecker(ACCEPTED), { limits: { deadlineS: 60 } });
    const untilMs = Date.now() + 3_600_000;
    expect(await task.room.view()).toMatchObject({
      state: "waiting",
      waitsFor: "checker",
      waitsUntilMs: untilMs,
    });
    expect(await marketStateOf(day, task)).toBe("waiting");
    expect((await accountOf(day, task.taskId)).heldMicros).toBe(0);
    await ring(task.room, 120_000);
    expect(await timersOf(task.room)).toEqual([{ kind: "verification", due_at_ms: untilMs }]);
    expect((await task.room.view())?.state).toBe("waiting");
  });

  test("tells the outcome by its token, once, and hears the same again", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(ACCEPTED);
    const { room } = await checkedTask(day, checker);
    const tokenHash = await checker.tokenHash(1);
    const forged = anOutcome({ tokenHash: "ab".repeat(32) });
    expect(await room.tellOutcome(forged)).toEqual({ ok: false, failure: { reason: "unauthenticated" } });
    expect(await room.tellOutcome(anOutcome({ tokenHash, attempt: 2 }))).toMatchObject({
      failure: { reason: "not_waiting" },
    });
    const told = await room.tellOutcome(anOutcome({ outcome: "fail", evidence: "red", tokenHash }));
    expect(told).toMatchObject({ value: { attempt: 1, outcome: "fail", evidence: "red" } });
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "fail" });
    expect(await room.tellOutcome(anOutcome({ outcome: "fail", tokenHash }))).toEqual(told);
    expect(await room.tellOutcome(anOutcome({ outcome: "pass", tokenHash }))).toMatchObject({
      failure: { reason: "outcome_settled", outcome: "fail" },
    });
  });

  test("may be told for by a key of the tenant", async () => {
    const { room } = await checkedTask(await openMarket(), new ScriptedChecker(ACCEPTED));
    await room.tellOutcome(anOutcome());
    expect(await room.view()).toMatchObject({ outcome: "pass", verdict: { verifier: "http" } });
  });

  test("may tell the outcome before it has answered that it will", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(ACCEPTED);
    const answering = async (...[check, signal]: Parameters<typeof checker.check>) => {
      const answer = await checker.check(check, signal);
      await room.tellOutcome(anOutcome({ tokenHash: await checker.tokenHash(1) }));
      return answer;
    };
    const task = await sold(day, { verifier: { type: "http", url: CHECKER } });
    const { room } = task;
    await attempt(day, task, { attempt: 1, result: "41", check: answering });
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect(types(await journalOf(room))).not.toContain("verification-waits");
  });

  test("and never comes back leaves the verdict unknown", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(ACCEPTED);
    const { room } = await checkedTask(day, checker);
    await ring(room, 3_600_000);
    expect(await room.view()).toMatchObject({
      outcome: "unknown",
      verdict: { verifier: "http", evidence: "the checker told no outcome in time" },
    });
    const late = anOutcome({ tokenHash: await checker.tokenHash(1) });
    expect(await room.tellOutcome(late)).toMatchObject({ failure: { reason: "outcome_settled" } });
  });

  test("is not waited for once the task is cancelled, and its token opens nothing then", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(ACCEPTED);
    const { room, taskId } = await checkedTask(day, checker);
    await day.market.cancel(taskId);
    expect((await room.view())?.state).toBe("cancelled");
    const late = anOutcome({ tokenHash: await checker.tokenHash(1) });
    expect(await room.tellOutcome(late)).toMatchObject({ failure: { reason: "unauthenticated" } });
    await ringAll(day, room);
    expect(await timersOf(room)).toEqual([]);
  });
});

describe("a checker that does not answer", () => {
  test("is asked again under the same id, at growing distances, and waited for between", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(BUSY, BUSY, PASSES);
    const task = await checkedTask(day, checker);
    const { room } = task;
    expect(await room.view()).toMatchObject({ state: "waiting", waitsFor: "checker" });
    expect(await marketStateOf(day, task)).toBe("waiting");
    expect(await timersOf(room)).toContainEqual({ kind: "trace-lease", due_at_ms: Date.now() + 5_000 });
    // Announced by the timer alone.
    await ring(room, 5_000);
    await askAgain(day, task, { checker, generation: 2 });
    await ring(room, 30_000);
    await askAgain(day, task, { checker, generation: 3 });
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect(new Set(checker.sent.map(({ id }) => id)).size).toBe(1);
    const events = await journalOf(room);
    expect(events.filter(({ type }) => type === "check-failed")).toMatchObject([
      { tries: 1, reason: "it answered 503" },
      { tries: 2, reason: "it answered 503" },
    ]);
    expect(types(events).filter((type) => type === "verification-waits")).toHaveLength(1);
  });

  test("in all its tries leaves the verdict unknown, and says why", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(...Array.from({ length: 6 }, () => BUSY));
    const task = await checkedTask(day, checker, {
      verifier: { type: "http", url: CHECKER, timeoutS: 86_400 },
    });
    for (const [at, ms] of RETRY_CHECK_AFTER_MS.entries()) {
      expect((await task.room.view())?.state).toBe("waiting");
      await ring(task.room, ms);
      await askAgain(day, task, { checker, generation: at + 2 });
    }
    expect(checker.sent).toHaveLength(6);
    expect(await task.room.view()).toMatchObject({
      outcome: "unknown",
      verdict: { evidence: "the checker could not be asked, in 6 tries: it answered 503" },
    });
    await ringAll(day, task.room);
    expect(await timersOf(task.room)).toEqual([]);
  });

  test("is not waited for longer than it was to be, and the last failure is told", async () => {
    const day = await openMarket();
    const { room } = await checkedTask(day, new ScriptedChecker(BUSY), {
      verifier: { type: "http", url: CHECKER, timeoutS: 10 },
    });
    await ring(room, 10_000);
    expect((await room.view())?.verdict).toMatchObject({
      outcome: "unknown",
      evidence: "the checker told no outcome in time; when it was asked last, it answered 503",
    });
  });

  test("but did take the request may tell the outcome by the token of any try", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(BUSY, ACCEPTED);
    const task = await checkedTask(day, checker);
    await ring(task.room, 5_000);
    await askAgain(day, task, { checker, generation: 2 });
    await task.room.tellOutcome(anOutcome({ tokenHash: await checker.tokenHash(1) }));
    expect((await task.room.view())?.outcome).toBe("pass");
  });

  test("is asked no earlier for the sweep", async () => {
    const day = await openMarket();
    const { room } = await checkedTask(day, new ScriptedChecker(BUSY));
    await evictRooms(room, day.market);
    await runInDurableObject(room, async (_room, { storage }) => storage.deleteAlarm());
    await day.market.sweep();
    expect(await timersOf(room)).toContainEqual({ kind: "trace-lease", due_at_ms: Date.now() + 5_000 });
  });

  test("between two tries the task can be cancelled", async () => {
    const day = await openMarket();
    const { room, taskId } = await checkedTask(day, new ScriptedChecker(BUSY));
    await day.market.cancel(taskId);
    expect((await room.view())?.state).toBe("cancelled");
    expect(await room.takeTrace(1, 2)).toMatchObject({ ok: false });
  });
});

describe("whoever asks the checker", () => {
  const verifier = { type: "http", url: CHECKER } as const;

  /** Takes the attempt up to the moment before the answer, and dies. */
  async function dyingHolder(room: TaskStub, generation: number) {
    expect((await room.takeTrace(1, generation)).ok).toBe(true);
    expect(await room.beginCheck(generation, `hash-${generation}`)).toMatchObject({ ok: true });
    clock.pass(config.leaseMs);
    await runDurableObjectAlarm(room);
  }

  test("and dies is followed by the next, who asks under the same id", async () => {
    const day = await openMarket();
    const checker = new ScriptedChecker(BUSY, PASSES);
    const task = await checkedTask(day, checker);
    await ring(task.room, 5_000);
    await dyingHolder(task.room, 2);
    // The dead holder's answer comes too late.
    await task.room.commitCheck(2, { kind: "decided", outcome: "fail", evidence: "late" });
    expect((await task.room.view())?.verdict).toBeNull();
    await askAgain(day, task, { checker, generation: 3 });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });

  test("and dies each time ends with an unknown, and no failed task", async () => {
    const day = await openMarket();
    const task = await checkedTask(day, new ScriptedChecker(BUSY), {
      verifier: { ...verifier, timeoutS: 86_400 },
    });
    await ring(task.room, 5_000);
    for (let generation = 2; generation <= 6; generation += 1) await dyingHolder(task.room, generation);
    expect((await task.room.takeTrace(1, 7)).ok).toBe(true);
    expect(await task.room.beginCheck(7, "hash-7")).toEqual({ ok: false, failure: { answer: "lost" } });
    expect(await task.room.view()).toMatchObject({
      state: "finished",
      outcome: "unknown",
      verdict: { evidence: "the checker could not be asked, in 6 tries: no try came back" },
    });
  });

  test("hears of a cancel while it waits for the answer, and ends the task", async () => {
    const day = await openMarket();
    const { room, taskId } = await checkedTask(day, new ScriptedChecker(BUSY));
    await ring(room, 5_000);
    await room.takeTrace(1, 2);
    await room.beginCheck(2, "hash");
    await day.market.cancel(taskId);
    expect(await room.tellOutcome(anOutcome())).toMatchObject({ failure: { reason: "not_waiting" } });
    expect(await room.renewTrace(2)).toBe("stop");
    await room.commitCheck(2, PASSES);
    expect(await room.view()).toMatchObject({ state: "cancelled", verdict: null });
  });

  test("after it was asked to stop asks nobody", async () => {
    const day = await openMarket();
    const { room, taskId } = await checkedTask(day, new ScriptedChecker(BUSY));
    await ring(room, 5_000);
    await room.takeTrace(1, 2);
    await day.market.cancel(taskId);
    expect(await room.beginCheck(2, "hash")).toEqual({ ok: false, failure: { answer: "stop" } });
  });
});
