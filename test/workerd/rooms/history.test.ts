/** From the market room's outbox to D1, through the real consumer; and the cron sweep that wakes forgotten rooms. */
import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import worker from "../../../src/index.ts";
import type { HistoryMessage } from "../../../src/market/message.ts";
import { createVectorIndex } from "../../../src/memory/vector-index.ts";
import { consumeHistory } from "../../../src/tenancy/consume-history.ts";
import { sweep } from "../../../src/tenancy/sweep.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  MIDDLE,
  alarmOf,
  openMarket,
  useStoppedClock,
  traceDeps,
  type MarketDay,
} from "./market-day.ts";

const clock = useStoppedClock();

type Row = Record<string, string | number | null>;
const ascending = (a: string, b: string) => (a < b ? -1 : 1);

async function finishedTask(day: MarketDay) {
  const { tenantId } = day;
  const { taskId, room, holder } = await day.admit({ verifier: { type: "equals", expected: "42" } });
  const half = () => 2;
  const models = new ScriptedModels({
    bids: { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "empty" },
    verdicts: { [CHEAP]: half, [MIDDLE]: "malformed", [DEAR]: half },
    steps: [{ text: "42" }],
  });
  await runAuction(auctionDeps(models), holder);
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  return { taskId, room };
}

async function carryHistory(day: MarketDay) {
  const body: HistoryMessage = { kind: "history", tenantId: day.tenantId };
  const batch = createMessageBatch("saleroom-history", [
    { id: "1", timestamp: new Date(), attempts: 1, body },
  ]);
  await consumeHistory(config, createVectorIndex(config.vectorize), batch);
  return getQueueResult(batch, createExecutionContext());
}

async function rows(table: string, taskId: string): Promise<Row[]> {
  const query = `SELECT * FROM ${table} WHERE task_id = ?`;
  return (await env.DB.prepare(query).bind(taskId).all<Row>()).results;
}

