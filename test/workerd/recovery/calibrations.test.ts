/** Calibrations that are accepted twice, die in between, collide, or meet a past that has changed. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { QUOTE_MS, RUNS_AT_ONCE } from "../../../src/market/calibration/calibration.ts";
import type { CalibrationId, TaskId } from "../../../src/market/ids.ts";
import { openCalibrationDay, runTask, standing, type CalibrationDay } from "../rooms/calibration-day.ts";
import { CHEAP, evictRooms, MIDDLE, useStoppedClock, taskRoom } from "../rooms/market-day.ts";
import { timersOf } from "../rooms/waiting-day.ts";

const clock = useStoppedClock();

/** A day with a quote for this many past tasks. */
async function quoted(tasks = 1) {
  const day = await openCalibrationDay();
  const past = [];
  for (let n = 0; n < tasks; n++) past.push(await day.pastTask());
  await day.carryHistory();
  const view = await day.quote(tasks);
  return { day, past, id: view.quote.calibrationId };
}

async function runsOf(day: CalibrationDay, id: CalibrationId) {
  await day.ringMarket();
  return standing(await day.read(id));
}

const calibrationTasks = async (day: CalibrationDay) =>
  (await day.market.heldTasks()).filter((row) => row.calibratesAuctionId !== null);

describe("accepting", () => {
  test("twice is once, whatever happened in between", async () => {
    const { day, id } = await quoted();
    const first = await day.accept(id);
    expect(first).toMatchObject({ state: "running", acceptedAtMs: Date.now() });
    await evictRooms(day.market);
    clock.pass(1_000);
    expect(await day.accept(id)).toEqual(first);
    expect(await runsOf(day, id)).toEqual([`${CHEAP} running`, `${MIDDLE} running`]);
    await evictRooms(day.market);
    await day.accept(id);
    await day.ringMarket();
    expect(await calibrationTasks(day)).toHaveLength(2);
  });

  test("an object that dies before its alarm begins the runs when it is back", async () => {
    const { day, id } = await quoted();
    await day.accept(id);
    await evictRooms(day.market);
    expect(await runsOf(day, id)).toEqual([`${CHEAP} running`, `${MIDDLE} running`]);
  });

  test("an alarm that was given up is replaced by the sweep", async () => {
    const { day, id } = await quoted();
    await day.accept(id);
    await day.tamper("DELETE FROM timers");
    await day.market.sweep();
    expect(await runsOf(day, id)).toEqual([`${CHEAP} running`, `${MIDDLE} running`]);
  });

  test("a second quote of the same runs begins none of them again", async () => {
    const { day, id } = await quoted();
    const second = (await day.quote(1)).quote.calibrationId;
    await day.accept(id);
    const same = [`${CHEAP} skipped: already_run`, `${MIDDLE} skipped: already_run`];
    expect(standing(await day.accept(second))).toEqual(same);
    expect((await day.read(second)).state).toBe("ended");
    await day.ringMarket();
    expect(await calibrationTasks(day)).toHaveLength(2);
  });

  test("an expired quote is refused, and forgotten a day later when another is made", async () => {
    const { day, id } = await quoted();
    clock.pass(QUOTE_MS);
    const expired = { ok: false, failure: { reason: "calibration_expired" } };
    expect(await day.calibrations.acceptCalibration(id)).toEqual(expired);
    expect((await day.read(id)).state).toBe("expired");
    clock.pass(24 * 60 * 60 * 1_000 + 1);
    await day.quote(1);
    expect(await day.calibrations.readCalibration(id)).toBeNull();
    const unknown = { ok: false, failure: { reason: "unknown_calibration" } };
    expect(await day.calibrations.acceptCalibration(id)).toEqual(unknown);
  });

  test("what was accepted in time stays accepted after the quote ran out", async () => {
    const { day, id } = await quoted();
    await day.accept(id);
    clock.pass(QUOTE_MS + 1);
    expect((await day.accept(id)).state).toBe("running");
  });
});

