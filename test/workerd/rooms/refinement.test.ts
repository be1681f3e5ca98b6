/** Refinement from memory through the real rooms, with scripted models and a scripted memory outside. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createAuctionMemory } from "../../../src/auction/auction-memory.ts";
import type { AuctionMemory } from "../../../src/auction/auction-run.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { IndexedVector, VectorIndex } from "../../../src/memory/memory-port.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import { ok } from "../../../src/market/result.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  evictRooms,
  eventsOf,
  MIDDLE,
  openMarket,
  stopTheClock,
  traceDeps,
  type MarketDay,
} from "./market-day.ts";

let clock: ReturnType<typeof stopTheClock>;
beforeEach(() => {
  clock = stopTheClock();
});
afterEach(() => {
  vi.useRealTimers();
});

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };
/** Longer than the dear agent's bid: every juror gives it the full score. */
const REFINED = { [CHEAP]: "multiply, check, then check again", [MIDDLE]: "multiply, then look" };

/** An index that shows what it was given only when told to. */
class LateIndex implements VectorIndex {
  readonly written: IndexedVector[] = [];
  shown = new Map<string, IndexedVector>();

  async query() {
    return [...this.shown.keys()].map((id) => ({ id, similarity: 0.9 }));
  }
  async upsert(_tenantId: unknown, vectors: readonly IndexedVector[]) {
    this.written.push(...vectors);
  }
  async visibleVersions() {
    return new Map([...this.shown].map(([id, vector]) => [id, vector.version]));
  }
  async remove() {}
  show() {
    for (const vector of this.written) this.shown.set(vector.id, vector);
  }
}

function memoryOver(index: VectorIndex): AuctionMemory {
  const embed = async (text: string) => ok(Float32Array.from([text.length % 7 === 0 ? 0.6 : 1, 0.8]));
  return createAuctionMemory({
    embedder: { dimension: 2, embed },
    index,
    checkDimension: async () => ok(null),
  });
}

/** One task to its end; the winner's result decides its outcome. */
async function runTask(
  day: MarketDay,
  options: { readonly memory: AuctionMemory; readonly result?: string; readonly input?: Partial<TaskInput> },
) {
  const { taskId, room } = await day.admit(options.input);
  const { tenantId } = day;
  const models = new ScriptedModels({
    bids: BIDS,
    refinedBids: REFINED,
    verdicts: VERDICTS,
    steps: [{ text: options.result ?? "42" }],
  });
  await runAuction(auctionDeps(models, options.memory), { tenantId, taskId, generation: 1 });
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  return { taskId, room, models, events: await eventsOf(room), view: await room.view() };
}

