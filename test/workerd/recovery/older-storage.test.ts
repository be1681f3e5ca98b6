/** Rooms whose storage an older version wrote: the new one opens it, and nothing is lost, told twice or counted anew. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { MarketRoom } from "../../../src/index.ts";
import type { Opening } from "../../../src/market/auction-record.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  auctionDeps,
  CHEAP,
  config,
  evictRooms,
  ONE_BID,
  openMarket,
  useStoppedClock,
  type MarketDay,
} from "../rooms/market-day.ts";
import { rewind } from "./rewind.ts";

const clock = useStoppedClock();

/** As the fifth version of the market room's tables held what this one holds now. */
async function asBefore({ market }: MarketDay, openings: readonly Opening[]): Promise<void> {
  const batch = await market.historyBatch(100);
  await runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    const tasks = storage.sql.exec<{ sequence: number }>("SELECT sequence FROM tasks").toArray();
    const sequence = Math.max(...tasks.map((task) => task.sequence));
    await rewind(storage, {
      schema: MARKET_SCHEMA,
      version: 5,
      older: {
        history: batch.map(({ id, row }) => ({
          id,
          task_id: row.table === "tenants" ? null : row.taskId,
          kind: row.table,
          row: JSON.stringify(row),
          parked: null,
        })),
        outbox: openings.map((opening, at) => ({
          id: at + 1,
          lane: opening.taskId,
          message: JSON.stringify({ kind: "open", opening }),
          attempts: 0,
        })),
        counters: [
          { name: "sequence", value: sequence },
          { name: "tenant-row", value: 2 },
          { name: "tenant-open", value: 1 },
        ],
      },
    });
  });
  await evictRooms(market);
}

async function end({ market }: MarketDay, taskId: TaskId): Promise<void> {
  await market.ended({ taskId, attempt: 0, end: { state: "cancelled" }, verdict: null, trace: null });
}

async function take({ market }: MarketDay) {
  const batch = await market.historyBatch(100);
  await market.historyWritten(
    batch.map(({ id }) => id),
    [],
  );
  return batch;
}

test("market: every row that waits is carried, under its number, and later rows have later ones", async () => {
  const day = await openMarket();
  const settled = await admitOnly(day);
  const open = await admitOnly(day);
  await end(day, settled.taskId);
  const before = { held: await day.market.heldTasks(), batch: await day.market.historyBatch(100) };
  await asBefore(day, [open.opening]);
  expect(await day.market.heldTasks()).toEqual(before.held);
  expect(await day.market.historyBatch(100)).toEqual(before.batch);
  const carried = before.batch.map(({ id }) => id);
  // The open task changes while the older rows are carried away.
  await end(day, open.taskId);
  await day.market.historyWritten(carried, []);
  expect((await day.market.heldTasks()).map(({ taskId }) => taskId)).toEqual([open.taskId]);
  const later = await take(day);
  expect(later.map(({ id }) => id > Math.max(...carried))).toEqual(later.map(() => true));
  expect(later.map(({ row }) => row)).toMatchObject([
    { table: "tasks", taskId: open.taskId, state: "cancelled", version: 2 },
    { table: "tenants", openTasks: 0 },
  ]);
  expect(await day.market.heldTasks()).toEqual([]);
});

test("market: numbers of rows go on though all were carried away before", async () => {
  const day = await openMarket();
  const { taskId, opening } = await admitOnly(day);
  const ids = (await take(day)).map(({ id }) => id);
  await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
    const [task] = storage.sql.exec<{ sequence: number }>("SELECT sequence FROM tasks").toArray();
    const last = Math.max(...ids);
    const counters = [
      { name: "sequence", value: task?.sequence ?? 0 },
      { name: "tenant-open", value: 1 },
    ];
    await rewind(storage, {
      schema: MARKET_SCHEMA,
      version: 5,
      older: { outbox: [], counters, history: [] },
    });
    // What the older version numbered and let go.
    storage.sql.exec("INSERT INTO history (id, row) VALUES (?, '')", last);
    storage.sql.exec("DELETE FROM history");
  });
  await evictRooms(day.market);
  expect((await admitOnly(day)).opening.sequence).toBe(opening.sequence + 1);
  await end(day, taskId);
  await day.market.historyWritten(ids, []);
  expect((await take(day)).map(({ row }) => row.table === "tasks" && row.sequence)).toEqual([2, 1]);
});

test("market: an opening that is owed whole opens its room, under the auction's timer", async () => {
  const day = await openMarket();
  const { taskId, opening, room } = await admitOnly(day);
  await asBefore(day, [opening]);
  clock.pass(config.leaseMs + 1_000);
  await day.ringMarket();
  expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
  const deps = auctionDeps(new ScriptedModels({ bids: ONE_BID }));
  await runAuction(deps, { tenantId: day.tenantId, taskId, generation: 2 });
  expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
});

test("market: a waiting auction of a strict tenant gets its turn", async () => {
  const day = await openMarket({ ordering: "strict" });
  const first = await admitOnly(day);
  const second = await admitOnly(day);
  await asBefore(day, [first.opening, second.opening]);
  const third = await admitOnly(day);
  await end(day, first.taskId);
  const states = async () => (await day.market.heldTasks()).map(({ taskId, state }) => [taskId, state]);
  expect((await states()).slice(0, 2)).toEqual([
    [third.taskId, "admitted"],
    [second.taskId, "bidding"],
  ]);
  await end(day, second.taskId);
  expect((await states())[0]).toEqual([third.taskId, "bidding"]);
});

test("task: a report that is owed reaches the market room, once", async () => {
  // oxlint-disable-next-line typescript/unbound-method
  const ended = MarketRoom.prototype.ended;
  let told = 0;
  vi.spyOn(MarketRoom.prototype, "ended").mockImplementation(async function (this: MarketRoom, report) {
    told += 1;
    if (told === 1) throw new Error("the room restarts");
    return ended.call(this, report);
  });
  const day = await openMarket();
  const { taskId, room } = await day.admit();
  await room.beginAuction(1, null);
  await room.endAuction(1, "no_bids");
  expect(await room.view()).toMatchObject({ state: "bidding", endedAtMs: null });
  await runInDurableObject(room as DurableObjectStub, async (_room, { storage }) => {
    expect(storage.sql.exec("SELECT lane FROM outbox").toArray().length).toBeGreaterThan(0);
    await rewind(storage, { schema: TASK_SCHEMA, version: 2, older: {} });
  });
  await evictRooms(room);
  clock.pass(60_000);
  await room.wake();
  expect(told).toBe(2);
  expect(await room.view()).toMatchObject({ state: "failed" });
  expect(await day.market.heldTasks()).toMatchObject([{ taskId, state: "failed", failureReason: "no_bids" }]);
});
