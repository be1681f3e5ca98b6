/** A trace that was given up goes on: the same task, from what was committed. */
import { describe, expect, test, vi } from "vitest";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { NO_BUDGET } from "../../../src/market/ledger/budget.ts";
import { asMicros } from "../../../src/market/money.ts";
import { DEFAULT_TENANT_LIMITS } from "../../../src/market/rate-limit.ts";
import { NOTHING_VISIBLE, showEvent, type VisibleText } from "../../../src/market/visible-text.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  eventsOf,
  evictRooms,
  useStoppedClock,
  traceDeps,
  types,
  type TaskStub,
} from "./market-day.ts";
import {
  deliver,
  failToDeath,
  faultyVerifier,
  givenUp,
  goOn,
  held,
  leaseOf,
  openEvents,
  ring,
  rowOf,
  stuckId,
  stuckOf,
  SUBMIT,
  traceMessage,
  USE_TOOL,
} from "./stuck-day.ts";

const clock = useStoppedClock();

/** Says which step it is, beside what it calls. */
class TalkingModels extends ScriptedModels {
  override async step(...given: Parameters<ScriptedModels["step"]>): ReturnType<ScriptedModels["step"]> {
    const answer = await super.step(...given);
    const text = `This is step ${given[1].history.length + 1}.`;
    return answer.ok ? { ...answer, value: { ...answer.value, text } } : answer;
  }
}

/** What a listener to text shows in the end. */
async function shownText(room: TaskStub): Promise<VisibleText["committed"]> {
  const events = await eventsOf(room, "0&text=1");
  return events.reduce(showEvent, NOTHING_VISIBLE).committed;
}

/** Given up while the tools of its second step waited to be committed. */
async function givenUpInTools() {
  const task = await awardedTask();
  const models = new TalkingModels({ steps: [USE_TOOL, USE_TOOL, SUBMIT] });
  const tool = countingTool();
  // oxlint-disable-next-line typescript/unbound-method
  const original = TaskRoom.prototype.commitTools;
  const faulty = vi.spyOn(TaskRoom.prototype, "commitTools").mockImplementation(async function (
    this: TaskRoom,
    generation,
    step,
    outcomes,
  ) {
    if (step === 2) throw new RangeError("a fault of the house");
    return original.call(this, generation, step, outcomes);
  });
  await failToDeath(traceDeps(models, { tools: [tool] }), traceMessage(task, 1), clock.pass);
  faulty.mockRestore();
  return { task, models, tool, id: await stuckId(task) };
}

