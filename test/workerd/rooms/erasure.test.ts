/** A tenant's erasure: nothing of it is left anywhere, read anew, and nothing of anybody else is touched. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { DELIVERY_CLAIM_MS } from "../../../src/market/delivery.ts";
import { newId } from "../../../src/market/ids.ts";
import { BROKEN_WRITE_MS } from "../../../src/market/passage.ts";
import { FINISHED_CARRYING_MS } from "../../../src/tenancy/carriers.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import { eraseTenant, type EraseReport } from "../../../src/tenancy/erase-tenant.ts";
import type { ErasureApi } from "../../../src/tenancy/erasure-desk.ts";
import { taskStub } from "../stubs.ts";
import { admitOnly, config, evictRooms, KEY_HASH, openMarket, useStoppedClock } from "./market-day.ts";
import { anIndex, memoryOver, runTask } from "./memory-day.ts";
import { erase, everythingOf, pastOf, rowsOf, storageOf } from "./erasure-day.ts";
import { ask } from "./money-day.ts";
import { openWebhookDay } from "./webhook-day.ts";

const clock = useStoppedClock();

describe("a tenant whose tasks have ended", () => {
  test("is gone at one call: rows, vectors, rooms; and the counts are those that are read here", async () => {
    const index = anIndex();
    const day = await pastOf(index);
    const other = await pastOf(index);
    const [had, othersBefore] = [await everythingOf(day, index), await everythingOf(other, index)];
    expect(Object.values(had.rows).every((rows) => rows > 0)).toBe(true);
    expect(Object.keys(had.rows).length).toBeGreaterThan(6);
    expect(had.vectors).toBe(2);
    expect(had.rooms.every((tables) => tables > 0)).toBe(true);

    const first = await erase(day, index);
    // The index has taken the deletions, and shows its old state: they are not believed before they are seen.
    expect(first).toMatchObject({ done: false, left: { counts: { vectors: 2, taskRooms: 0 } } });
    index.vectorize.flush();
    const report = await erase(day, index);
    expect(report).toEqual({
      done: true,
      before: { rows: had.rows, vectors: 2, taskRooms: 2, marketRooms: 1 },
      after: {
        rows: Object.fromEntries(Object.keys(had.rows).map((table) => [table, 0])),
        vectors: 0,
        taskRooms: 0,
        marketRooms: 0,
      },
    });
    const left = await everythingOf(day, index);
    expect(Object.values(left.rows).every((rows) => rows === 0)).toBe(true);
    expect([left.vectors, ...left.rooms]).toEqual([0, 0, 0, 0]);
    expect(await everythingOf(other, index)).toEqual(othersBefore);
  });

  test("is unknown afterwards: its key, its id, its tasks, also to rooms that were evicted", async () => {
    const index = anIndex();
    const day = await pastOf(index);
    await erase(day, index);
    index.vectorize.flush();
    expect(await erase(day, index)).toMatchObject({ done: true });
    for (const evicted of [false, true]) {
      if (evicted) await evictRooms(day.market, ...day.tasks.map(({ room }) => room));
      expect(await day.market.authorize(KEY_HASH)).toBeNull();
      expect((await ask(day)).answer).toEqual({ ok: false, failure: { reason: "unauthenticated" } });
      expect(await day.market.manageTenant("read")).toBeNull();
      expect(await day.market.manageTenant("suspend")).toBeNull();
      expect(await day.market.manageKeys({ kind: "list", by: null })).toMatchObject({ ok: false });
      for (const { room } of day.tasks) expect(await room.view()).toBeNull();
      const again = await eraseTenant(
        { config, index: index.index },
        { tenantId: day.tenantId, force: true },
      );
      expect(again).toEqual({ ok: false, failure: { reason: "unknown_tenant" } });
      expect(await storageOf(day.market)).toBe(0);
    }
  });

  test("is not written again by whoever comes late", async () => {
    const index = anIndex();
    const day = await pastOf(index);
    await erase(day, index);
    index.vectorize.flush();
    expect(await erase(day, index)).toMatchObject({ done: true });
    const [task] = day.tasks;
    if (task === undefined) throw new Error("no task");
    const { taskId } = task;
    const end = { state: "cancelled" } as const;
    await day.market.spent(taskId, []);
    expect(await day.market.ended({ taskId, attempt: 0, end, verdict: null, trace: null })).toEqual(end);
    await day.market.historyWritten([1], []);
    await day.market.reportVectors([]);
    await carryRows(config, day.tenantId);
    await carryVectors(config, index.index, day.tenantId);
    expect(await day.market.sweep()).toBe(0);
    await task.room.wake();
    expect(Object.values(await rowsOf(day.tenantId)).every((rows) => rows === 0)).toBe(true);
    expect([await storageOf(day.market), await storageOf(task.room)]).toEqual([0, 0]);
  });
});

describe("a tenant with open tasks", () => {
  test("is left as it is, unless it is forced", async () => {
    const index = anIndex();
    const day = await openMarket();
    const { taskId } = await admitOnly(day);
    const refused = await eraseTenant(
      { config, index: index.index },
      { tenantId: day.tenantId, force: false },
    );
    expect(refused).toEqual({ ok: false, failure: { reason: "open_tasks", openTasks: 1 } });
    expect(await day.market.manageTenant("read")).toMatchObject({ deletingAtMs: null, openTasks: 1 });
    expect(await day.market.heldTasks()).toMatchObject([{ taskId, state: "bidding" }]);
    expect((await ask(day)).answer.ok).toBe(true);
  });

  test("that is forced waits for whoever holds them, lets nobody in meanwhile, and is erased after that", async () => {
    const index = anIndex();
    const day = await openMarket();
    const { room } = await admitOnly(day);
    const { tenantId } = day;
    const report = await erase(day, index, { force: true });
    expect(report).toMatchObject({ done: false, before: null, left: { openTasks: 1, carriers: 0 } });
    expect(await storageOf(room)).toBeGreaterThan(0);
    expect(await day.market.authorize(KEY_HASH)).toBeNull();
    expect((await ask(day)).answer).toEqual({ ok: false, failure: { reason: "unauthenticated" } });
    expect(await day.market.manageTenant("read")).toMatchObject({ deletingAtMs: Date.now(), openTasks: 1 });
    // The holder gets one lease's time to bring its bills.
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(room);
    const rest = await erase(day, index);
    expect(rest).toMatchObject({
      done: true,
      before: { taskRooms: 1, rows: { tenants: 1, tasks: 1 } },
      after: { taskRooms: 0, marketRooms: 0 },
    });
    expect(Object.values(await rowsOf(tenantId)).every((rows) => rows === 0)).toBe(true);
    expect([await storageOf(room), await storageOf(day.market)]).toEqual([0, 0]);
  });
});

describe("nothing is erased", () => {
  test("while a consumer carries rows, until it reports or can no longer be alive", async () => {
    const index = anIndex();
    const day = await openMarket();
    const carried = await day.market.historyBatch(100);
    expect(carried).toHaveLength(1);
    const waits = { done: false, left: { carriers: 1, counts: { marketRooms: 1 } } };
    expect(await erase(day, index)).toMatchObject(waits);
    clock.pass(FINISHED_CARRYING_MS - 1);
    expect(await erase(day, index)).toMatchObject(waits);
    clock.pass(1);
    expect(await erase(day, index)).toMatchObject({ done: true });

    const second = await openMarket();
    const batch = await second.market.historyBatch(100);
    expect(await erase(second, index)).toMatchObject(waits);
    await second.market.historyWritten(
      batch.map(({ id }) => id),
      [],
    );
    expect(await erase(second, index)).toMatchObject({ done: true });
  });

  test("where a room that woke with rows that wait does not know who carries them", async () => {
    const index = anIndex();
    const day = await openMarket();
    await day.market.historyBatch(100);
    clock.pass(1);
    await evictRooms(day.market);
    expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
    clock.pass(FINISHED_CARRYING_MS);
    expect(await erase(day, index)).toMatchObject({ done: true });
  });

  test("while a consumer may write a vector, and no other is given one", async () => {
    const index = anIndex();
    const day = await openMarket();
    const memory = memoryOver(index.index);
    await runTask(day, { memory });
    await runTask(day, { memory });
    const [claimed] = await day.market.claimVectors(1);
    if (claimed === undefined) throw new Error("nothing to carry");
    expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
    expect(await day.market.claimVectors(10)).toEqual([]);
    const { id, version, claim } = claimed;
    await day.market.reportVectors([{ id, version, claim, state: "broken" }]);
    expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
    clock.pass(BROKEN_WRITE_MS + 1);
    expect(await erase(day, index)).toMatchObject({ done: true, before: { vectors: 2 } });
  });
});

test("nothing is sent for a tenant whose deletion has begun, and what is being sent is waited for", async () => {
  const index = anIndex();
  const day = await openWebhookDay();
  const { webhookId } = await day.endpoint();
  await day.endTask();
  day.receiver.answer = async () => {
    expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
    return new Response(null, { status: 500 });
  };
  await day.carry(webhookId);
  expect(day.receiver.sent).toHaveLength(1);
  expect(await day.timerOf(webhookId)).toBeNull();
  clock.pass(60_000);
  await day.carry(webhookId);
  expect(day.receiver.sent).toHaveLength(1);
  expect(await erase(day, index)).toMatchObject({ done: true });
  expect(await storageOf(day.market)).toBe(0);
});

test("what is being sent is waited for, also where its endpoint was deleted meanwhile", async () => {
  const index = anIndex();
  const day = await openWebhookDay();
  const { webhookId } = await day.endpoint();
  await day.endTask();
  day.receiver.answer = async () => {
    await day.order({ kind: "remove", webhookId });
    expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
    await evictRooms(day.market);
    clock.pass(DELIVERY_CLAIM_MS - 1);
    expect(await erase(day, index)).toMatchObject({ done: false, left: { carriers: 1 } });
    return new Response();
  };
  await day.carry(webhookId);
  expect(day.receiver.sent).toHaveLength(1);
  clock.pass(1);
  expect(await erase(day, index)).toMatchObject({ done: true });
});

test("more than one call erases goes call by call, rooms that only the history knows included", async () => {
  const index = anIndex();
  const day = await pastOf(index);
  const ids = Array.from({ length: 230 }, () => newId("tsk", config.source));
  const row = "INSERT INTO tasks SELECT tenant_id, value, sequence";
  const columns = await env.DB.prepare("SELECT name FROM pragma_table_info('tasks')").all<{ name: string }>();
  const rest = columns.results.map(({ name }) => name).slice(3);
  await env.DB.prepare(
    `${row}, ${rest.join(", ")} FROM tasks, json_each(?) WHERE tenant_id = ? AND task_id = ?`,
  )
    .bind(JSON.stringify(ids), day.tenantId, day.tasks[0]?.taskId ?? "")
    .run();
  const known = ids.at(-1);
  if (known === undefined) throw new Error("no ids");
  const older = taskStub<ErasureApi>(day.tenantId, known);
  await runInDurableObject(older as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec("CREATE TABLE doc (name TEXT)");
  });
  const reports: EraseReport[] = [];
  while (reports.at(-1)?.done !== true && reports.length < 10) {
    index.vectorize.flush();
    reports.push(await erase(day, index));
  }
  const left = reports.map((report) => (report.done ? 0 : report.left.counts.rows["tasks"]));
  expect(left).toHaveLength(2);
  expect(left[0]).toBeGreaterThan(0);
  expect(reports.at(-1)).toMatchObject({ done: true, before: { rows: { tasks: 232 } } });
  expect(await storageOf(older)).toBe(0);
  expect(Object.values(await rowsOf(day.tenantId)).every((rows) => rows === 0)).toBe(true);
});

test("calls that come at once erase it once, and each says what it saw", async () => {
  const index = anIndex();
  const day = await pastOf(index);
  const { index: vectors } = index;
  const all = await Promise.all(
    Array.from({ length: 4 }, async () =>
      eraseTenant({ config, index: vectors }, { tenantId: day.tenantId, force: true }),
    ),
  );
  expect(all.every((one) => one.ok && !one.value.done)).toBe(true);
  index.vectorize.flush();
  const last = await Promise.all(
    Array.from({ length: 4 }, async () =>
      eraseTenant({ config, index: vectors }, { tenantId: day.tenantId, force: true }),
    ),
  );
  const ends = last.map((one) => (one.ok ? one.value.done : one.failure.reason));
  expect(ends).toContain(true);
  expect(ends.filter((end) => end !== true && end !== false && end !== "unknown_tenant")).toEqual([]);
  expect(await storageOf(day.market)).toBe(0);
  expect(Object.values(await rowsOf(day.tenantId)).every((rows) => rows === 0)).toBe(true);
});

test("a room is not erased before its turn", async () => {
  const day = await openMarket();
  const room = day.market as unknown as ErasureApi;
  expect(await room.eraseRoom()).toBe(false);
  await admitOnly(day);
  await room.beginErasure(true);
  expect(await room.eraseRoom()).toBe(false);
  expect(await day.market.manageTenant("read")).toMatchObject({ openTasks: 1 });
});
