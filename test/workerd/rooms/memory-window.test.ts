/** The recent window in the real market room: what it hands out, to whom, and when an entry leaves it. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { hasSchema, migrateSchema } from "../../../src/durable/schema.ts";
import { newId, type AuctionId } from "../../../src/market/ids.ts";
import { BROKEN_WRITE_MS, CLAIM_MS } from "../../../src/market/passage.ts";
import type { VectorIndex } from "../../../src/memory/memory-port.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import type { MarketRoomApi } from "../../../src/tenancy/market-room-api.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { MemoryStore } from "../../../src/tenancy/memory-store.ts";
import { GRACE_MS } from "../../../src/tenancy/memory-window.ts";
import { marketStub } from "../stubs.ts";
import { config, DEAR, openMarket, useStoppedClock, type MarketDay } from "./market-day.ts";
import { anIndex, memoryOver, runTask } from "./memory-day.ts";

const clock = useStoppedClock();

const FAILED = { vector: null, bill: { status: "refused" } } as const;
const LOOK_MS = 5_000;
const ASKED = [1, 0.8];

/** A finished auction, of which the memory knows the outcome: version 2. */
async function remembered(day: MarketDay, index: VectorIndex): Promise<AuctionId> {
  const { room } = await runTask(day, { memory: memoryOver(index) });
  const auctionId = (await room.receipt())?.task.auctionId;
  if (auctionId === undefined) throw new Error("the auction has not cleared");
  return auctionId;
}

const recalled = async (day: MarketDay, hits: readonly string[] = []) =>
  (await day.market.recall({ vector: ASKED, hits, topK: 5 })).map(({ entry }) => entry.auctionId);

/** When the memory's timer rings; null: it is not set. */
const timerOf = async (day: MarketDay) =>
  runInDurableObject(day.market, (_, { storage }) => {
    const query = "SELECT due_at_ms FROM timers WHERE kind = 'memory'";
    return storage.sql.exec<{ due_at_ms: number }>(query).toArray()[0]?.due_at_ms ?? null;
  });

describe("an entry", () => {
  test("leaves when the index has shown its newest version for a while, and its texts stay the room's", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    const id = await remembered(day, index);
    await carryVectors(config, index, day.tenantId);
    expect(vectorize.accepted).toBe(1);
    clock.pass(LOOK_MS);
    await carryVectors(config, index, day.tenantId);
    // Not shown, and not written again either.
    expect(vectorize.accepted).toBe(1);
    vectorize.flush();
    clock.pass(2 * LOOK_MS);
    await carryVectors(config, index, day.tenantId);
    expect(await timerOf(day)).toBeNull();
    expect(await recalled(day)).toEqual([id]);
    clock.pass(GRACE_MS);
    expect(await recalled(day)).toEqual([]);
    const [found] = await day.market.recall({ vector: ASKED, hits: [id], topK: 5 });
    expect(found).toMatchObject({ similarity: 1, entry: { version: 2, outcome: "pass", winner: DEAR } });
    expect(found?.entry).toMatchObject({ verifier: "equals", traceCostMicros: expect.any(Number) });
    expect(found?.entry.verdicts?.length).toBe(3);
  });

  test("stays while a stale version is shown", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    const id = await remembered(day, index);
    vectorize.put({ id, namespace: day.tenantId, values: Float32Array.of(1, 0.8), metadata: { version: 1 } });
    await carryVectors(config, index, day.tenantId);
    clock.pass(LOOK_MS);
    await carryVectors(config, index, day.tenantId);
    clock.pass(GRACE_MS);
    expect(await recalled(day)).toEqual([id]);
  });

  test("that the index lost is written again", async () => {
    const day = await openMarket();
    const { index } = anIndex();
    const id = await remembered(day, index);
    await carryVectors(config, index, day.tenantId);
    const anew = anIndex();
    for (let minutes = 0; minutes < 30 && anew.vectorize.accepted === 0; minutes += 1) {
      clock.pass(60_000);
      await carryVectors(config, anew.index, day.tenantId);
    }
    anew.vectorize.flush();
    expect(await anew.index.visibleVersions(day.tenantId, [id])).toEqual(new Map([[id, 2]]));
  });

  test("whose embedding failed is kept, and found by nobody", async () => {
    const day = await openMarket();
    const { index } = anIndex();
    const memory = { ...memoryOver(index), embed: async () => FAILED };
    const { room } = await runTask(day, { memory });
    const id = (await room.receipt())?.task.auctionId ?? "";
    expect(await day.market.claimVectors(10)).toEqual([]);
    expect(await recalled(day)).toEqual([]);
    const [found] = await day.market.recall({ vector: ASKED, hits: [id], topK: 5 });
    expect(found).toMatchObject({ similarity: 0, entry: { outcome: "pass" } });
  });

  test("from before the window was a table is still on its way", async () => {
    const stub = env.MARKET_ROOM.get(env.MARKET_ROOM.newUniqueId());
    await runInDurableObject(stub, (_, { storage }) => {
      migrateSchema(storage, { steps: MARKET_SCHEMA.steps.slice(0, 1), fresh: null });
      const insert =
        "INSERT INTO memory (auction_id, task_id, version, body, vector, recent) VALUES (?, ?, 1, ?, ?, ?)";
      const vector = Float32Array.of(1, 0.8).buffer;
      const old = { version: 1, task: "t", strategies: [], winner: DEAR, winnerRound: 1, outcome: null };
      for (const [id, recent] of [
        ["auc_new", 1],
        ["auc_old", 0],
      ] as const) {
        storage.sql.exec(
          insert,
          id,
          `tsk_of_${id}`,
          JSON.stringify({ ...old, auctionId: id }),
          vector,
          recent,
        );
      }
      migrateSchema(storage, MARKET_SCHEMA);
      const memory = new MemoryStore(storage, () => Date.now());
      expect(memory.claim(10)).toMatchObject([{ id: "auc_new", step: "write", version: 1 }]);
      const entries = memory.recall({ vector: ASKED, hits: ["auc_old"], topK: 5 }).map(({ entry }) => entry);
      expect(entries).toMatchObject([
        { auctionId: "auc_new", verdicts: null, traceCostMicros: null },
        { auctionId: "auc_old", verifier: null },
      ]);
    });
  });
});