describe("a trace that is redriven", () => {
  test("goes on from its last committed step, under its step's keys, and pays nothing twice", async () => {
    const { task, models, tool, id } = await givenUpInTools();
    const { day, taskId, room } = task;
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "dead_lettered" });
    const before = await room.readTrace();
    expect(await day.market.redriveStuck(id)).toEqual({ ok: true, value: { taskId, replayed: false } });
    expect(await room.view()).toMatchObject({ state: "awarded", attempts: 2, failureReason: null });
    const deps = traceDeps(models, { tools: [tool] });
    await goOn(task, deps);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 3, result: "42" });
    // Three answers, each paid once: the two of before are not asked for again.
    expect(models.asked).toEqual([1, 2, 3].map((step) => `step ${CHEAP} ${step}`));
    expect(new Set(tool.keys)).toEqual(new Set([`${taskId}-1-1-0`, `${taskId}-1-2-0`]));
    const after = await room.readTrace();
    expect(after?.calls.filter(({ kind }) => kind === "trace")).toHaveLength(3);
    expect(after?.calls).toEqual(expect.arrayContaining([...(before?.calls ?? [])]));
    expect(after?.steps.map(({ attempt, step }) => [attempt, step])).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
    ]);
  });

  test("tells of a step whose tools had not been committed as what it is stored as, with its text", async () => {
    const { task, models, tool, id } = await givenUpInTools();
    await task.day.market.redriveStuck(id);
    await goOn(task, traceDeps(models, { tools: [tool] }));
    const { steps = [] } = (await task.room.readTrace()) ?? {};
    const stored = steps.map(({ attempt, step, text }) => ({ attempt, step, text }));
    expect(stored).toMatchObject([
      { attempt: 1, text: "This is step 1." },
      { attempt: 1, text: "This is step 2." },
      { attempt: 2, text: "This is step 3." },
    ]);
    expect(await shownText(task.room)).toEqual(stored);
  });

  test("shows it in its journal, gapless, after the end that was told; a listener reads on from there", async () => {
    const { task, id } = await givenUp(clock.pass);
    const seen = await eventsOf(task.room);
    await task.day.market.redriveStuck(id);
    await goOn(task, traceDeps(new ScriptedModels({})));
    const more = await eventsOf(task.room, seen.length);
    expect(types(seen).at(-1)).toBe("task-failed");
    expect(types(more)).toEqual(["task-redriven", "trace-taken-up", "verification-ended", "task-finished"]);
    expect(more[0]).toMatchObject({ attempt: 2, stepsSoFar: 2, seq: seen.length + 1 });
  });

  test("with its result committed asks no model: what is missing is its verdict", async () => {
    const { task, id } = await givenUp(clock.pass);
    await task.day.market.redriveStuck(id);
    const idle = new ScriptedModels({});
    await goOn(task, traceDeps(idle));
    expect(idle.asked).toEqual([]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });

  test("twice is redriven once", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { taskId } = task;
    expect(await task.day.market.redriveStuck(id)).toMatchObject({ value: { replayed: false } });
    expect(await task.day.market.redriveStuck(id)).toEqual({ ok: true, value: { taskId, replayed: true } });
    await evictRooms(task.day.market, task.room);
    expect(await task.day.market.redriveStuck(id)).toMatchObject({ value: { replayed: true } });
    expect(types(await openEvents(task)).filter((type) => type === "task-redriven")).toHaveLength(1);
    await goOn(task, traceDeps(new ScriptedModels({})));
    expect(await task.day.market.redriveStuck(id)).toMatchObject({ value: { replayed: true } });
    expect(await task.room.view()).toMatchObject({ state: "finished", attempts: 2 });
  });

  test("has its time anew, and its place and its hold again until it ends", async () => {
    const { task, id } = await givenUp(clock.pass, { limits: { deadlineS: 2_000 } });
    const { market } = task.day;
    clock.pass(10_000_000);
    await market.redriveStuck(id);
    expect((await task.room.view())?.deadlineAtMs).toBe(Date.now() + 2_000_000);
    expect((await held(task)) > 0).toBe(true);
    clock.pass(2_000_001);
    await ring(task);
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
    expect(await held(task)).toBe(0);
  });

  test("is refused where the budgets do not take it, and stays as it ended", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { market } = task.day;
    await market.setBudget({ ...NO_BUDGET, totalMicros: asMicros(1) });
    expect(await market.redriveStuck(id)).toMatchObject({
      ok: false,
      failure: { reason: "budget", refusal: { scope: "tenant", limit: "total", leftMicros: 0 } },
    });
    expect(await task.room.view()).toMatchObject({ state: "failed" });
    await market.setBudget(NO_BUDGET);
    expect((await market.redriveStuck(id)).ok).toBe(true);
  });

  test("waits where its tenant has as many traces as it may, and begins with the place that is freed", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { market } = task.day;
    const other = await awardedTask({}, task.day);
    await market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1 });
    await market.redriveStuck(id);
    expect(await task.room.view()).toMatchObject({ state: "awarded", waitsFor: "trace" });
    await deliver(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), traceMessage(other, 1));
    await vi.waitFor(async () => expect((await task.room.view())?.waitsFor).toBeNull(), 5_000);
    await goOn(task, traceDeps(new ScriptedModels({})));
    expect(await task.room.view()).toMatchObject({ state: "finished" });
  });

  test("may be given up again, and be redriven again", async () => {
    const { task, id } = await givenUp(clock.pass);
    await task.day.market.redriveStuck(id);
    const { generation } = await leaseOf(task);
    await failToDeath(faultyVerifier(new ScriptedModels({})), traceMessage(task, generation, 2), clock.pass);
    const [second, ...none] = await stuckOf(task);
    expect(none).toEqual([]);
    expect(second).toMatchObject({ attempt: 2 });
    expect(second?.stuckId).not.toBe(id);
    await task.day.market.redriveStuck(second?.stuckId ?? id);
    await goOn(task, traceDeps(new ScriptedModels({})), 3);
    expect(await task.room.view()).toMatchObject({ state: "finished", attempts: 3, steps: 2 });
  });

  test("leaves nothing of its earlier holders: their commits and messages are refused", async () => {
    const { task, id } = await givenUp(clock.pass);
    await task.day.market.redriveStuck(id);
    const { generation } = await leaseOf(task);
    for (let earlier = 1; earlier < generation; earlier += 1) {
      expect(await task.room.renewTrace(earlier)).toBe("lost");
      expect(await task.room.takeTrace(1, earlier)).toMatchObject({ ok: false });
      expect(await task.room.takeTrace(2, earlier)).toMatchObject({ ok: false });
      expect(await task.room.buryTrace(1, earlier)).toBe("stale");
      expect(await task.room.buryTrace(2, earlier)).toBe("stale");
    }
    expect(await task.room.view()).toMatchObject({ state: "awarded" });
  });

  test("tells the history and the tenant's list where it stands, and ends in both once more", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { market, tenantId } = task.day;
    await market.redriveStuck(id);
    expect(await stuckOf(task)).toEqual([]);
    expect(await rowOf(task)).toMatchObject({ state: "awarded", failureReason: null, attempts: 2 });
    await goOn(task, traceDeps(new ScriptedModels({})));
    await stuckOf(task);
    expect(await rowOf(task)).toMatchObject({ state: "finished", outcome: "pass", attempts: 2 });
    expect(await market.heldTasks()).toEqual([]);
    const { results } = await config.db
      .prepare("SELECT attempt, outcome FROM outcomes WHERE tenant_id = ? ORDER BY attempt")
      .bind(tenantId)
      .all();
    expect(results.at(-1)).toEqual({ attempt: 2, outcome: "pass" });
  });

  test("whose first end's answer was lost is not ended by the same report again", async () => {
    const task = await awardedTask();
    // oxlint-disable-next-line typescript/unbound-method
    const ended = MarketRoom.prototype.ended;
    const losing = vi.spyOn(MarketRoom.prototype, "ended").mockImplementation(async function (
      this: MarketRoom,
      report,
    ) {
      await ended.call(this, report);
      throw new Error("the answer is lost");
    });
    await failToDeath(
      faultyVerifier(new ScriptedModels({ steps: [SUBMIT] })),
      traceMessage(task, 1),
      clock.pass,
    );
    const id = await stuckId(task);
    losing.mockRestore();
    await task.day.market.redriveStuck(id);
    clock.pass(60_001);
    await ring(task);
    expect(await task.room.view()).toMatchObject({ state: "awarded", attempts: 2 });
    expect(types(await openEvents(task)).slice(-2)).toEqual(["task-failed", "task-redriven"]);
    expect(await task.day.market.heldTasks()).toMatchObject([{ state: "awarded" }]);
  });
});
