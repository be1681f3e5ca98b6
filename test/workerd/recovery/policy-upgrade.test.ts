/** Rooms that were written before policies had documents and versions: nothing of them is lost, and the trail begins. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  evictRooms,
  MIDDLE,
  ONE_BID,
  openMarket,
  useStoppedClock,
  type MarketDay,
} from "../rooms/market-day.ts";
import { rewind } from "./rewind.ts";

useStoppedClock();

const BEFORE = MARKET_SCHEMA.steps.findIndex((step) => step.includes("policy_versions"));
const WEIGHTS = { cost: 0.001, entropy: 0, jurors: { [CHEAP]: 0.1, [MIDDLE]: 0.1, [DEAR]: 0.3 } };

async function asBefore({ market }: MarketDay, version: number): Promise<void> {
  await runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    await rewind(storage, { schema: MARKET_SCHEMA, version: BEFORE, older: {} });
    const weights = JSON.stringify(WEIGHTS);
    storage.sql.exec(
      "UPDATE tenant SET body = json_set(json_remove(body, '$.market'), '$.policyVersion', ?, '$.weights', json(?))",
      version,
      weights,
    );
  });
  await evictRooms(market);
}

test("a room of the version before opens with its policy, and its open auction clears as it opened", async () => {
  const day = await openMarket();
  const open = await day.admit();
  await asBefore(day, 4);
  expect(await day.market.readPolicy()).toMatchObject({
    policy: { name: "sale", version: 4, weights: WEIGHTS },
    standing: {
      version: 4,
      leftOut: [],
      ignored: [],
      document: { agents: [], disabled: [], weights: WEIGHTS },
    },
  });
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), open.holder);
  expect(await open.room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
  expect((await day.admit()).opening?.policy).toMatchObject({ version: 4, weights: WEIGHTS });
});

test("what stood before the first change is kept with it, though nobody knows who made it", async () => {
  const day = await openMarket();
  await asBefore(day, 4);
  const unknown = { version: 4, made: null, changes: null };
  expect(await day.market.policyVersions({ below: null, limit: 10 })).toEqual({
    versions: [unknown],
    below: null,
  });
  await day.market.changePolicy({ by: null, ifVersion: 4, change: { disabled: [CHEAP], weights: null } });
  expect(await day.market.policyVersions({ below: null, limit: 10 })).toEqual({
    versions: [
      {
        version: 5,
        made: { atMs: Date.now(), by: { kind: "operator" } },
        changes: [
          { field: "weights", before: WEIGHTS, after: null },
          { field: "disabled", before: [], after: [CHEAP] },
        ],
      },
      unknown,
    ],
    below: null,
  });
  const found = await day.market.policyVersion(4);
  expect(found).toMatchObject({ ...unknown, document: { weights: WEIGHTS, disabled: [] } });
  const back = { by: null, ifVersion: null, change: found?.document ?? {} };
  expect(await day.market.changePolicy(back)).toMatchObject({
    ok: true,
    value: { policy: { version: 6, weights: WEIGHTS }, standing: { leftOut: [] } },
  });
});

test("a Worker of the version before changes the policy as it did, and stands in the trail", async () => {
  const day = await openMarket();
  expect(await day.market.setPolicy({ name: "cheapest" })).toMatchObject({
    ok: true,
    value: { policy: { name: "cheapest", version: 2 }, weights: null, fit: null },
  });
  expect(await day.market.policyVersion(2)).toMatchObject({
    made: { by: { kind: "operator" } },
    changes: [{ field: "name", before: "sale", after: "cheapest" }],
  });
});

test("versions that a room of the version before made leave a gap, and not a lie", async () => {
  const day = await openMarket();
  await day.market.setPolicy({ name: "cheapest" });
  // As that room does: the document and its number, and nothing else.
  await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec(
      "UPDATE tenant SET body = json_set(body, '$.policyName', 'random', '$.policyVersion', 3)",
    );
  });
  await evictRooms(day.market);
  await day.market.setPolicy({ name: "sale" });
  const page = await day.market.policyVersions({ below: null, limit: 10 });
  expect(page?.versions.map(({ version, made, changes }) => [version, made === null, changes])).toEqual([
    [4, false, [{ field: "name", before: "random", after: "sale" }]],
    [3, true, [{ field: "name", before: "cheapest", after: "random" }]],
    [2, false, [{ field: "name", before: "sale", after: "cheapest" }]],
    [1, false, null],
  ]);
});