describe("a retrieval", () => {
  test("sees an entry that the index began to show, and the window let go of, after the index was asked", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    await remembered(day, index);
    await carryVectors(config, index, day.tenantId);
    clock.pass(LOOK_MS);
    let between = false;
    const late: VectorIndex = {
      ...index,
      query: async (...asked) => {
        const before = await index.query(...asked);
        vectorize.flush();
        await carryVectors(config, index, day.tenantId);
        between = (await timerOf(day)) === null;
        expect(before).toEqual([]);
        return before;
      },
    };
    const second = await runTask(day, { memory: memoryOver(late) });
    expect(between).toBe(true);
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toHaveLength(2);
  });

  test("does not wait for an index that hangs", async () => {
    const day = await openMarket();
    const { index } = anIndex();
    await remembered(day, index);
    const hangs: VectorIndex = { ...index, query: async () => new Promise(() => undefined) };
    const second = await runTask(day, { memory: memoryOver(hangs) });
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toHaveLength(2);
  });

  test("is not crowded out by what the index still names and the room does not hold", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    const id = await remembered(day, index);
    for (let at = 0; at < 15; at += 1) {
      const erased = { id: `auc_erased_${at}`, namespace: day.tenantId, metadata: { version: 9 } };
      vectorize.put({ ...erased, values: Float32Array.of(1, 0.8) });
    }
    await carryVectors(config, index, day.tenantId);
    vectorize.flush();
    clock.pass(LOOK_MS);
    await carryVectors(config, index, day.tenantId);
    clock.pass(GRACE_MS);
    expect(await recalled(day)).toEqual([]);
    const second = await runTask(day, { memory: memoryOver(index) });
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toHaveLength(2);
    expect(await recalled(day, [id])).toContain(id);
  });
});

