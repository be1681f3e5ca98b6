/** A task's room that opened without its opening, which is still on its way when its tenant is deleted. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TaskRoom } from "../../../src/index.ts";
import { erase, storageOf } from "./erasure-day.ts";
import { admitOnly, openMarket, stopTheClock } from "./market-day.ts";
import { anIndex } from "./memory-day.ts";

beforeEach(() => {
  stopTheClock();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("is not erased before it has come: it would make the room again", async () => {
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
