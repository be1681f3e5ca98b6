/** While a deployment rolls out, Workers and rooms of the version before the ledger work beside new ones. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { NO_BUDGET } from "../../../src/market/ledger/budget.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { MarketRoomApi } from "../../../src/tenancy/market-room-api.ts";
import { aCommit, aTaskSpec } from "../../support/builders.ts";
import { CHEAP, config, KEY_HASH, openMarket, POOL, useStoppedClock } from "../rooms/market-day.ts";
import { accountOf, ask, limited } from "../rooms/money-day.ts";
import { marketStub } from "../stubs.ts";

useStoppedClock();

const without = <T extends object>(whole: T, field: string): T => {
  const part = { ...whole };
  Reflect.deleteProperty(part, field);
  return part;
};

describe("a Worker of the version before", () => {
  test("has its task admitted, which has no limit of its own", async () => {
    const day = await openMarket();
    const spec = aTaskSpec();
    const older = { ...spec, limits: without(spec.limits, "maxCostUsd") };
    const { answer } = await ask(day, {}, { spec: older });
    expect(answer.ok).toBe(true);
  });

  test("sets up a tenant and a key that have no budget", async () => {
    const tenantId = newId("ten", config.source);
    const market = marketStub<MarketRoomApi>(tenantId);
    const settings = {
      tenantId,
      name: "older",
      ordering: "parallel",
      pool: POOL,
      budget: NO_BUDGET,
    } as const;
    await market.setUp(without(settings, "budget"));
    const key = { keyId: newId("key", config.source), hash: KEY_HASH, name: "older", budget: null };
    await market.addKey(without(key, "budget"));
    const { answer } = await ask({ market } as Parameters<typeof ask>[0]);
    expect(answer.ok).toBe(true);
  });
});

test("a task's room that was opened by the version before keeps to what its opening allows", async () => {
  const day = await openMarket();
  const { taskId, room, holder } = await day.admit();
  if (holder.opening === undefined) throw new Error("not given");
  await room.beginAuction(1, { opening: holder.opening, started: [] });
  await runInDurableObject(room as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec("UPDATE doc SET body = json_remove(body, '$.allowanceMicros') WHERE name = 'task'");
  });
  await day.market.setBudget(limited({ totalMicros: 1 }));
  const boundMicros = asMicros(10_000_000);
  const call = { callId: newId("cal", config.source), kind: "jury", agentId: CHEAP, boundMicros } as const;
  const commit = aCommit({ started: [call] });
  expect(await room.commitAuction(1, commit)).toBe("budget");
  expect(await accountOf(day, taskId)).toMatchObject({ chargedMicros: 0 });
});
