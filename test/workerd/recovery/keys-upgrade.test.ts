/** Rooms that were written before keys had scopes: their keys go on, with their budgets and what was spent of them. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { migrateSchema } from "../../../src/durable/schema.ts";
import { KEY_SCOPES } from "../../../src/market/key-scope.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { evictRooms, KEY_HASH, openMarket, useStoppedClock } from "../rooms/market-day.ts";
import { ask, limited, plannedMicros, refusalOf } from "../rooms/money-day.ts";
import { rewind } from "./rewind.ts";

useStoppedClock();

const BEFORE = MARKET_SCHEMA.steps.findIndex((step) => step.includes("ADD COLUMN scopes"));

test("a room of the version before opens: key, budget and open tasks are as they were", async () => {
  const planned = await plannedMicros();
  const day = await openMarket({ keyBudget: limited({ totalMicros: planned }) });
  const { taskId } = await ask(day);
  await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
    const document = "json_remove(body, '$.locationHint', '$.suspendedAtMs', '$.erasure')";
    const tenant = storage.sql.exec(`SELECT id, ${document} AS body FROM tenant`).toArray();
    await rewind(storage, { schema: MARKET_SCHEMA, version: BEFORE, older: { tenant } });
  });
  await evictRooms(day.market);

  expect(await day.market.authorize(KEY_HASH)).toMatchObject({ scopes: KEY_SCOPES });
  const view = { locationHint: null, suspendedAtMs: null, deletingAtMs: null, openTasks: 1 };
  expect(await day.market.manageTenant("read")).toMatchObject(view);
  expect((await day.market.heldTasks()).map((task) => task.taskId)).toEqual([taskId]);
  expect(refusalOf(await ask(day))).toMatchObject({ scope: "key", limit: "total", leftMicros: 0 });
  const listed = await day.market.manageKeys({ kind: "list", by: KEY_HASH });
  const [key] = listed.ok ? listed.value : [];
  expect(key).toMatchObject({ account: key?.keyId, expiresAtMs: null, revokedAtMs: null });
});

test("the step leaves the tables that a new room has", async () => {
  const day = await openMarket();
  const columnsOf = async () =>
    runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) =>
      storage.sql
        .exec("SELECT name, type, dflt_value FROM pragma_table_info('keys') ORDER BY name")
        .toArray(),
    );
  const fresh = await columnsOf();
  await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
    await rewind(storage, { schema: MARKET_SCHEMA, version: BEFORE, older: {} });
    migrateSchema(storage, MARKET_SCHEMA);
  });
  expect(await columnsOf()).toEqual(fresh);
});
