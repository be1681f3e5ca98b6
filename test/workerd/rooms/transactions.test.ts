/** What the market room remembers between transactions is what stands: after one that failed, and after a death. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { Outbox } from "../../../src/durable/outbox.ts";
import { Timers } from "../../../src/durable/timers.ts";
import type { TaskRow } from "../../../src/market/history-row.ts";
import type { TaskId } from "../../../src/market/ids.ts";
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
} from "./market-day.ts";

const clock = useStoppedClock();

/** The task rows that a consumer is given, and the numbers of all rows; they are taken. */
async function takeHistory({ market }: MarketDay): Promise<{ tasks: TaskRow[]; ids: number[] }> {
  const batch = await market.historyBatch(100);
  const ids = batch.map(({ id }) => id);
  await market.historyWritten(ids, []);
  return { ids, tasks: batch.flatMap(({ row }) => (row.table === "tasks" ? [row] : [])) };
}

async function end({ market }: MarketDay, taskId: TaskId): Promise<void> {
  await market.ended({ taskId, attempt: 0, end: { state: "cancelled" }, verdict: null, trace: null });
}

describe("a transaction that fails late", () => {
  test("leaves nothing of an admission: the next one has its number, and the history hears of one task", async () => {
    const day = await openMarket();
    await takeHistory(day);
    const failing = vi.spyOn(Outbox.prototype, "add").mockImplementationOnce(() => {
      throw new Error("no room left");
    });
    await expect(admitOnly(day)).rejects.toThrow("no room left");
    expect(failing).toHaveBeenCalledOnce();
    const { taskId, opening } = await admitOnly(day);
    expect(opening.sequence).toBe(1);
    const { tasks } = await takeHistory(day);
    expect(tasks).toMatchObject([{ taskId, sequence: 1, state: "bidding", version: 1 }]);
  });

  test("leaves an auction as it was: it is cleared again, and awarded once", async () => {
    const day = await openMarket({ ordering: "strict" });
    const { taskId, room, holder } = await admitOnly(day);
    const waiting = await day.admit();
    // The last that the clearing does, with the award recorded: the next auction gets its turn.
    // oxlint-disable-next-line typescript/unbound-method
    const set = Timers.prototype.set;
    const failing = vi.spyOn(Timers.prototype, "set").mockImplementation(function (this: Timers, ...timer) {
      if (timer[1] === waiting.taskId) throw new Error("no room left");
      set.apply(this, timer);
    });
    const models = () => auctionDeps(new ScriptedModels({ bids: ONE_BID }));
    await runAuction(models(), holder).catch(() => undefined);
    failing.mockRestore();
    expect((await day.market.heldTasks()).map(({ state }) => state)).toEqual(["admitted", "bidding"]);
    clock.pass(config.leaseMs + 1_000);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    await runAuction(models(), { tenantId: day.tenantId, taskId, generation: 2 });
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
    expect(await day.market.heldTasks()).toMatchObject([
      { taskId: waiting.taskId, state: "bidding" },
      { taskId, state: "awarded", attempts: 1 },
    ]);
  });
});

describe("numbers", () => {
  test("of admissions go on after every task has left the room and the object has died", async () => {
    const day = await openMarket();
    for (let n = 1; n <= 2; n += 1) {
      const { taskId, opening } = await admitOnly(day);
      expect(opening.sequence).toBe(n);
      await end(day, taskId);
    }
    await takeHistory(day);
    expect(await day.market.heldTasks()).toEqual([]);
    await evictRooms(day.market);
    expect((await admitOnly(day)).opening.sequence).toBe(3);
  });

  test("of rows are never given twice: a late report takes nothing that came after it", async () => {
    const day = await openMarket();
    const first = await admitOnly(day);
    const { ids } = await takeHistory(day);
    await evictRooms(day.market);
    await end(day, first.taskId);
    // Another consumer had the same rows and reports them only now.
    await day.market.historyWritten(ids, []);
    const later = await takeHistory(day);
    expect(Math.min(...later.ids)).toBeGreaterThan(Math.max(...ids));
    expect(later.tasks).toMatchObject([{ taskId: first.taskId, state: "cancelled", version: 2 }]);
  });
});

describe("a task's row", () => {
  test("is carried once, as the task stands, however often it changed since", async () => {
    const day = await openMarket();
    await takeHistory(day);
    const { taskId, holder } = await admitOnly(day);
    await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
    const { tasks } = await takeHistory(day);
    expect(tasks).toMatchObject([{ taskId, state: "awarded", agentId: CHEAP, version: 2 }]);
    const left = await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) =>
      storage.sql.exec("SELECT * FROM history").toArray(),
    );
    expect(left).toEqual([]);
  });

  test("that changed while a consumer carried it comes again", async () => {
    const day = await openMarket();
    const { taskId } = await admitOnly(day);
    const carried = await day.market.historyBatch(100);
    await end(day, taskId);
    await day.market.historyWritten(
      carried.map(({ id }) => id),
      [],
    );
    expect((await day.market.heldTasks()).map((task) => task.taskId)).toEqual([taskId]);
    expect((await takeHistory(day)).tasks).toMatchObject([{ taskId, state: "cancelled", version: 2 }]);
    expect(await day.market.heldTasks()).toEqual([]);
  });

  test("that D1 refuses is kept as it was refused, and its task leaves", async () => {
    const day = await openMarket();
    await takeHistory(day);
    const { taskId } = await admitOnly(day);
    await end(day, taskId);
    const batch = await day.market.historyBatch(100);
    const own = batch.filter(({ row }) => row.table === "tasks");
    expect(own).toHaveLength(1);
    await day.market.historyWritten(
      batch.flatMap(({ id, row }) => (row.table === "tasks" ? [] : [id])),
      own.map(({ id }) => ({ id, error: "too large" })),
    );
    expect(await day.market.heldTasks()).toEqual([]);
    // The tenant's row says that it is idle; nothing else is left to carry.
    expect((await takeHistory(day)).tasks).toEqual([]);
    const parked = await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) =>
      storage.sql.exec<{ row: string; parked: string }>("SELECT row, parked FROM history").toArray(),
    );
    expect(parked).toEqual([{ parked: "too large", row: JSON.stringify(own[0]?.row) }]);
  });
});
