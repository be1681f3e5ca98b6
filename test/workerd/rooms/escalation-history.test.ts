/** What becomes of escalated tasks elsewhere: the fit, calibrations; and what older rooms and documents know nothing of. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { TaskSpec } from "../../../src/market/task.ts";
import { taskSpecSchema } from "../../../src/market/task.ts";
import { newId } from "../../../src/market/ids.ts";
import { openCalibrationDay, runTask } from "./calibration-day.ts";
import {
  CHEAP,
  config,
  DEAR,
  evictRooms,
  KEY_HASH,
  MIDDLE,
  openMarket,
  useStoppedClock,
  taskRoom,
} from "./market-day.ts";
import { attempt, awardedTo, sold, VERIFIED, VERIFIER } from "./escalation-day.ts";
import { tamper } from "./policy-day.ts";

useStoppedClock();

describe("the fit", () => {
  test("reads the outcome of every attempt with the one auction", async () => {
    const day = await openCalibrationDay();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    await attempt(day, task, { attempt: 2, result: "42" });
    await day.carryHistory();
    expect(await day.training()).toMatchObject([{ outcomes: { [DEAR]: "fail", [MIDDLE]: "pass" } }]);
    expect((await day.training())[0]?.outcomes).not.toHaveProperty(CHEAP);
  });
});

describe("a calibration run", () => {
  test("is never escalated, whatever its tenant's policy says", async () => {
    const day = await openCalibrationDay();
    await day.pastTask();
    await day.carryHistory();
    await day.market.changePolicy({ by: null, ifVersion: null, change: { escalation: VERIFIED } });
    const { quote } = await day.quote(1);
    await day.accept(quote.calibrationId);
    await day.ringMarket();
    const run = runTask(await day.read(quote.calibrationId), CHEAP);
    await day.carryOut(run, { text: "41" });
    const room = taskRoom(day.tenantId, run);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
    expect((await room.receipt())?.policy).not.toHaveProperty("escalation");
  });
});

describe("from before there was escalation", () => {
  test("a tenant's document has none", async () => {
    const day = await openMarket();
    await day.market.changePolicy({ by: null, ifVersion: null, change: { disabled: [CHEAP] } });
    await tamper(day, "json_remove(body, '$.market.escalation')");
    const { standing } = (await day.market.readPolicy()) ?? {};
    expect(standing?.document.escalation).toEqual({ mode: "none" });
    const task = await sold(day, { escalation: null });
    await attempt(day, task, { attempt: 1, result: "41" });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
  });

  test("a Worker admits tasks that say nothing of it: their tenant's holds", async () => {
    const day = await openMarket();
    await day.market.changePolicy({ by: null, ifVersion: null, change: { escalation: VERIFIED } });
    const { escalation: _absent, ...old } = taskSpecSchema.parse({ prompt: "p", verifier: VERIFIER });
    const admitted = await day.market.admit({
      keyHash: KEY_HASH,
      taskId: newId("tsk", config.source),
      auctionId: newId("auc", config.source),
      seed: 7,
      spec: old as TaskSpec,
      idempotency: null,
      asksAtOnce: true,
    });
    expect(admitted.ok && admitted.value.opening?.policy.escalation).toEqual(VERIFIED);
  });

  test("a task's room goes on with what its document lacks", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await runInDurableObject(task.room as DurableObjectStub, async (_room, { storage }) => {
      storage.sql.exec(
        "UPDATE doc SET body = json_remove(body, '$.lastGeneration', '$.award.messagesBefore')",
      );
    });
    await evictRooms(task.room);
    await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(task.room, 2);
    await attempt(day, task, { attempt: 2, result: "42" });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", queueMessages: 2 });
  });
});
