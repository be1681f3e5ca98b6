/** Limits through the real rooms: which bid is sold, and how a task ends that nobody is sold to. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  alarmOf,
  auctionDeps,
  CHEAP,
  DEAR,
  eventsOf,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
  types,
  type MarketDay,
} from "./market-day.ts";
import { accountOf, usd } from "./money-day.ts";

const clock = useStoppedClock();

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
/** The longer the better: dear, middle, cheap. */
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };
const models = (steps = [{ text: "42" }]) => new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps });

/** One juror beside the bidder itself: bidding and judging are held at 0.113 USD at most. */
const POLICY = "sale:memory=off,size=1";

/** Without history, a trace's median is 0.4868 of the guess by price: 0.17 USD for the dear agent. */
const DEAR_MEDIAN_USD = 0.170_365;

async function hold(day: MarketDay, input: Partial<TaskInput>, with_ = models()) {
  const { taskId, room, holder } = await day.admit({ policy: POLICY, ...input });
  await runAuction(auctionDeps(with_), holder);
  return { taskId, room };
}

/** Of a policy that holds no auction. */
function clearOf(taskId: TaskId) {
  return { taskId, generation: 1, bids: [], verdicts: [], task: "", vector: null, tail: null };
}

/** A past trace of an agent, as it ended. */
async function trace(
  day: MarketDay,
  agentId: string,
  lasting: { readonly ms?: number; readonly steps?: number } = {},
) {
  const { ms = 1_000, steps = 1 } = lasting;
  const { taskId, room, holder } = await day.admit({ policy: `always:${agentId}` });
  await runAuction(auctionDeps(models()), holder);
  clock.pass(ms);
  const script = [
    ...Array.from({ length: steps - 1 }, () => ({ text: "not yet", tool: "http", input: { url: "x" } })),
    { text: "42" },
  ];
  await runSlice(traceDeps(models(script), {}), {
    kind: "trace",
    tenantId: day.tenantId,
    taskId,
    attempt: 1,
    generation: 1,
  });
  expect(await room.view()).toMatchObject({ state: "finished" });
}

describe("a task's limit of cost", () => {
  test("passes over bids whose traces are likelier than not to pass it, and the next best is sold", async () => {
    const day = await openMarket();
    const { room, taskId } = await hold(day, { limits: { maxCostUsd: 0.16 } });
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: MIDDLE });
    const receipt = await room.receipt();
    if (receipt === null) throw new Error("no receipt");
    expect(recompute(receipt).ok).toBe(true);
    expect(receipt.decision).toMatchObject({
      status: "cleared",
      clearing: { winner: DEAR },
      sale: { agentId: MIDDLE, round: 1, chosenBy: "market" },
    });
    const [passed, ...more] =
      receipt.decision.status === "cleared" ? (receipt.decision.sale?.passedOver ?? []) : [];
    expect(more).toEqual([]);
    const spentUsd = (await room.view())?.costMicros ?? 0;
    expect(passed).toEqual({
      agentId: DEAR,
      obstacles: [
        { limit: "maxCostUsd", is: 0.16, needs: expect.closeTo(DEAR_MEDIAN_USD + usd(spentUsd), 4) },
      ],
    });
    // The trace works by the plan of the bid that was sold.
    const slice = await room.takeTrace(1, 1);
    expect(slice.ok && slice.value).toMatchObject({ strategy: BIDS[MIDDLE], agent: { id: MIDDLE } });
    expect(taskId).toBe(receipt.task.taskId);
  });

  test("is no limit to who leads, and who may refine: the ranking is the auction's own", async () => {
    const day = await openMarket();
    const [free, bound] = [await hold(day, {}), await hold(day, { limits: { maxCostUsd: 0.16 } })];
    const [a, b] = await Promise.all([free.room.receipt(), bound.room.receipt()]);
    const clearingOf = (receipt: typeof a) =>
      receipt?.decision.status === "cleared" ? receipt.decision.clearing : null;
    expect(clearingOf(b)).toEqual(clearingOf(a));
    expect(await free.room.view()).toMatchObject({ agentId: DEAR });
  });
});

