/** The cron sweep: rooms whose alarms were given up are woken where there is anything to do, and idle tenants are left alone. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { readOpenTenants } from "../../../src/history/read-open-tenants.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { sweep } from "../../../src/tenancy/sweep.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  alarmOf,
  awardedTask,
  config,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { deliver, failToDeath, faultyVerifier, SUBMIT, traceMessage } from "./stuck-day.ts";
import { timersOf } from "./waiting-day.ts";
import { answering, openWebhookDay } from "./webhook-day.ts";

const clock = useStoppedClock();

const loseAlarm = async (room: DurableObjectStub) =>
  runInDurableObject(room, async (_room, { storage }) => storage.deleteAlarm());

/** Without the outbox's: a lane that is flushed has no need of its own. */
const ownTimers = async (room: DurableObjectStub) =>
  (await timersOf(room)).filter(({ kind }) => kind !== "outbox");

test("deliveries that wait though no task is open are sent, though the room's alarm was lost", async () => {
  const day = await openWebhookDay();
  const { webhookId } = await day.endpoint();
  await day.endTask();
  day.receiver.answer = answering(500);
  await day.carry(webhookId);
  await carryRows(config, day.tenantId);
  expect(await readOpenTenants(config.db, { limit: 1_000 })).toContain(day.tenantId);
  await loseAlarm(day.market);
  clock.pass(60_000);
  await sweep(config);
  expect(await alarmOf(day.market)).not.toBeNull();
  await day.ringMarket();
  day.receiver.answer = answering(204);
  await day.carry(webhookId);
  expect(await day.deliveries(webhookId, "delivered")).toHaveLength(1);
  // Nothing waits any more: the room is left alone.
  await carryRows(config, day.tenantId);
  expect(await readOpenTenants(config.db, { limit: 1_000 })).not.toContain(day.tenantId);
});

test("an idle tenant's room is not woken", async () => {
  const day = await openWebhookDay();
  const { webhookId } = await day.endpoint();
  await day.endTask();
  await day.carry(webhookId);
  await carryRows(config, day.tenantId);
  const swept = vi.spyOn(MarketRoom.prototype, "sweep");
  await sweep(config);
  expect(swept).toHaveBeenCalledTimes((await readOpenTenants(config.db, { limit: 1_000 })).length);
  expect(await readOpenTenants(config.db, { limit: 1_000 })).not.toContain(day.tenantId);
});

test("a task whose auction nobody finishes ends with its time, though its room's alarm was lost", async () => {
  const day = await openMarket();
  const { room, opening } = await admitOnly(day);
  await room.beginAuction(1, { opening, started: [] });
  await carryRows(config, day.tenantId);
  await loseAlarm(room);
  clock.pass(3_600_001);
  await sweep(config);
  expect(await alarmOf(room)).not.toBeNull();
  await runDurableObjectAlarm(room);
  clock.pass(60_001);
  await runDurableObjectAlarm(room);
  expect(await room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
});

test("no timer that stands is moved", async () => {
  const day = await openMarket();
  const task = await awardedTask({}, day);
  await deliver(faultyVerifier(new ScriptedModels({ steps: [SUBMIT] })), traceMessage(task, 1), {
    attempts: 4,
  });
  await admitOnly(day);
  clock.pass(config.leaseMs + 1);
  await day.ringMarket();
  clock.pass(5_000);
  const timers = async () => [...(await ownTimers(day.market)), ...(await ownTimers(task.room))];
  const before = await timers();
  expect(before.map(({ kind }) => kind)).toEqual(["auction-lease", "history", "deadline", "trace-lease"]);
  await day.market.sweep();
  expect(await timers()).toEqual(before);
});

test("timers that are gone are made anew", async () => {
  const day = await openMarket();
  const { room, taskId } = await awardedTask({}, day);
  const auction = await admitOnly(day);
  for (const gone of [day.market, room])
    await runInDurableObject(gone as DurableObjectStub, async (_room, { storage }) => {
      storage.sql.exec("DELETE FROM timers");
      await storage.deleteAlarm();
    });
  clock.pass(config.leaseMs + 1);
  await day.market.sweep();
  expect((await ownTimers(day.market)).map(({ kind }) => kind)).toEqual(["auction-lease", "history"]);
  const send = vi.spyOn(env.WORK_QUEUE, "send");
  await day.ringMarket();
  await runDurableObjectAlarm(room);
  expect(send.mock.calls).toMatchObject([
    [{ kind: "auction", taskId: auction.taskId, generation: 2 }],
    [{ kind: "trace", taskId, generation: 1 }],
  ]);
});

test("an auction that was given up is announced no more, though its room cannot be told", async () => {
  const day = await openMarket();
  const { room, opening, taskId } = await admitOnly(day);
  await room.beginAuction(1, { opening, started: [] });
  clock.pass(config.leaseMs + 1);
  await day.ringMarket();
  vi.spyOn(TaskRoom.prototype, "beginAuction").mockRejectedValue(new RangeError("no room for it"));
  vi.spyOn(TaskRoom.prototype, "stop").mockRejectedValue(new Error("no such host"));
  const message = { kind: "auction", tenantId: day.tenantId, taskId, generation: 2 };
  await failToDeath(traceDeps(new ScriptedModels({})), message, clock.pass);
  const send = vi.spyOn(env.WORK_QUEUE, "send");
  for (let n = 0; n < 3; n += 1) {
    await day.market.sweep();
    clock.pass(300_000);
    await day.ringMarket();
  }
  expect(send).not.toHaveBeenCalled();
  vi.mocked(TaskRoom.prototype.stop).mockRestore();
  await day.market.sweep();
  clock.pass(config.leaseMs + 1);
  await runDurableObjectAlarm(room);
  expect(await room.view()).toMatchObject({ state: "failed", failureReason: "dead_lettered" });
});
