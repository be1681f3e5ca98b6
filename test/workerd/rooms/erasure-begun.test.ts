/** Once a tenant's deletion has begun, nothing of it begins any more. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { admitOnly, config, openMarket, useStoppedClock } from "./market-day.ts";
import { openCalibrationDay } from "./calibration-day.ts";
import { erase, storageOf } from "./erasure-day.ts";
import { anIndex, memoryOver, runTask } from "./memory-day.ts";

const clock = useStoppedClock();

test("calibration runs that wait never begin once a deletion has, and none is accepted", async () => {
  const index = anIndex();
  const day = await openCalibrationDay();
  await day.pastTask();
  await day.carryHistory();
  const { quote } = await day.quote(1);
  await day.accept(quote.calibrationId);
  const { taskId, room } = await admitOnly(day);
  expect(await erase(day, index, { force: true })).toMatchObject({ done: false, left: { openTasks: 1 } });
  await day.ringMarket();
  expect((await day.market.heldTasks()).map((task) => task.taskId)).toEqual([taskId]);
  const refused = await day.calibrations.acceptCalibration(quote.calibrationId);
  expect(refused).toEqual({ ok: false, failure: { reason: "unknown_calibration" } });
  clock.pass(config.leaseMs + 1);
  await runDurableObjectAlarm(room);
  expect(await erase(day, index)).toMatchObject({ done: true, before: { taskRooms: 2 } });
  expect(await storageOf(day.market)).toBe(0);
});

test("nor do runs of a calibration that has many later ones before it", async () => {
  const index = anIndex();
  const day = await openCalibrationDay();
  await day.pastTask();
  await day.carryHistory();
  const { quote } = await day.quote(1);
  await day.accept(quote.calibrationId);
  await runInDurableObject(day.market, async (_room, { storage }) => {
    for (let later = 1; later <= 30; later += 1)
      storage.sql.exec(
        `INSERT INTO calibrations (calibration_id, expires_at_ms, accepted_at_ms, body)
         SELECT 'later ' || ?, expires_at_ms, accepted_at_ms + ?, body FROM calibrations WHERE calibration_id = ?`,
        later,
        later,
        quote.calibrationId,
      );
  });
  const { taskId } = await admitOnly(day);
  expect(await erase(day, index, { force: true })).toMatchObject({ done: false, left: { openTasks: 1 } });
  await day.ringMarket();
  expect((await day.market.heldTasks()).map((task) => task.taskId)).toEqual([taskId]);
});

test("a deletion that is left unfinished calls nobody for vectors that are not to be written any more", async () => {
  const index = anIndex();
  const day = await openMarket();
  const memory = memoryOver(index.index);
  await runTask(day, { memory });
  await runTask(day, { memory });
  await day.market.claimVectors(1);
  expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
  const called = vi.spyOn(env.HISTORY_QUEUE, "send");
  for (let ring = 0; ring < 10; ring += 1) {
    clock.pass(120_000);
    await runDurableObjectAlarm(day.market);
  }
  expect(called).not.toHaveBeenCalled();
  expect(await erase(day, index)).toMatchObject({ done: true, before: { vectors: 2 } });
});
