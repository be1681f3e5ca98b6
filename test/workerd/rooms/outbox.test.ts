/** What the market room told a task's room: gone when it was told, told again after a death, kept while it fails. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { TaskRoom } from "../../../src/index.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  eventsOf,
  evictRooms,
  ONE_BID,
  openMarket,
  useStoppedClock,
  types,
  type MarketDay,
} from "./market-day.ts";

const clock = useStoppedClock();

async function held({ market }: MarketDay) {
  return runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => ({
    outbox: storage.sql
      .exec<{ kind: string; attempts: number }>(
        "SELECT json_extract(message, '$.kind') AS kind, attempts FROM outbox ORDER BY id",
      )
      .toArray(),
    timers: storage.sql.exec<{ kind: string }>("SELECT kind FROM timers ORDER BY kind").toArray(),
    alarm: await storage.getAlarm(),
  }));
}

async function takeHistory({ market }: MarketDay): Promise<void> {
  const rows = await market.historyBatch(100);
  await market.historyWritten(
    rows.map(({ id }) => id),
    [],
  );
}

async function award(day: MarketDay) {
  const { taskId, room } = await day.admit();
  const { tenantId } = day;
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), { tenantId, taskId, generation: 1 });
  return { taskId, room };
}

/** Counts the awards that reach a task's room; the first of them fail. */
function watchAwards(failing = 0): () => number {
  // oxlint-disable-next-line typescript/unbound-method
  const original = TaskRoom.prototype.award;
  let told = 0;
  vi.spyOn(TaskRoom.prototype, "award").mockImplementation(async function (this: TaskRoom, decided) {
    told += 1;
    if (told <= failing) throw new Error("out of reach");
    return original.call(this, decided);
  });
  return () => told;
}

describe("a message that was delivered", () => {
  test("leaves an idle room without rows, timers and alarm", async () => {
    const day = await openMarket();
    await award(day);
    await takeHistory(day);
    await vi.waitFor(
      async () => expect(await held(day)).toEqual({ outbox: [], timers: [], alarm: null }),
      5_000,
    );
  });

  test("is not told again by what comes after it in its lane", async () => {
    const awards = watchAwards();
    const day = await openMarket();
    const { taskId, room } = await award(day);
    expect(await day.market.cancel(taskId)).toBe(true);
    expect(awards()).toBe(1);
    expect(types(await eventsOf(room))).toContain("cancel-requested");
  });

  test("comes again where the room died before it let go of it, and changes nothing", async () => {
    const awards = watchAwards();
    const day = await openMarket();
    const { room } = await award(day);
    const before = await room.view();
    expect((await held(day)).outbox).toEqual([{ kind: "award", attempts: 0 }]);
    await evictRooms(day.market);
    clock.pass(2_001);
    await day.ringMarket();
    expect(awards()).toBe(2);
    expect(await room.view()).toEqual(before);
    await takeHistory(day);
    await vi.waitFor(
      async () => expect(await held(day)).toEqual({ outbox: [], timers: [], alarm: null }),
      5_000,
    );
  });
});

describe("a message that could not be delivered", () => {
  test("stays with its timer, and comes again", async () => {
    const awards = watchAwards(2);
    const day = await openMarket();
    const { room } = await award(day);
    expect((await held(day)).outbox).toEqual([{ kind: "award", attempts: 1 }]);
    clock.pass(501);
    await day.ringMarket();
    expect(awards()).toBe(2);
    expect((await held(day)).outbox).toEqual([{ kind: "award", attempts: 2 }]);
    clock.pass(999);
    await day.ringMarket();
    expect(awards()).toBe(2);
    clock.pass(2);
    await day.ringMarket();
    expect(awards()).toBe(3);
    expect(await room.view()).toMatchObject({ state: "awarded" });
    await vi.waitFor(async () => expect((await held(day)).outbox).toEqual([]), 5_000);
  });
});
