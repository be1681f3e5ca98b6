/** Rooms from before there were rate limits: what runs and waits in them goes on, and limits hold from when they are set. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { DEFAULT_TENANT_LIMITS } from "../../../src/market/rate-limit.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { evictRooms, KEY_HASH, useStoppedClock } from "../rooms/market-day.ts";
import { openTurns, type TurnsDay } from "../rooms/turns-day.ts";
import { rewind } from "./rewind.ts";

useStoppedClock();

const BEFORE = MARKET_SCHEMA.steps.findIndex((step) => step.includes("CREATE TABLE token_buckets"));

/** The market room as the version before wrote it. */
async function asBefore({ market }: TurnsDay): Promise<void> {
  await runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    await rewind(storage, { schema: MARKET_SCHEMA, version: BEFORE, older: {} });
    storage.sql.exec("UPDATE tenant SET body = json_remove(body, '$.limits')");
    storage.sql.exec("UPDATE tasks SET body = json_remove(body, '$.heldBackSinceMs')");
    storage.sql.exec("UPDATE outbox SET message = json_remove(message, '$.award.waits')");
  });
  await evictRooms(market);
}

test("a room of the version before opens: its tasks go on, and what waits for its turn gets it", async () => {
  const day = await openTurns({}, { ordering: "strict" });
  const [first, second, third] = [await day.task(), await day.task(), await day.task()];
  await day.award(first);
  await asBefore(day);
  expect(await day.market.readLimits(KEY_HASH)).toMatchObject({
    tenant: { limits: DEFAULT_TENANT_LIMITS, running: 2, waiting: 1, traces: 1, tracesWaiting: 0 },
    key: null,
  });
  expect(await day.states([first, second, third])).toEqual(["awarded", "bidding", "admitted"]);
  await day.award(second);
  expect(await day.states([first, second, third])).toEqual(["awarded", "awarded", "bidding"]);
  await day.award(third);
  for (const task of [first, second, third]) await day.finish(task);
  expect(await day.states([first, second, third])).toEqual(["finished", "finished", "finished"]);
});

test("limits that are set in it count what has run there since before", async () => {
  const day = await openTurns();
  const tasks = [await day.task(), await day.task()];
  await asBefore(day);
  await day.setLimits({ concurrentTasks: 2, tokensPerMinute: 1_000, requestsPerMinute: 10 });
  const waiting = await day.task();
  expect(waiting.begins).toBe(false);
  for (const task of tasks) await day.award(task);
  for (const task of tasks) await day.finish(task);
  expect(await day.states([waiting])).toEqual(["bidding"]);
  await day.spend(waiting, 2_000);
  expect((await day.task()).begins).toBe(false);
  expect((await day.market.authorize(KEY_HASH))?.rate?.rates).toMatchObject([{ perMinute: 10, left: 7 }]);
});
