/** An idle tenant costs nothing but its storage: nothing of it is awake, and nothing will wake it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { METHODS } from "../../../src/api/app.ts";
import { makeApiKey } from "../../../src/api/credentials.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { quoteOf } from "../../../src/market/sale/quote.ts";
import { isFinal } from "../../../src/market/task.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { A_TOOL, idOf } from "../api/idempotency-day.ts";
import { call, OPERATOR, post } from "../api/support.ts";
import {
  alarmOf,
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
  type MarketDay,
  type TaskStub,
} from "./market-day.ts";
import { anIndex, BIDS, memoryOver, runTask, VERDICTS } from "./memory-day.ts";
import { openQuote } from "./quote-day.ts";

const clock = useStoppedClock();

type Index = ReturnType<typeof anIndex>;
interface Task {
  readonly taskId: TaskId;
  readonly room: TaskStub;
}

/** What could wake a room or keep it awake. */
async function wakersOf(room: DurableObjectStub) {
  const alarmAtMs = await alarmOf(room);
  return runInDurableObject(room, async (_room, ctx) => ({
    alarmAtMs,
    timers: ctx.storage.sql.exec("SELECT kind, subject FROM timers").toArray(),
    sockets: ctx.getWebSockets().length,
  }));
}
const NO_BIDS = { [CHEAP]: "empty", [MIDDLE]: "empty", [DEAR]: "empty" } as const;
const A_FILE = "notes.md";
const ASLEEP = { alarmAtMs: null, timers: [], sockets: 0 };

/** A listener as a client leaves it: it takes whatever comes, until the room closes it. */
async function listen(room: TaskStub): Promise<void> {
  const response = await room.fetch("https://task-room/events?after=0", {
    headers: { Upgrade: "websocket" },
  });
  const socket = response.webSocket;
  if (socket === null) throw new Error("no listener");
  socket.addEventListener("close", () => socket.close(1000));
  socket.accept();
}

/** One that passed and one that failed, both in the memory; one that nobody bid for; one that was cancelled in its work. */
async function busyDay(day: MarketDay, { index }: Index): Promise<Task[]> {
  const memory = memoryOver(index);
  const tasks: Task[] = [await runTask(day, { memory }), await runTask(day, { memory, result: "41" })];
  const unbid = await day.admit();
  await listen(unbid.room);
  await runAuction(auctionDeps(new ScriptedModels({ bids: NO_BIDS })), unbid.holder);
  const cancelled = await day.admit({ tools: ["files"] });
  await listen(cancelled.room);
  const models = new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps: [{ text: "42" }] });
  await runAuction(auctionDeps(models), cancelled.holder);
  await cancelled.room.takeTrace(1, 1);
  await cancelled.room.useFiles(1, { kind: "write", path: A_FILE, text: "so far" });
  await cancelled.room.handOver(1);
  await day.market.cancel(cancelled.taskId);
  const work = { kind: "trace", tenantId: day.tenantId, taskId: cancelled.taskId } as const;
  await runSlice(traceDeps(models), { ...work, attempt: 1, generation: 2 });
  return [...tasks, unbid, cancelled];
}

/** The rooms' alarms ring as they come due, and the consumers come, for ten minutes. */
async function passTenMinutes(day: MarketDay, tasks: readonly Task[], index: Index): Promise<void> {
  for (let minute = 0; minute < 10; minute++) {
    await carryRows(config, day.tenantId);
    await carryVectors(config, index.index, day.tenantId);
    index.vectorize.flush();
    clock.pass(60_000);
    for (const room of [day.market, ...tasks.map((task) => task.room)]) await runDurableObjectAlarm(room);
  }
}

/** Routes that show something of one tenant. */
const READING = METHODS.filter(
  ([path, methods]) =>
    methods.includes("GET") && (path.startsWith("/v1/") || path.startsWith("/admin/tenants/:id")),
).map(([path]) => path);

