/** Requests per minute over a market room's sleep: the platform takes its memory after ten seconds without a request. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { evictRooms, KEY_HASH, useStoppedClock } from "./market-day.ts";
import { openTurns, type TurnsDay } from "./turns-day.ts";

const clock = useStoppedClock();

/** As many requests as are let through at once. */
async function drain({ market }: TurnsDay, keyHash = KEY_HASH): Promise<number> {
  for (let through = 0; ; through += 1) {
    const known = await market.authorize(keyHash);
    if (known?.rate?.refusal !== null) return through;
  }
}

const written = async ({ market }: TurnsDay) =>
  runInDurableObject(market as DurableObjectStub, async (_room, { storage }) =>
    storage.sql.exec<{ owed: number }>("SELECT owed FROM request_buckets").toArray(),
  );

test.each([60, 7, 1])("a room that sleeps grants no more than %i per minute", async (perMinute) => {
  const day = await openTurns({ requestsPerMinute: perMinute });
  expect(await drain(day)).toBe(perMinute);
  let later = 0;
  for (let n = 0; n < 12; n += 1) {
    await evictRooms(day.market);
    clock.pass(10_000);
    later += await drain(day);
  }
  // Two minutes' worth: where nothing is left, nothing is written ahead.
  expect(later).toBe(2 * perMinute);
});

test("a key's own requests outlast a sleep, too", async () => {
  const day = await openTurns();
  const keyHash = await day.key({ requestsPerMinute: 20 });
  expect(await drain(day, keyHash)).toBe(20);
  await evictRooms(day.market);
  expect(await drain(day, keyHash)).toBe(0);
});

test("a tenth of a minute's requests is one write, and a sleep costs no more than that", async () => {
  const day = await openTurns({ requestsPerMinute: 100 });
  await day.market.authorize(KEY_HASH);
  const first = await written(day);
  for (let n = 0; n < 9; n += 1) await day.market.authorize(KEY_HASH);
  expect(await written(day)).toEqual(first);
  await day.market.authorize(KEY_HASH);
  expect(await written(day)).not.toEqual(first);
  await evictRooms(day.market);
  expect(await drain(day)).toBe(80);
});

test("what was written ahead is worth nothing once it is refilled", async () => {
  const day = await openTurns({ requestsPerMinute: 100 });
  await day.market.authorize(KEY_HASH);
  clock.pass(60_000);
  for (let n = 0; n < 9; n += 1) await day.market.authorize(KEY_HASH);
  await evictRooms(day.market);
  expect(await drain(day)).toBeLessThanOrEqual(91);
});
