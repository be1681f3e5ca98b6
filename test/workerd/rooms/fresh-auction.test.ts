/** An auction from admission: its holder opens the task's room itself, and what holds where the holder dies before. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  eventsOf,
  MIDDLE,
  openMarket,
  useStoppedClock,
  types,
  type MarketDay,
  type TaskStub,
} from "./market-day.ts";

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const three = () => 3;
const script = { bids: BIDS, verdicts: { [CHEAP]: three, [MIDDLE]: three, [DEAR]: three } };

const clock = useStoppedClock();

async function owed({ market }: MarketDay, taskId: TaskId): Promise<string[]> {
  return runInDurableObject(market as DurableObjectStub, async (_room, { storage }) =>
    storage.sql
      .exec<{ kind: string }>(
        "SELECT json_extract(message, '$.kind') AS kind FROM outbox WHERE lane = ? ORDER BY id",
        taskId,
      )
      .toArray()
      .map(({ kind }) => kind),
  );
}

describe("a fresh auction", () => {
  test("is opened by its holder, which records the first calls with the opening", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    expect(await room.view()).toBeNull();
    const opened = vi.fn<() => void>();
    const models = new ScriptedModels(script);
    const where = { tenantId: day.tenantId, taskId, generation: 1 };
    await runAuction(auctionDeps(models), { ...where, opening, opened });
    expect(opened).toHaveBeenCalledOnce();
    expect(models.asked).toHaveLength(6);
    expect((await room.view())?.state).toBe("awarded");
    // What the holder did itself is not owed any more.
    expect(await owed(day, taskId)).not.toContain("open");
  });

  test("whose holder died before it opened the room is opened and held by whoever takes it up", async () => {
    const day = await openMarket();
    const { taskId, room } = await admitOnly(day);
    expect(await owed(day, taskId)).toEqual(["open"]);
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    expect((await room.view())?.state).toBe("admitted");
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 2 });
    expect((await room.view())?.state).toBe("awarded");
  });

  test("that was cancelled before its holder came ends with it, and owes for the first calls", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    await day.market.cancel(taskId);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 1, opening });
    expect(models.asked.filter((call) => !call.startsWith("bid"))).toEqual([]);
    const calls = (await room.readTrace())?.calls ?? [];
    expect(calls.map((call) => call.status)).toEqual(["billed", "billed", "billed"]);
    expect((await room.view())?.state).toBe("cancelled");
    expect(types(await eventsOf(room))).not.toContain("auction-cleared");
  });

  test("that was cancelled, and whose holder never came, ends when its holder's time is over", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    await day.market.cancel(taskId);
    expect((await room.view())?.state).toBe("admitted");
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(room);
    const counted = opening.firstCalls.reduce((sum, call) => sum + call.boundMicros, 0);
    expect(counted).toBeGreaterThan(0);
    expect(await room.view()).toMatchObject({ state: "cancelled", costMicros: counted });
    expect((await day.market.heldTasks())[0]).toMatchObject({ state: "cancelled", costMicros: counted });
  });

  test("asks its agents while its room is still being made, and begins nothing else before", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    const begins = Promise.withResolvers<void>();
    const slow = {
      ...config,
      taskRoom: () => ({
        beginAuction: async (...given: Parameters<TaskStub["beginAuction"]>) =>
          begins.promise.then(() => room.beginAuction(...given)),
        commitAuction: async (...given: Parameters<TaskStub["commitAuction"]>) =>
          room.commitAuction(...given),
      }),
    } as unknown as typeof config;
    const models = new ScriptedModels(script);
    const running = runAuction(
      { ...auctionDeps(models), config: slow },
      { tenantId: day.tenantId, taskId, generation: 1, opening },
    );
    await new Promise((resolve) => void setTimeout(resolve, 20));
    expect(models.asked.toSorted()).toEqual([CHEAP, DEAR, MIDDLE].map((id) => `bid ${id}`));
    begins.resolve();
    await running;
    expect((await room.view())?.state).toBe("awarded");
    const calls = (await room.readTrace())?.calls ?? [];
    const bids = calls
      .filter((call) => call.kind === "bid")
      .map(({ callId, status }) => ({ callId, status }));
    const counted = opening.firstCalls.map(({ callId }) => callId).toSorted();
    expect(bids).toEqual(counted.map((callId) => ({ callId, status: "billed" })));
  });

  test("whose last verdicts are overtaken by the award has them all the same, once", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    const late = Promise.withResolvers<void>();
    let answersKept = 0;
    const overtaken = {
      ...config,
      taskRoom: () => ({
        beginAuction: async (...given: Parameters<TaskStub["beginAuction"]>) => room.beginAuction(...given),
        commitAuction: async (...given: Parameters<TaskStub["commitAuction"]>) => {
          const [, commit] = given;
          if (commit.verdicts.length === 0) return room.commitAuction(...given);
          answersKept += commit.verdicts.length;
          await late.promise;
          return room.commitAuction(...given);
        },
      }),
    } as unknown as typeof config;
    const models = new ScriptedModels(script);
    const running = runAuction(
      { ...auctionDeps(models), config: overtaken },
      { tenantId: day.tenantId, taskId, generation: 1, opening },
    );
    await vi.waitFor(async () => expect((await room.view())?.state).toBe("awarded"));
    expect(answersKept).toBeGreaterThan(0);
    const before = { receipt: await room.receipt(), calls: (await room.readTrace())?.calls };
    expect(before.receipt?.verdicts).toHaveLength(3);
    expect(before.calls?.map((call) => call.status)).toEqual(Array(6).fill("billed"));
    late.resolve();
    await running;
    expect({ receipt: await room.receipt(), calls: (await room.readTrace())?.calls }).toEqual(before);
    await day.market.cancel(taskId);
    const events = types(await eventsOf(room));
    expect(events.filter((type) => type === "verdict-received")).toHaveLength(3);
    expect(events.indexOf("auction-cleared")).toBeGreaterThan(events.lastIndexOf("verdict-received"));
  });

  test("without a bid, whose room is away for its abstentions, is not cleared before somebody else holds it", async () => {
    const day = await openMarket();
    const { taskId, room, holder } = await admitOnly(day);
    const away = {
      ...config,
      taskRoom: () => ({
        beginAuction: async (...given: Parameters<TaskStub["beginAuction"]>) => room.beginAuction(...given),
        commitAuction: async () => Promise.reject(new Error("the room restarts")),
      }),
    } as unknown as typeof config;
    const nobody = new ScriptedModels({ bids: { [CHEAP]: "empty", [MIDDLE]: "empty", [DEAR]: "empty" } });
    await runAuction({ ...auctionDeps(nobody), config: away }, holder);
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const second = { tenantId: day.tenantId, taskId, generation: 2 };
    await runAuction(auctionDeps(new ScriptedModels(script)), second);
    expect((await room.view())?.state).toBe("awarded");
    const rows = (await day.market.historyBatch(200)).map(({ row }) => row);
    expect(rows.filter((row) => row.table === "auctions")).toHaveLength(1);
    expect(rows.filter((row) => row.table === "bids")).toHaveLength(3);
  });

  test("whose room cannot be reached gives up its calls, which stay counted", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    const away = {
      ...config,
      taskRoom: () => ({
        beginAuction: async () => Promise.reject(new Error("the room restarts")),
        commitAuction: async () => Promise.reject(new Error("the room restarts")),
      }),
    } as unknown as typeof config;
    const where = { tenantId: day.tenantId, taskId };
    const first = new ScriptedModels(script);
    await expect(
      runAuction({ ...auctionDeps(first), config: away }, { ...where, generation: 1, opening }),
    ).rejects.toThrow("the room restarts");
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const second = new ScriptedModels(script);
    await runAuction(auctionDeps(second), { ...where, generation: 2 });
    expect((await room.view())?.state).toBe("awarded");
    const calls = (await room.readTrace())?.calls ?? [];
    const counted = new Set(opening.firstCalls.map(({ callId }) => callId));
    const given = calls.filter((call) => counted.has(call.callId));
    expect(given.map((call) => call.status)).toEqual(["unconfirmed", "unconfirmed", "unconfirmed"]);
    expect(calls.filter((call) => call.status === "billed")).toHaveLength(6);
  });

  test("whose holder comes late, when it was cancelled, asks nobody and ends it", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    await day.market.cancel(taskId);
    clock.pass(config.leaseMs + 1);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 1, opening });
    expect(models.asked).toEqual([]);
    expect((await room.view())?.state).toBe("cancelled");
  });

  test("whose holder comes late, when another has it, asks nobody and changes nothing", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admitOnly(day);
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    await day.market.takeAuction(taskId, 2);
    await room.beginAuction(2, null);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 1, opening });
    expect(models.asked).toEqual([]);
    const calls = (await room.readTrace())?.calls ?? [];
    expect(calls.map((call) => call.status)).toEqual(["unconfirmed", "unconfirmed", "unconfirmed"]);
  });
});
