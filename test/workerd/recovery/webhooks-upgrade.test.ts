/** Rooms that were written before there were webhooks: what was admitted then is told to whoever listens by its end. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { admitOnly, evictRooms, useStoppedClock } from "../rooms/market-day.ts";
import { openWebhookDay, Receiver } from "../rooms/webhook-day.ts";
import { rewind } from "./rewind.ts";

useStoppedClock();

const BEFORE = MARKET_SCHEMA.steps.findIndex((step) => step.includes("CREATE TABLE webhooks"));

test("a task of before ends, and an endpoint of now hears of it", async () => {
  const day = await openWebhookDay();
  const { taskId } = await admitOnly(day);
  await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
    await rewind(storage, { schema: MARKET_SCHEMA, version: BEFORE, older: {} });
    expect(storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").toArray()).toEqual([]);
  });
  await evictRooms(day.market);
  const { webhookId } = await day.endpoint();
  await day.market.ended({ taskId, attempt: 0, end: { state: "cancelled" }, verdict: null, trace: null });
  await day.carry(webhookId);
  expect(day.receiver.sent.map((sent) => Receiver.verified(sent).data["taskId"])).toEqual([taskId]);
});
