/** Refinement from memory through the real rooms, with scripted models and a scripted memory outside. */
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import { ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
} from "./market-day.ts";
import { anIndex, BIDS, memoryOver, REFINED, runTask, VERDICTS } from "./memory-day.ts";

const clock = useStoppedClock();

describe("refinement", () => {
  test("an auction sees the one that cleared before it, and a cheaper agent takes over with its refined bid", async () => {
    const day = await openMarket();
    const memory = memoryOver(anIndex().index);
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
    const memory = memoryOver(anIndex().index);
    await runTask(day, { memory, result: "41" });
    const second = await runTask(day, { memory });
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
  });

  test("never a pair from another tenant, whatever the index finds", async () => {
    const { index, vectorize } = anIndex();
    const theirs = await openMarket();
    const first = await runTask(theirs, { memory: memoryOver(index) });
    await carryVectors(config, index, theirs.tenantId);
    vectorize.flush();
    const id = (await first.room.receipt())?.task.auctionId ?? "";
    // An index that minds no namespace.
    const memory = memoryOver({ ...index, query: async () => [{ id, similarity: 1 }] });
    const ours = await openMarket();
    const task = await runTask(ours, { memory });
    expect(task.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
  });

  test("a policy without memory asks nobody to refine", async () => {
    const day = await openMarket();
    const memory = memoryOver(anIndex().index);
    await runTask(day, { memory });
    const second = await runTask(day, { memory, input: { policy: "sale-no-memory" } });
    expect(second.models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
    expect(second.view?.agentId).toBe(DEAR);
  });

  test("a memory that is down costs the auction its refinement and nothing else", async () => {
    const day = await openMarket();
    await runTask(day, { memory: memoryOver(anIndex().index) });
    const down = memoryOver(
      Object.assign(anIndex().index, {
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
    const memory = memoryOver(anIndex().index);
    await runTask(day, { memory });
    const { taskId, room, holder } = await day.admit();
    const { tenantId } = day;
    // Three bids and three verdicts first; the eighth call is the second refined bid.
    const script = { bids: BIDS, refinedBids: REFINED, verdicts: VERDICTS };
    const dying = new ScriptedModels({ ...script, diesAtCall: 8 });
    await expect(runAuction(auctionDeps(dying, memory), holder)).rejects.toThrow(WorkerDied);
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
