/** Rooms and Workers of two versions meet while a new one is deployed: what the older one wrote or sent is understood. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { TaskRoom } from "../../../src/index.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aCommit } from "../../support/builders.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  type MarketDay,
} from "../rooms/market-day.ts";

const three = () => 3;
const script = {
  bids: { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" },
  verdicts: { [CHEAP]: three, [MIDDLE]: three, [DEAR]: three },
};

const clock = useStoppedClock();

/** What the room owes, as a version wrote it that did not know the field. */
async function withoutField({ market }: MarketDay, path: string): Promise<void> {
  await runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec("UPDATE outbox SET message = json_remove(message, ?)", path);
  });
  await evictRooms(market);
}

test("an opening that has been owed since before opens the room", async () => {
  const day = await openMarket();
  const { taskId, room } = await admitOnly(day);
  await withoutField(day, "$.opening.firstCalls");
  clock.pass(config.leaseMs + 1_000);
  await day.ringMarket();
  expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
  const holder = { tenantId: day.tenantId, taskId, generation: 2 };
  await runAuction(auctionDeps(new ScriptedModels(script)), holder);
  expect((await room.view())?.state).toBe("awarded");
});

test("an award that has been owed since before reaches the room", async () => {
  // oxlint-disable-next-line typescript/unbound-method
  const original = TaskRoom.prototype.award;
  let told = 0;
  vi.spyOn(TaskRoom.prototype, "award").mockImplementation(async function (this: TaskRoom, award) {
    told += 1;
    if (told === 1) throw new Error("the room restarts");
    return original.call(this, award);
  });
  const day = await openMarket();
  const { room, holder } = await admitOnly(day);
  await runAuction(auctionDeps(new ScriptedModels(script)), holder);
  expect((await room.view())?.state).not.toBe("awarded");
  await withoutField(day, "$.award.tail");
  clock.pass(60_001);
  await day.ringMarket();
  expect(told).toBe(2);
  expect((await room.view())?.state).toBe("awarded");
});

test("a clearing that an older Worker asks for is awarded", async () => {
  const day = await openMarket();
  const { room, holder } = await admitOnly(day);
  const older = {
    ...config,
    marketRoom: () => ({
      renewAuction: async (...given: Parameters<typeof day.market.renewAuction>) =>
        day.market.renewAuction(...given),
      clear: async (request: Parameters<typeof day.market.clear>[0]) => {
        const sent = { ...request };
        Reflect.deleteProperty(sent, "tail");
        return day.market.clear(sent);
      },
    }),
  } as unknown as typeof config;
  await runAuction({ ...auctionDeps(new ScriptedModels(script)), config: older }, holder);
  await day.ringMarket();
  expect((await room.view())?.state).toBe("awarded");
});

test("an auction that an older market room admitted is run, its calls recorded as it begins", async () => {
  const day = await openMarket();
  const { room, holder, opening } = await admitOnly(day);
  const older = { ...opening };
  Reflect.deleteProperty(older, "firstCalls");
  const models = new ScriptedModels(script);
  await runAuction(auctionDeps(models), { ...holder, opening: older });
  expect((await room.view())?.state).toBe("awarded");
  const calls = (await room.readTrace())?.calls ?? [];
  expect(calls.map((call) => call.status)).toEqual(Array(6).fill("billed"));
});

test("an auction that is admitted for an older Worker counts its calls once: as the Worker records them", async () => {
  const day = await openMarket();
  const { room, opening } = await admitOnly(day, { asksAtOnce: false });
  expect(opening.firstCalls).toEqual([]);
  const started = opening.pool.map((agent) => ({
    callId: newId("cal", config.source),
    kind: "bid" as const,
    agentId: agent.id,
    boundMicros: asMicros(5_000),
  }));
  await room.beginAuction(1, { opening, started });
  const ended = started.map(({ callId }) => ({ callId, bill: { status: "refused" } as const, ms: 1 }));
  await room.commitAuction(1, aCommit({ ended }));
  await room.endAuction(1, "no_bids");
  expect(await room.view()).toMatchObject({ state: "failed", costMicros: 0 });
});