describe("the history", () => {
  test("holds every figure of a finished task, and the room lets go of it", async () => {
    const day = await openMarket();
    const { taskId, room } = await finishedTask(day);
    expect((await carryHistory(day)).explicitAcks).toEqual(["1"]);

    const view = await room.view();
    expect(await rows("tasks", taskId)).toMatchObject([
      {
        tenant_id: day.tenantId,
        state: "finished",
        outcome: "pass",
        verifier: "equals",
        agent_id: CHEAP,
        cost_micros: view?.costMicros,
      },
    ]);
    expect(await rows("auctions", taskId)).toMatchObject([
      { winner: CHEAP, valid_bids: 2, pool_size: 3, jurors: 2 },
    ]);
    const bids = await rows("bids", taskId);
    expect(
      bids.map((bid) => `${bid["agent_id"]} ${bid["status"]} ${bid["reason"]}`).toSorted(ascending),
    ).toEqual([`${CHEAP} valid null`, `${DEAR} abstained empty`, `${MIDDLE} valid null`]);
    expect((await rows("verdicts", taskId)).map((row) => String(row["status"])).toSorted(ascending)).toEqual([
      "left",
      "scored",
      "scored",
    ]);
    expect(await rows("traces", taskId)).toMatchObject([
      { steps: 1, messages: 1, attempt: 1, output_tokens: 200 },
    ]);
    expect(await rows("outcomes", taskId)).toMatchObject([{ outcome: "pass", verifier: "equals" }]);
    expect(await day.market.heldTasks()).toEqual([]);
    const tenants = await env.DB.prepare("SELECT open_tasks FROM tenants WHERE tenant_id = ?")
      .bind(day.tenantId)
      .all();
    expect(tenants.results).toEqual([{ open_tasks: 0 }]);
  });

  test("carried twice is the same as once", async () => {
    const day = await openMarket();
    const { taskId } = await finishedTask(day);
    const batch = await day.market.historyBatch(100);
    await carryHistory(day);
    const before = await rows("tasks", taskId);
    // The room's acknowledgement got lost: the same rows come again.
    await writeHistory(env.DB, batch);
    expect(await rows("tasks", taskId)).toEqual(before);
    expect(await rows("bids", taskId)).toHaveLength(3);
  });

  test("is carried by one consumer: while that comes for more, or may still come, no other is called", async () => {
    const day = await openMarket();
    await runInDurableObject(day.market, async (_room, { storage }) => {
      for (let row = 1; row <= 30; row += 1)
        storage.sql.exec("INSERT INTO history (row) SELECT row FROM history LIMIT 1");
    });
    const called = vi.spyOn(env.HISTORY_QUEUE, "send");
    const carried = async () => (await day.market.historyBatch(5)).map(({ id }) => id);
    let ids = await carried();
    for (let batch = 0; batch < 4; batch += 1) {
      clock.pass(9_000);
      await day.market.historyWritten(ids, []);
      // Something else is committed, and the timer that was set rings.
      await day.market.manageTenant("suspend");
      await day.market.manageTenant("resume");
      await runDurableObjectAlarm(day.market);
      ids = await carried();
      // One batch takes a slow database long.
      clock.pass(40_000);
      await runDurableObjectAlarm(day.market);
    }
    expect(called).not.toHaveBeenCalled();
    // It is gone.
    clock.pass(20_001);
    await runDurableObjectAlarm(day.market);
    expect(called).toHaveBeenCalledOnce();
  });

  test("of many rows is carried by one consumer after the other, each of which calls the next", async () => {
    const day = await openMarket();
    await runInDurableObject(day.market, async (_room, { storage }) => {
      storage.sql.exec(
        `INSERT INTO history (row) WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 5100)
         SELECT (SELECT row FROM history LIMIT 1) FROM n`,
      );
    });
    const called = vi.spyOn(env.HISTORY_QUEUE, "send");
    expect((await carryHistory(day)).explicitAcks).toEqual(["1"]);
    expect(called.mock.calls).toEqual([[{ kind: "history", tenantId: day.tenantId }]]);
    expect(await day.market.historyBatch(1_000)).toHaveLength(101);
    await carryHistory(day);
    expect(called).toHaveBeenCalledOnce();
  });

  test("a row that D1 refuses is kept aside and blocks nobody", async () => {
    const day = await openMarket();
    await runInDurableObject(day.market as DurableObjectStub, async (_room, state) => {
      state.storage.sql.exec(
        "INSERT INTO history (id, kind, row) VALUES (0, 'tasks', ?)",
        JSON.stringify({ table: "tasks", taskId: null }),
      );
    });
    const { taskId } = await finishedTask(day);
    await carryHistory(day);
    expect(await rows("outcomes", taskId)).toHaveLength(1);
    const parked = await runInDurableObject(day.market as DurableObjectStub, async (_room, state) =>
      state.storage.sql.exec("SELECT parked FROM history").toArray(),
    );
    expect(parked).toEqual([{ parked: expect.stringMatching(/.+/) }]);
  });

  test("a database that is down: the message comes back, and nothing is lost", async () => {
    const day = await openMarket();
    const { taskId } = await finishedTask(day);
    const prepare = (): never => {
      throw new Error("D1_ERROR: down");
    };
    const down = { ...config, db: { prepare } as unknown as D1Database };
    const body: HistoryMessage = { kind: "history", tenantId: day.tenantId };
    const batch = createMessageBatch("saleroom-history", [
      { id: "1", timestamp: new Date(), attempts: 1, body },
    ]);
    await consumeHistory(down, createVectorIndex(config.vectorize), batch);
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.retryMessages).toMatchObject([{ msgId: "1" }]);
    expect((await day.market.heldTasks()).map((task) => task.taskId)).toEqual([taskId]);
    await carryHistory(day);
    expect(await rows("tasks", taskId)).toHaveLength(1);
  });
});

describe("the sweep", () => {
  test("wakes a room whose alarm was given up", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    await carryHistory(day);
    // As after too many failed alarms: timers without an alarm.
    await runInDurableObject(day.market as DurableObjectStub, (_room, state) => state.storage.deleteAlarm());
    expect(await day.ringMarket()).toBe(false);
    await sweep(config);
    clock.pass(60_001);
    expect(await day.ringMarket()).toBe(true);
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
  });

  test("passes over tenants without open work", async () => {
    const day = await openMarket();
    await finishedTask(day);
    await carryHistory(day);
    await vi.waitFor(async () => expect(await alarmOf(day.market)).toBeNull(), 5_000);
    await sweep(config);
    expect(await alarmOf(day.market)).toBeNull();
  });
});

describe("the work queue", () => {
  test("a message that nobody can read, and one that finds nothing to do, are done", async () => {
    const day = await openMarket();
    const { taskId } = await finishedTask(day);
    const messages: Parameters<typeof createMessageBatch>[1] = [
      { id: "unreadable", timestamp: new Date(), attempts: 1, body: { kind: "dance" } },
      {
        id: "stale",
        timestamp: new Date(),
        attempts: 1,
        body: { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1, generation: 1 },
      },
      {
        id: "gone",
        timestamp: new Date(),
        attempts: 1,
        body: { kind: "auction", tenantId: day.tenantId, taskId, generation: 1 },
      },
    ];
    const batch = createMessageBatch("saleroom-work", messages);
    await worker.queue(batch, env, createExecutionContext());
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.explicitAcks.toSorted(ascending)).toEqual(["gone", "stale", "unreadable"]);
  });
});