describe("refinement", () => {
  test("an auction sees the one that cleared before it, and a cheaper agent takes over with its refined bid", async () => {
    const day = await openMarket();
    const memory = memoryOver(new LateIndex());
    const first = await runTask(day, { memory });
    expect(first.view?.agentId).toBe(DEAR);
    expect(first.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);

    const second = await runTask(day, { memory });
    // Both cheaper agents lost the first auction and are shown why; the dear one is never asked.
    expect(second.models.asked.filter((call) => call.startsWith("refine")).toSorted()).toEqual([
      `refine ${CHEAP}`,
      `refine ${MIDDLE}`,
    ]);
    expect(second.view).toMatchObject({ agentId: CHEAP, outcome: "pass" });
    expect(second.events.find((event) => event.type === "auction-cleared")).toMatchObject({
      winner: CHEAP,
      round: 2,
      provisionalWinner: DEAR,
    });
    const receipt = receiptSchema.parse(await second.room.receipt());
    expect(recompute(receipt).ok).toBe(true);
    const changes = Object.fromEntries(
      receipt.refinements?.map(({ agentId, change }) => [agentId, change?.tookOver]) ?? [],
    );
    expect(changes).toEqual({ [CHEAP]: true, [MIDDLE]: false });
    // Two refined bids: 1000 × output/4 + 200 × output each.
    expect(second.view?.costs.refineMicros).toBe(45 + 450);
  });

  test("a winner whose trace failed is nobody's example", async () => {
    const day = await openMarket();
    const memory = memoryOver(new LateIndex());
    await runTask(day, { memory, result: "41" });
    const second = await runTask(day, { memory });
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
  });

  test("never a pair from another tenant, whatever the index finds", async () => {
    const index = new LateIndex();
    const memory = memoryOver(index);
    const theirs = await openMarket();
    await runTask(theirs, { memory });
    await carryVectors(config, index, theirs.tenantId);
    index.show();
    const ours = await openMarket();
    const task = await runTask(ours, { memory });
    expect(task.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
  });

  test("a policy without memory asks nobody to refine", async () => {
    const day = await openMarket();
    const memory = memoryOver(new LateIndex());
    await runTask(day, { memory });
    const second = await runTask(day, { memory, input: { policy: "sale-no-memory" } });
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
    expect(second.view?.agentId).toBe(DEAR);
  });

  test("a memory that is down costs the auction its refinement and nothing else", async () => {
    const day = await openMarket();
    await runTask(day, { memory: memoryOver(new LateIndex()) });
    const down = memoryOver(
      Object.assign(new LateIndex(), {
        query: async () => {
          throw new Error("index down");
        },
      }),
    );
    // The room's own window still answers.
    const second = await runTask(day, { memory: down });
    expect(second.view?.state).toBe("finished");
    expect(second.models.asked).toContain(`refine ${CHEAP}`);
  });

  test("its Worker dies among the refined bids: another goes on with the pairs that were shown", async () => {
    const day = await openMarket();
    const memory = memoryOver(new LateIndex());
    await runTask(day, { memory });
    const { taskId, room } = await day.admit();
    const { tenantId } = day;
    // Three bids and three verdicts first; the eighth call is the second refined bid.
    const script = { bids: BIDS, refinedBids: REFINED, verdicts: VERDICTS };
    const dying = new ScriptedModels({ ...script, diesAtCall: 8 });
    await expect(runAuction(auctionDeps(dying, memory), { tenantId, taskId, generation: 1 })).rejects.toThrow(
      WorkerDied,
    );
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const second = new ScriptedModels(script);
    await runAuction(auctionDeps(second, memory), { tenantId, taskId, generation: 2 });
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
    expect(second.asked.filter((call) => call.startsWith("bid"))).toEqual([]);
    expect(second.asked.filter((call) => call.startsWith("refine"))).toHaveLength(1);
  });
});

describe("the recent window", () => {
  test("holds an entry until the index shows its newest version", async () => {
    const day = await openMarket();
    const index = new LateIndex();
    const { taskId } = await runTask(day, { memory: memoryOver(index) });
    // Version 1 at the clearing, version 2 with the outcome.
    expect(await day.market.memoryBatch(10)).toMatchObject([{ version: 2 }]);
    await carryVectors(config, index, day.tenantId);
    expect(index.written.map((vector) => vector.version)).toEqual([2]);
    expect(await day.market.memoryBatch(10)).toHaveLength(1);
    index.show();
    await carryVectors(config, index, day.tenantId);
    expect(await day.market.memoryBatch(10)).toEqual([]);
    // Out of the window, found by the index: the texts are the room's.
    const [hit] = await index.query();
    const recalled = await day.market.recall({
      vector: [1, 0.8],
      hits: hit === undefined ? [] : [hit],
      topK: 5,
    });
    expect(recalled).toMatchObject([{ similarity: 0.9, entry: { taskId, outcome: "pass", winner: DEAR } }]);
  });

  test("keeps an entry whose stale version is shown", async () => {
    const day = await openMarket();
    const index = new LateIndex();
    await runTask(day, { memory: memoryOver(index) });
    const [pending] = await day.market.memoryBatch(10);
    if (pending === undefined) throw new Error("nothing is pending");
    index.shown.set(pending.id, { id: pending.id, version: 1, values: Float32Array.from(pending.vector) });
    await carryVectors(config, index, day.tenantId);
    expect(await day.market.memoryBatch(10)).toHaveLength(1);
    expect(index.written).toMatchObject([{ version: 2 }]);
  });
});
