/** The cron sweep: rooms whose alarms were given up are woken where there is anything to do, and idle tenants are left alone. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MarketRoom } from "../../../src/index.ts";
import { readOpenTenants } from "../../../src/history/read-open-tenants.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { sweep } from "../../../src/tenancy/sweep.ts";
import { admitOnly, alarmOf, config, openMarket, stopTheClock } from "./market-day.ts";
import { answering, openWebhookDay } from "./webhook-day.ts";

let clock: ReturnType<typeof stopTheClock>;
beforeEach(() => {
  clock = stopTheClock();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const loseAlarm = async (room: DurableObjectStub) =>
  runInDurableObject(room, async (_room, { storage }) => storage.deleteAlarm());

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