describe("two consumers", () => {
  test("are never handed the same entry, and share what there is", async () => {
    const day = await openMarket();
    const { index } = anIndex();
    const ids = [await remembered(day, index), await remembered(day, index), await remembered(day, index)];
    const first = await day.market.claimVectors(2);
    const second = await day.market.claimVectors(2);
    expect([first.length, second.length]).toEqual([2, 1]);
    expect([...first, ...second].map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(await day.market.claimVectors(2)).toEqual([]);
  });

  test("an outcome that comes while the clearing's write is under way is written after it", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    const id = await remembered(day, index);
    const [asked, arrives] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow: VectorIndex = {
      ...index,
      upsert: async (...written) => {
        asked.resolve();
        await arrives.promise;
        await index.upsert(...written);
      },
    };
    const first = carryVectors(config, slow, day.tenantId);
    await asked.promise;
    // The user's own verdict, say.
    await runInDurableObject(day.market, (_, { storage }) => {
      const memory = new MemoryStore(storage, () => Date.now());
      const [found] = memory.recall({ vector: ASKED, hits: [], topK: 1 });
      if (found === undefined) throw new Error("nothing is remembered");
      memory.put({ ...found.entry, version: 3, outcome: "fail" }, ASKED);
    });
    await carryVectors(config, index, day.tenantId);
    expect(vectorize.accepted).toBe(0);
    arrives.resolve();
    // Which goes on until nothing is due.
    await first;
    expect(vectorize.accepted).toBe(2);
    vectorize.flush();
    expect(await index.visibleVersions(day.tenantId, [id])).toEqual(new Map([[id, 3]]));
  });

  test("one that died delays its entries for a claim's time, and blocks nothing else", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    const first = await remembered(day, index);
    expect(await day.market.claimVectors(10)).toHaveLength(1);
    const second = await remembered(day, index);
    await carryVectors(config, index, day.tenantId);
    vectorize.flush();
    expect([...(await index.visibleVersions(day.tenantId, [first, second])).keys()]).toEqual([second]);
    expect((await recalled(day)).toSorted()).toEqual([first, second].toSorted());
    clock.pass(CLAIM_MS - 1);
    expect((await day.market.claimVectors(10)).map(({ id }) => id)).toEqual([second]);
    clock.pass(1);
    expect((await day.market.claimVectors(10)).map(({ id }) => id)).toEqual([first]);
  });

  test("one whose write broke leaves it alone until it can no longer arrive", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    const id = await remembered(day, index);
    const broken: VectorIndex = {
      ...index,
      upsert: async () => {
        throw new Error("connection lost");
      },
    };
    await expect(carryVectors(config, broken, day.tenantId)).rejects.toThrow("connection lost");
    clock.pass(BROKEN_WRITE_MS - 1);
    expect(await day.market.claimVectors(10)).toEqual([]);
    clock.pass(1);
    await carryVectors(config, index, day.tenantId);
    vectorize.flush();
    expect(await index.visibleVersions(day.tenantId, [id])).toEqual(new Map([[id, 2]]));
  });

  test("one that cannot read the index says so, and the entry is looked at again", async () => {
    const day = await openMarket();
    const { index } = anIndex();
    await remembered(day, index);
    await carryVectors(config, index, day.tenantId);
    clock.pass(LOOK_MS);
    const blind: VectorIndex = {
      ...index,
      visibleVersions: async () => {
        throw new Error("index down");
      },
    };
    await expect(carryVectors(config, blind, day.tenantId)).rejects.toThrow("index down");
    expect(await timerOf(day)).toBe(Date.now() + 2 * LOOK_MS);
  });
});

describe("the room's timer", () => {
  test("follows what is due: at once, then the claim, the look, and nothing", async () => {
    const day = await openMarket();
    const { index, vectorize } = anIndex();
    await remembered(day, index);
    // Announced when it cleared; again if nobody comes.
    expect(await timerOf(day)).toBe(Date.now() + 10_000);
    clock.pass(10_000);
    await runDurableObjectAlarm(day.market);
    expect(await timerOf(day)).toBe(Date.now() + 10_000);
    const claimed = [...(await day.market.claimVectors(10))];
    expect(await timerOf(day)).toBe(Date.now() + CLAIM_MS);
    // One that comes now does not wait for the claim.
    await remembered(day, index);
    expect(await timerOf(day)).toBe(Date.now() + 10_000);
    claimed.push(...(await day.market.claimVectors(10)));
    expect(await timerOf(day)).toBe(Date.now() + CLAIM_MS);
    await index.upsert(
      day.tenantId,
      claimed.flatMap((one) => (one.step === "look" ? [] : [{ ...one, values: one.vector }])),
    );
    await day.market.reportVectors(claimed.map((one) => ({ ...one, state: "written" })));
    expect(await timerOf(day)).toBe(Date.now() + LOOK_MS);
    vectorize.flush();
    clock.pass(LOOK_MS);
    await runDurableObjectAlarm(day.market);
    await carryVectors(config, index, day.tenantId);
    expect(await timerOf(day)).toBeNull();
  });

  test("of a room that nobody set up does not exist", async () => {
    const market = marketStub<MarketRoomApi>(newId("ten", config.source));
    expect(await market.claimVectors(10)).toEqual([]);
    expect(await market.recall({ vector: ASKED, hits: ["auc_x"], topK: 5 })).toEqual([]);
    expect(await runInDurableObject(market, (_, { storage }) => hasSchema(storage))).toBe(false);
  });
});
