/** A room whose alarm the platform gave up: whoever calls it next sets the alarm anew, and a standing one stays where it is. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { MarketRoom } from "../../../src/index.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  alarmOf,
  awardedTask,
  config,
  eventsOf,
  evictRooms,
  openMarket,
  useStoppedClock,
  traceDeps,
  types,
} from "./market-day.ts";
import { SUBMIT } from "./stuck-day.ts";
import { anOutcome, DAY_MS, waiting } from "./waiting-day.ts";

const clock = useStoppedClock();

/** Given up, and nothing of the room is in memory any more. */
async function loseAlarm(room: DurableObjectStub): Promise<void> {
  await runInDurableObject(room, async (_room, { storage }) => storage.deleteAlarm());
  await evictRooms(room);
}

/** Settled in the market room, whose answer got lost, and so did the alarm that would have asked again. */
async function settledUnheard() {
  const task = await awardedTask();
  // oxlint-disable-next-line typescript/unbound-method
  const ended = MarketRoom.prototype.ended;
  vi.spyOn(MarketRoom.prototype, "ended").mockImplementationOnce(async function (this: MarketRoom, report) {
    await ended.call(this, report);
    throw new Error("the object was reset");
  });
  await runSlice(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), task.message(1));
  await carryRows(config, task.day.tenantId);
  expect(await task.day.market.heldTasks()).toEqual([]);
  clock.pass(1_000);
  await loseAlarm(task.room);
  return task;
}

test("a task that was settled without its room hearing of it ends once somebody reads it", async () => {
  const { room } = await settledUnheard();
  expect(await room.view()).toMatchObject({ state: "verifying" });
  expect(await runDurableObjectAlarm(room)).toBe(true);
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
});

test("so does the stream of whoever listens to it", async () => {
  const { room } = await settledUnheard();
  const listens = eventsOf(room);
  await vi.waitFor(async () => expect(await runDurableObjectAlarm(room)).toBe(true));
  expect(types(await listens).at(-1)).toBe("task-finished");
});

test("an alarm that is long overdue is one that was given up", async () => {
  const { room } = await settledUnheard();
  const lost = Date.now() - 3_600_000;
  await runInDurableObject(room, async (_room, { storage }) => storage.setAlarm(lost));
  await evictRooms(room);
  await room.view();
  expect(await alarmOf(room)).toBe(Date.now());
});

test("a market room that lost its alarm has it again with its next call", async () => {
  const day = await openMarket();
  await admitOnly(day);
  const before = await alarmOf(day.market);
  await loseAlarm(day.market);
  await day.market.manageTenant("read");
  expect(await alarmOf(day.market)).toBe(before);
});

test("an alarm that stands is left alone, also one that stands earlier than it must", async () => {
  const day = await openMarket();
  const { room } = await waiting(day);
  for (const one of [room, day.market] as DurableObjectStub[]) {
    const early = Date.now() + 5;
    await runInDurableObject(one, async (_room, { storage }) => storage.setAlarm(early));
    await evictRooms(one);
    await room.view();
    await day.market.manageTenant("read");
    expect(await alarmOf(one)).toBe(early);
  }
});

test("a room that is through, and one that was never opened, have none", async () => {
  const day = await openMarket();
  const { room } = await waiting(day);
  await room.tellOutcome(anOutcome());
  clock.pass(DAY_MS);
  await runDurableObjectAlarm(room);
  await loseAlarm(room);
  expect(await room.view()).toMatchObject({ state: "finished" });
  expect(await alarmOf(room)).toBeNull();
  const { room: unopened } = await admitOnly(day);
  expect(await unopened.view()).toBeNull();
  expect(await alarmOf(unopened)).toBeNull();
});