describe("a task that no bid fits", () => {
  const dearOnly = { policy: `always:${DEAR}`, limits: { maxCostUsd: 0.16 } };

  test("ends unsold, with the reason and the least that would have to give; only its auction was paid", async () => {
    const day = await openMarket();
    const { room, taskId } = await hold(day, dearOnly);
    const view = await room.view();
    expect(view).toMatchObject({
      state: "no_sale",
      agentId: null,
      steps: 0,
      failureReason: null,
      outcome: null,
      noSale: {
        reason: "cost_limit",
        relaxation: { agentId: DEAR, limits: { maxCostUsd: expect.closeTo(DEAR_MEDIAN_USD, 4) } },
      },
    });
    expect(view?.costs.traceMicros).toBe(0);
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: view?.costMicros });
    expect(types(await eventsOf(room)).slice(-2)).toEqual(["auction-cleared", "task-not-sold"]);
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision).toMatchObject({ status: "no-sale", reason: "cost_limit" });
  });

  test("with that relaxation is sold, and with a micro-dollar less is not", async () => {
    const day = await openMarket();
    const first = await hold(day, dearOnly);
    const needs = (await first.room.view())?.noSale?.relaxation?.limits.maxCostUsd ?? 0;
    const relaxed = await hold(day, { ...dearOnly, limits: { maxCostUsd: needs } });
    expect(await relaxed.room.view()).toMatchObject({ state: "awarded", agentId: DEAR });
    const less = await hold(day, { ...dearOnly, limits: { maxCostUsd: needs - 0.000_001 } });
    expect(await less.room.view()).toMatchObject({ state: "no_sale" });
  });

  test("gives way to the next where auctions are held one by one", async () => {
    const day = await openMarket({ ordering: "strict" });
    const first = await day.admit(dearOnly);
    const second = await day.admit({ policy: "cheapest" });
    expect(second.auctionGeneration).toBeNull();
    await runAuction(auctionDeps(models()), first.holder);
    expect(await first.room.view()).toMatchObject({ state: "no_sale" });
    expect(await day.market.takeAuction(second.taskId, 1)).toMatchObject({ ok: true });
  });

  test("is told to its room again until it has ended: the clearing survives both rooms' deaths", async () => {
    const day = await openMarket();
    const { taskId, room, holder } = await day.admit(dearOnly);
    const begun = await room.beginAuction(1, null);
    expect(begun.ok).toBe(true);
    await runInDurableObject(day.market as DurableObjectStub, async (instance) => {
      const parts = instance as unknown as { parts: { outbox: { flush(): Promise<void> } } };
      vi.spyOn(parts.parts.outbox, "flush").mockResolvedValue(undefined);
    });
    const cleared = await day.market.clear(clearOf(taskId));
    expect(cleared).toEqual({ ok: true, value: { state: "no_sale", reason: "cost_limit" } });
    expect(await room.view()).toMatchObject({ state: "bidding" });
    await evictRooms(day.market, room);
    clock.pass(60_000);
    await day.ringMarket();
    expect(await room.view()).toMatchObject({ state: "no_sale" });
    expect((await day.market.heldTasks())[0]).toMatchObject({
      state: "no_sale",
      failureReason: "cost_limit",
    });
    expect(await alarmOf(room)).toBeNull();
    expect(holder.generation).toBe(1);
  });

  test("answers a second clearing that it is over", async () => {
    const day = await openMarket();
    const { taskId } = await hold(day, dearOnly);
    expect(await day.market.clear(clearOf(taskId))).toMatchObject({
      ok: false,
      failure: { reason: "ended" },
    });
  });
});

describe("a task's limits of time and steps", () => {
  test("count once three traces of an agent are known, by their middle", async () => {
    const day = await openMarket();
    const limits = { deadlineS: 60 };
    for (const ms of [30_000, 90_000]) await trace(day, DEAR, { ms });
    expect(await (await hold(day, { limits })).room.view()).toMatchObject({ agentId: DEAR });
    await trace(day, DEAR, { ms: 270_000 });
    const { room } = await hold(day, { limits });
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: MIDDLE });
    const { decision } = (await room.receipt()) ?? {};
    expect(decision?.status === "cleared" && decision.sale?.passedOver).toEqual([
      { agentId: DEAR, obstacles: [{ limit: "deadlineS", is: 60, needs: 90 }] },
    ]);
  });
});

describe("what traces have cost", () => {
  test("is learned from those that ran their course, and not from those that were cut short", async () => {
    const day = await openMarket();
    const limits = { maxCostUsd: 0.16 };
    // Cheap ones: the forecast falls below the limit.
    for (let run = 0; run < 6; run++) await trace(day, DEAR);
    const { room } = await hold(day, { limits });
    expect(await room.view()).toMatchObject({ agentId: DEAR });
    const other = await openMarket();
    for (let run = 0; run < 6; run++) {
      const { taskId, room: cut, holder } = await other.admit({ policy: `always:${DEAR}` });
      await runAuction(auctionDeps(models()), holder);
      const taken = await cut.takeTrace(1, 1);
      expect(taken.ok).toBe(true);
      await other.market.cancel(taskId);
      await cut.endTrace(1, null, "stopped");
      expect(await cut.view()).toMatchObject({ state: "cancelled" });
    }
    expect(await (await hold(other, { limits })).room.view()).toMatchObject({ agentId: MIDDLE });
  });
});

describe("a cap on an agent's share of the awards", () => {
  async function capped(maxShares: Readonly<Record<string, number>>) {
    const day = await openMarket();
    const changed = await day.market.changePolicy({ by: null, ifVersion: null, change: { maxShares } });
    expect(changed.ok).toBe(true);
    return day;
  }

  test("passes over its bids once it has that share, and the next best is sold", async () => {
    const day = await capped({ [DEAR]: 0.02 });
    const sold = [];
    for (let task = 0; task < 4; task += 1) sold.push((await (await hold(day, {})).room.view())?.agentId);
    expect(sold).toEqual([DEAR, DEAR, MIDDLE, MIDDLE]);
    const { room } = await hold(day, {});
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision.status === "cleared" && receipt.decision.sale?.passedOver).toEqual([
      { agentId: DEAR, obstacles: [{ limit: "maxShare", is: 0.02, needs: 0.03 }] },
    ]);
  });

  test("that nobody has room under is why a task is not sold", async () => {
    const day = await capped({ [DEAR]: 0.01 });
    await hold(day, { policy: `always:${DEAR}` });
    const { room } = await hold(day, { policy: `always:${DEAR}` });
    expect(await room.view()).toMatchObject({
      state: "no_sale",
      noSale: { reason: "share_cap", relaxation: { agentId: DEAR, limits: { maxShare: 0.02 } } },
    });
  });
});