/** A route with the tenant's own ids in it. */
function withIds(
  path: string,
  ids: Readonly<Record<"tenantId" | "calibration" | "webhook" | "tool", string>> & {
    readonly taskId: TaskId;
  },
): string {
  const named: Record<string, string> = {
    ...ids,
    id: path.startsWith("/v1/") ? ids.taskId : ids.tenantId,
    quote: quoteOf(ids.taskId),
    version: "1",
  };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => named[name] ?? "").replace("*", A_FILE);
}

describe("an idle tenant", () => {
  test("has no alarm, no timer and no listener, in its market room and in the rooms of its tasks", async () => {
    const index = anIndex();
    const day = await openMarket();
    const tasks = await busyDay(day, index);
    expect(await wakersOf(day.market)).not.toEqual(ASLEEP);
    await passTenMinutes(day, tasks, index);

    const states = await Promise.all(tasks.map(async ({ room }) => (await room.view())?.state));
    expect(states).toEqual(["finished", "finished", "failed", "cancelled"]);
    expect(await day.market.heldTasks()).toEqual([]);
    expect(await wakersOf(day.market)).toEqual(ASLEEP);
    for (const { room } of tasks) expect(await wakersOf(room)).toEqual(ASLEEP);
    await evictRooms(day.market, ...tasks.map(({ room }) => room));
    expect(await runDurableObjectAlarm(day.market)).toBe(false);
  });

  test("is read, by every route that shows something of it, and sleeps on", async () => {
    const index = anIndex();
    const day = await openMarket();
    const { key, hash } = await makeApiKey(day.tenantId);
    const keyId = newId("key", config.source);
    await day.market.addKey({ keyId, hash, name: "reads", budget: null });
    const quoted = await openQuote(day);
    await quoted.accept();
    await quoted.carryOut();
    const tasks = [...(await busyDay(day, index)), quoted];
    await passTenMinutes(day, tasks, index);
    const auth = { Authorization: `Bearer ${key}` };
    const webhook = await idOf(await post("/v1/webhooks", { url: "https://hooks.example.com/" }, auth));
    const tool = await idOf(await post("/v1/tools", A_TOOL, auth));
    const quotes = `/admin/tenants/${day.tenantId}/calibrations`;
    const calibration = await idOf(await post(quotes, { tasks: 2 }, OPERATOR));
    const rooms = [day.market, ...tasks.map(({ room }) => room)];
    await evictRooms(...rooms);

    const { tenantId } = day;
    const shown = new Set<string>();
    for (const { taskId } of tasks) {
      for (const path of READING) {
        const headers = path.startsWith("/v1/") ? auth : OPERATOR;
        const response = await call(withIds(path, { tenantId, taskId, calibration, webhook, tool }), {
          headers,
        });
        await response.text();
        if (response.ok) shown.add(path);
        else expect([404, 409]).toContain(response.status);
      }
    }
    // Each of them found something to show.
    expect([...shown].toSorted()).toEqual(READING.toSorted());
    for (const room of rooms) expect(await wakersOf(room)).toEqual(ASLEEP);
  });

  test("that was only made, with a key that is used, sleeps as soon as the history has its row", async () => {
    const day = await openMarket();
    await carryRows(config, day.tenantId);
    expect(await wakersOf(day.market)).toEqual(ASLEEP);
    const created = `/admin/tenants/${day.tenantId}/keys`;
    await post(created, { name: "k" }, { ...OPERATOR, "Idempotency-Key": "k" });
    expect(await wakersOf(day.market)).toEqual(ASLEEP);
  });
});

test("a task that is open keeps its rooms' timers, so that what is looked at above can be seen", async () => {
  const day = await openMarket();
  const { room, taskId } = await day.admit();
  await listen(room);
  await carryRows(config, day.tenantId);
  expect((await day.market.heldTasks()).map((task) => isFinal(task.state))).toEqual([false]);
  const market = await wakersOf(day.market);
  expect(market.alarmAtMs).not.toBeNull();
  expect(market.timers).toContainEqual({ kind: "auction-lease", subject: taskId });
  expect((await wakersOf(room)).sockets).toBe(1);
});
