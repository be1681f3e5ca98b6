/** What would make a task's room again after its tenant's deletion: an opening on its way, and a holder that comes late. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TaskRoom } from "../../../src/index.ts";
import { erase, storageOf } from "./erasure-day.ts";
import { admitOnly, config, openMarket, stopTheClock } from "./market-day.ts";
import { anIndex } from "./memory-day.ts";

let clock: ReturnType<typeof stopTheClock>;
beforeEach(() => {
  clock = stopTheClock();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

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

test("a holder that has stalled since the admission begins nothing for a tenant that is gone meanwhile", async () => {
  const index = anIndex();
  const day = await openMarket();
  const { taskId, room, opening } = await admitOnly(day);
  await day.market.cancel(taskId);
  clock.pass(config.leaseMs);
  await runDurableObjectAlarm(room);
  expect(await erase(day, index, { force: true })).toMatchObject({ done: true });
  const begun = await room.beginAuction(1, { opening, started: [] });
  expect(begun).toEqual({ ok: false, failure: { reason: "lost" } });
  expect(await storageOf(room)).toBe(0);
});
