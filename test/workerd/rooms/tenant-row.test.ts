/** The tenant's row in the history: open while there is work, idle soon after, and not written with every task. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { migrateSchema } from "../../../src/durable/schema.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { MarketStore } from "../../../src/tenancy/market-store.ts";
import { openMarket, type MarketDay } from "./market-day.ts";

/** Takes all rows as the consumer does; returns what the tenant's rows among them say. */
async function takeHistory({ market }: MarketDay): Promise<number[]> {
  const told: number[] = [];
  for (;;) {
    const rows = await market.historyBatch(100);
    if (rows.length === 0) return told;
    for (const { row } of rows) if (row.table === "tenants") told.push(row.openTasks);
    await market.historyWritten(
      rows.map(({ id }) => id),
      [],
    );
  }
}

async function end({ market }: MarketDay, taskId: TaskId): Promise<void> {
  await market.ended({
    taskId,
    attempt: 0,
    end: { state: "cancelled" },
    verdict: null,
    trace: null,
  });
}

test("says open from the first task on, and idle when the last one's rows are taken", async () => {
  const day = await openMarket();
  expect(await takeHistory(day)).toEqual([0]);
  const first = await day.admit();
  expect(await takeHistory(day)).toEqual([1]);
  const second = await day.admit();
  await end(day, first.taskId);
  expect(await takeHistory(day)).toEqual([]);
  await end(day, second.taskId);
  expect(await takeHistory(day)).toEqual([0]);
  expect(await takeHistory(day)).toEqual([]);
});

test("is not written between tasks that follow each other", async () => {
  const day = await openMarket();
  const told: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const { taskId } = await day.admit();
    await end(day, taskId);
  }
  told.push(...(await takeHistory(day)));
  expect(told).toEqual([1, 0]);
});

test("of a task from before an upgrade: its terms are read, and its tenant is known as open", async () => {
  const room = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
  const seen = await runInDurableObject(room, async (_room, { storage }) => {
    migrateSchema(storage, { ...MARKET_SCHEMA, steps: MARKET_SCHEMA.steps.slice(0, 4) });
    storage.sql.exec("INSERT INTO tenant (id, body) VALUES (1, '{}')");
    storage.sql.exec(
      "INSERT INTO tasks (task_id, sequence, state, body) VALUES ('tsk_old', 1, 'bidding', '{}')",
    );
    storage.sql.exec(
      "INSERT INTO terms (task_id, body) VALUES ('tsk_old', ?)",
      JSON.stringify({ seed: 7, pool: [] }),
    );
    migrateSchema(storage, MARKET_SCHEMA);
    const store = new MarketStore(storage);
    return { terms: store.tasks.terms("tsk_old" as TaskId), open: store.told() === "open" };
  });
  expect(seen).toEqual({ terms: { seed: 7, pool: [] }, open: true });
});
