/** What would make a task's room again after its tenant's deletion: an opening on its way, and a holder that comes late. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { FINISHED_CARRYING_MS } from "../../../src/tenancy/carriers.ts";
import { erase, storageOf } from "./erasure-day.ts";
import { admitOnly, config, evictRooms, openMarket, useStoppedClock } from "./market-day.ts";
import { anIndex } from "./memory-day.ts";

const clock = useStoppedClock();

test("a room that opened without its opening is not erased before that has come", async () => {
  const index = anIndex();
  const day = await openMarket();
  const { taskId, room, opening } = await admitOnly(day);
  const arrives = Promise.withResolvers<undefined>();
  // Once: afterwards the room's own is there again.
  vi.spyOn(TaskRoom.prototype, "open").mockImplementationOnce(async function (this: TaskRoom, given) {
    await arrives.promise;
    return this.open(given);
  });
  // Its lane leaves in order: the opening, and behind it the stop.
  const cancelled = day.market.cancel(taskId);
  await room.beginAuction(1, { opening, started: [] });
  await room.endAuction(1, "no_bids");
  expect(await room.view()).toMatchObject({ state: "failed", failureReason: "no_bids" });
  expect(await erase(day, index, { force: true })).toMatchObject({
    done: false,
    left: { openTasks: 0, carriers: 1, counts: { taskRooms: 1 } },
  });
  arrives.resolve(undefined);
  await cancelled;
  expect(await erase(day, index)).toMatchObject({ done: true });
  expect(await storageOf(room)).toBe(0);
});

/** It has ended, without a holder that was heard of. */
async function cancelledTask() {
  const day = await openMarket();
  const admitted = await admitOnly(day);
  await day.market.cancel(admitted.taskId);
  clock.pass(config.leaseMs);
  await runDurableObjectAlarm(admitted.room);
  return { ...admitted, day, index: anIndex() };
}

test("a holder that has stalled since the admission begins nothing for a tenant that is gone meanwhile", async () => {
  const { day, index, room, opening } = await cancelledTask();
  expect(await erase(day, index, { force: true })).toMatchObject({ done: true });
  const begun = await room.beginAuction(1, { opening, started: [] });
  expect(begun).toEqual({ ok: false, failure: { reason: "lost" } });
  expect(await storageOf(room)).toBe(0);
});

test("an opening that a room which died would deliver again is taken back before anything is erased", async () => {
  const { day, index, taskId, room, opening } = await cancelledTask();
  // It was delivered, and its row is still there when the object dies.
  await runInDurableObject(day.market, async (_room, { storage }) => {
    const message = JSON.stringify({ kind: "open", opening });
    storage.sql.exec("INSERT INTO outbox (lane, id, message) VALUES (?, 99, ?)", taskId, message);
    const timer = "INSERT OR REPLACE INTO timers (kind, subject, due_at_ms) VALUES ('outbox', ?, ?)";
    storage.sql.exec(timer, taskId, Date.now() + 2_000);
  });
  // The deletion dies halfway.
  const erased = vi.spyOn(MarketRoom.prototype, "eraseRoom").mockResolvedValueOnce(false);
  expect(await erase(day, index, { force: true })).toMatchObject({ done: false });
  expect(erased).toHaveBeenCalled();
  await evictRooms(day.market);
  clock.pass(FINISHED_CARRYING_MS);
  await day.ringMarket();
  expect(await storageOf(room)).toBe(0);
  expect(await erase(day, index)).toMatchObject({ done: true });
  expect(await storageOf(room)).toBe(0);
});

describe("a room whose first holder may still be on its way", () => {
  /** Ended at once, since none of its calls counted from its admission on. */
  async function unheard() {
    const day = await openMarket();
    const admitted = await admitOnly(day, { asksAtOnce: false });
    await day.market.cancel(admitted.taskId);
    expect(await admitted.room.view()).toMatchObject({ state: "cancelled" });
    const index = anIndex();
    expect(await erase(day, index, { force: true })).toMatchObject({
      done: false,
      left: { openTasks: 0, counts: { taskRooms: 1 } },
    });
    return { ...admitted, day, index };
  }

  test("is erased once that has come, and found that there is nothing to do", async () => {
    const { day, index, room, opening } = await unheard();
    const begun = await room.beginAuction(1, { opening, started: [] });
    expect(begun).toEqual({ ok: false, failure: { reason: "ended" } });
    clock.pass(config.leaseMs);
    expect(await erase(day, index)).toMatchObject({ done: true });
    expect(await storageOf(room)).toBe(0);
  });

  test("is erased once it would come too late", async () => {
    const { day, index, room, opening } = await unheard();
    clock.pass(config.leaseMs);
    expect(await erase(day, index)).toMatchObject({ done: true });
    const begun = await room.beginAuction(1, { opening, started: [] });
    expect(begun).toEqual({ ok: false, failure: { reason: "lost" } });
    expect(await storageOf(room)).toBe(0);
  });
});
