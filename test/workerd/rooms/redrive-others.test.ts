/** Traces whose holders died, auctions, and what its operator does not redrive. */
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { StuckId } from "../../../src/market/ids.ts";
import { KEPT_STUCK_MS } from "../../../src/tenancy/stuck-desk.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  awardedTask,
  CHEAP,
  ONE_BID,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import {
  abandonedAuction,
  auctionLease,
  deliver,
  givenUp,
  goOn,
  ring,
  stuckId,
  stuckOf,
  SUBMIT,
  traceMessage,
} from "./stuck-day.ts";

const clock = useStoppedClock();

describe("a trace whose holders died", () => {
  test("is redriven as well", async () => {
    const task = await awardedTask();
    for (let generation = 1; generation <= 6; generation += 1) {
      await task.room.takeTrace(1, generation);
      clock.pass(60_001);
      await ring(task);
    }
    const [found] = await stuckOf(task);
    expect(found).toMatchObject({ kind: "abandoned", lapses: 6, tries: 0, errorClass: null });
    await task.day.market.redriveStuck(found?.stuckId ?? ("" as StuckId));
    await goOn(task, traceDeps(new ScriptedModels({ steps: [SUBMIT] })));
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });
});

describe("an auction that was given up", () => {
  test("is redriven: it asks for what is missing, and is awarded", async () => {
    const { day, taskId, room } = await abandonedAuction(clock.pass);
    const id = await stuckId({ day, taskId, room });
    expect((await day.market.redriveStuck(id)).ok).toBe(true);
    expect(await room.view()).toMatchObject({ state: "admitted", failureReason: null });
    const [task] = await day.market.heldTasks();
    expect(task).toMatchObject({ state: "bidding" });
    const { generation } = await auctionLease(day, taskId);
    expect(generation).toBeGreaterThan(7);
    const taken = await day.market.takeAuction(taskId, generation);
    expect(taken).toEqual({ ok: true, value: generation });
    const holder = { tenantId: day.tenantId, taskId, generation };
    await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
    expect((await room.view())?.deadlineAtMs).toBeGreaterThan(Date.now());
    await deliver(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), traceMessage({ day, taskId, room }, 1));
    expect(await room.view()).toMatchObject({ state: "finished" });
  });
});

describe("a task that is dismissed, or that nobody sees to", () => {
  test("stays as it ended, and leaves the room", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { market } = task.day;
    expect(await market.heldTasks()).toHaveLength(1);
    expect(await market.dismissStuck(id)).toEqual({ ok: true, value: null });
    expect(await market.dismissStuck(id)).toEqual({ ok: true, value: null });
    expect(await stuckOf(task)).toEqual([]);
    expect(await market.heldTasks()).toEqual([]);
    expect(await market.redriveStuck(id)).toMatchObject({ failure: { reason: "stuck_settled" } });
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "dead_lettered" });
  });

  test("is forgotten after thirty days, without a timer", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { market } = task.day;
    clock.pass(KEPT_STUCK_MS);
    // The tenant does something else.
    await awardedTask({}, task.day);
    await stuckOf(task);
    expect(await stuckOf(task)).toEqual([]);
    expect(await market.redriveStuck(id)).toMatchObject({ failure: { reason: "stuck_not_redrivable" } });
    expect((await market.heldTasks()).map(({ taskId }) => taskId)).not.toContain(task.taskId);
  });

  test("once redriven is not dismissed", async () => {
    const { task, id } = await givenUp(clock.pass);
    await task.day.market.redriveStuck(id);
    expect(await task.day.market.dismissStuck(id)).toMatchObject({ failure: { reason: "stuck_settled" } });
  });

  test("is not redriven for a tenant that is suspended, or is being deleted", async () => {
    const { task, id } = await givenUp(clock.pass);
    const { market } = task.day;
    await market.manageTenant("suspend");
    expect(await market.redriveStuck(id)).toMatchObject({ failure: { reason: "tenant_suspended" } });
    await market.manageTenant("resume");
    await (market as unknown as { beginErasure(force: boolean): Promise<unknown> }).beginErasure(true);
    expect(await market.redriveStuck(id)).toMatchObject({ failure: { reason: "stuck_not_redrivable" } });
  });

  test("of another tenant is not reached by its id", async () => {
    const { task, id } = await givenUp(clock.pass);
    const other = await openMarket();
    expect(await other.market.redriveStuck(id)).toMatchObject({
      failure: { reason: "stuck_not_redrivable" },
    });
    expect(await other.market.dismissStuck(id)).toMatchObject({ failure: { reason: "stuck_settled" } });
    expect(await task.room.view()).toMatchObject({ state: "failed" });
  });
});
