/** An auction from admission: its holder opens the task's room itself, and what holds where the holder dies before. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { taskSpecSchema } from "../../../src/market/task.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  eventsOf,
  KEY_HASH,
  MIDDLE,
  openMarket,
  stopTheClock,
  taskRoom,
  types,
  type MarketDay,
} from "./market-day.ts";

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const three = () => 3;
const script = { bids: BIDS, verdicts: { [CHEAP]: three, [MIDDLE]: three, [DEAR]: three } };

let clock: ReturnType<typeof stopTheClock>;
beforeEach(() => {
  clock = stopTheClock();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Admitted, and nothing else done. */
async function admit(day: MarketDay) {
  const taskId: TaskId = newId("tsk", config.source);
  const admitted = await day.market.admit({
    keyHash: KEY_HASH,
    taskId,
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: taskSpecSchema.parse({ prompt: "What is six times seven?" }),
    idempotency: null,
  });
  if (!admitted.ok || admitted.value.opening === null) throw new Error("not admitted");
  return { taskId, opening: admitted.value.opening, room: taskRoom(day.tenantId, taskId) };
}

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
    const { taskId, opening, room } = await admit(day);
    expect(await room.view()).toBeNull();
    const opened = vi.fn<() => void>();
    const models = new ScriptedModels(script);
    const where = { tenantId: day.tenantId, taskId, generation: 1 };
    await runAuction(auctionDeps(models), { ...where, opening, opened });
    expect(opened).toHaveBeenCalledOnce();
    expect(models.asked).toHaveLength(6);
    expect((await room.view())?.state).toBe("awarded");
    // What the holder did itself is not owed any more.
    expect(await owed(day, taskId)).toEqual([]);
  });

  test("whose holder died before it opened the room is opened and held by whoever takes it up", async () => {
    const day = await openMarket();
    const { taskId, room } = await admit(day);
    expect(await owed(day, taskId)).toEqual(["open"]);
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    expect((await room.view())?.state).toBe("admitted");
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 2 });
    expect((await room.view())?.state).toBe("awarded");
  });

  test("that was cancelled before its holder came asks nobody", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admit(day);
    await day.market.cancel(taskId);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 1, opening });
    expect(models.asked).toEqual([]);
    expect((await room.view())?.state).toBe("cancelled");
    expect(types(await eventsOf(room))).toEqual(["task-admitted", "cancel-requested", "task-cancelled"]);
  });

  test("whose holder comes late, when another has it, asks nobody and changes nothing", async () => {
    const day = await openMarket();
    const { taskId, opening, room } = await admit(day);
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    await day.market.takeAuction(taskId, 2);
    await room.beginAuction(2, null);
    const models = new ScriptedModels(script);
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 1, opening });
    expect(models.asked).toEqual([]);
    expect((await room.readTrace())?.calls).toEqual([]);
  });
});