describe("runs", () => {
  test("begin a few at a time, the next when one ends", async () => {
    const { day, id } = await quoted(5);
    await day.accept(id);
    const count = async (status: string) =>
      (await runsOf(day, id)).filter((line) => line.endsWith(status)).length;
    expect([await count("running"), await count("waiting")]).toEqual([RUNS_AT_ONCE, 2]);
    const one = (await calibrationTasks(day))[0];
    await day.carryOut(one?.taskId as TaskId, { text: "41" });
    expect([await count("running"), await count("waiting")]).toEqual([RUNS_AT_ONCE, 1]);
    expect(await day.calibrations.runningCalibrations()).toMatchObject([{ quote: { calibrationId: id } }]);
  });

  test("that are cancelled stop, and those that wait never begin", async () => {
    const { day, id } = await quoted(5);
    await day.accept(id);
    await day.ringMarket();
    const cancelled = await day.calibrations.cancelCalibration(id);
    const lines = cancelled === null ? [] : standing(cancelled);
    expect(lines.filter((line) => line.endsWith("skipped: cancelled"))).toHaveLength(2);
    expect(lines.filter((line) => line.endsWith("ended"))).toHaveLength(RUNS_AT_ONCE);
    await day.ringMarket();
    const tasks = await calibrationTasks(day);
    expect(tasks.map((row) => row.state)).toEqual(Array.from({ length: RUNS_AT_ONCE }, () => "cancelled"));
    // Nothing came of them: they may be quoted again.
    await day.carryHistory();
    expect((await day.quote(5)).runs).toHaveLength(10);
  });

  test("of a task that was erased since the quote are skipped; the others go on", async () => {
    const { day, past, id } = await quoted(2);
    const erased = past[0]?.room as DurableObjectStub;
    await runInDurableObject(erased, async (_room, state) => state.storage.deleteAll());
    await evictRooms(erased);
    await day.accept(id);
    const lines = await runsOf(day, id);
    expect(lines.toSorted()).toEqual([
      `${CHEAP} running`,
      `${CHEAP} skipped: task_erased`,
      `${MIDDLE} running`,
      `${MIDDLE} skipped: task_erased`,
    ]);
    // An erased task is not quoted again either.
    expect((await day.quote(2)).quote.unsuitable).toMatchObject({ task_erased: 1, all_known: 1 });
  });

  test("of a task whose room does not answer are tried again a few times, and block nobody for ever", async () => {
    const { day, past, id } = await quoted();
    await runInDurableObject(past[0]?.room as DurableObjectStub, async (_room, state) => {
      state.storage.sql.exec("UPDATE doc SET body = 'not JSON' WHERE name = 'opening'");
    });
    await day.accept(id);
    await day.ringMarket();
    // A sweep brings no try forward.
    await day.market.sweep();
    expect(await timersOf(day.market)).toContainEqual({ kind: "calibration", due_at_ms: Date.now() + 5_000 });
    for (let n = 0; n < 12; n++) {
      await day.ringMarket();
      clock.pass(5_000);
    }
    expect(standing(await day.read(id))).toEqual([
      `${CHEAP} skipped: task_unreachable`,
      `${MIDDLE} skipped: task_unreachable`,
    ]);
  });

  test("of an agent that is dearer now than was quoted, or gone, are skipped", async () => {
    const { day, id } = await quoted();
    await day.accept(id);
    await day.tamper(
      `UPDATE tenant SET body = json_remove(
         json_set(body, '$.pool[0].prices.outputMicrosPerMtok', 999999), '$.pool[1]')`,
    );
    await evictRooms(day.market);
    expect(await runsOf(day, id)).toEqual([
      `${CHEAP} skipped: agent_changed`,
      `${MIDDLE} skipped: agent_changed`,
    ]);
    expect(await calibrationTasks(day)).toEqual([]);
  });

  test("are told of once: their task's end reported again changes nothing", async () => {
    const { day, id } = await quoted();
    await day.accept(id);
    await day.ringMarket();
    const taskId = runTask(await day.read(id), CHEAP);
    await day.carryOut(taskId, { text: "42" });
    const before = await day.read(id);
    await day.market.ended({
      taskId,
      attempt: 1,
      end: { state: "failed", reason: "trace_abandoned" },
      verdict: null,
      trace: null,
    });
    expect(await day.read(id)).toEqual(before);
    expect(await taskRoom(day.tenantId, taskId).view()).toMatchObject({ outcome: "pass" });
  });
});
