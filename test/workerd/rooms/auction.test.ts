/** An auction through the real rooms, with scripted models. */
import { aCommit } from "../../support/builders.ts";
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  eventsOf,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  type TaskStub,
  type MarketDay,
} from "./market-day.ts";

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
/** Jurors that see that checking is worth something. */
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const JURY = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };

const clock = useStoppedClock();

async function auction(day: MarketDay, models: ScriptedModels) {
  const { taskId, room, holder, opening } = await day.admit();
  await runAuction(auctionDeps(models), holder);
  return { taskId, room, opening, view: await room.view(), trace: await room.readTrace() };
}

async function billedCalls(room: TaskStub): Promise<string[]> {
  const calls = (await room.readTrace())?.calls ?? [];
  return calls.filter((call) => call.status === "billed").map((call) => `${call.kind} ${call.agentId}`);
}

describe("an auction", () => {
  test("asks all, records all, and awards the lowest score", async () => {
    const day = await openMarket();
    const models = new ScriptedModels({ bids: BIDS, verdicts: JURY });
    const { room, view, trace } = await auction(day, models);

    expect(models.asked.toSorted()).toEqual([
      `bid ${CHEAP}`,
      `bid ${DEAR}`,
      `bid ${MIDDLE}`,
      `jury ${CHEAP}`,
      `jury ${DEAR}`,
      `jury ${MIDDLE}`,
    ]);
    expect(view?.state).toBe("awarded");
    // Worked by hand: 200 tokens each; w_c = 0.1 / (10 · 300), w_j = 1/15; scores 1, 2, 4 from all three jurors.
    // cheap 0.000667 − 0.2, middle 0.006667 − 0.4, dear 0.066667 − 0.8: the dearest is still the lowest.
    expect(view?.agentId).toBe(DEAR);
    expect(trace?.calls.map((call) => call.status)).toEqual(Array(6).fill("billed"));
    // Bound before, cost after: 1000 × output/4 + 200 × output, per call, each rounded up.
    expect(view?.costMicros).toBe(2 * (Math.ceil(450 * 0.1) + 450 + 4_500));
    const seen = await room.readTrace();
    expect(seen?.steps).toEqual([]);
  });

  test("goes on without the agents that abstain and the jurors that leave, and says why", async () => {
    const day = await openMarket();
    const models = new ScriptedModels({
      bids: { ...BIDS, [DEAR]: "timeout" },
      verdicts: { ...JURY, [MIDDLE]: "malformed" },
    });
    const { taskId, room, view } = await auction(day, models);
    expect(view?.agentId).toBe(MIDDLE);
    await day.market.cancel(taskId);
    const events = await eventsOf(room);
    expect(events.find((event) => event.type === "bid-abstained")).toMatchObject({
      agentId: DEAR,
      reason: "timeout",
    });
    expect(events.find((event) => event.type === "juror-left")).toMatchObject({
      jurorId: MIDDLE,
      reason: "malformed",
    });
    // Every remaining juror carries half of the jury's weight: 3 · (1/15) / 2.
    const cleared = events.find((event) => event.type === "auction-cleared");
    expect(cleared?.ranking[0]?.juryValue).toBeCloseTo(0.1 * 2 * byLength("multiply"), 10);
  });

  test("one bid is enough, and no juror is asked about it", async () => {
    const day = await openMarket();
    const models = new ScriptedModels({
      bids: { [CHEAP]: "guess", [MIDDLE]: "empty", [DEAR]: "rate_limited" },
    });
    const { view } = await auction(day, models);
    expect(view?.agentId).toBe(CHEAP);
  });

  test("without a bid the task fails, charged only what providers billed", async () => {
    const day = await openMarket();
    const models = new ScriptedModels({
      bids: { [CHEAP]: "empty", [MIDDLE]: "provider_error", [DEAR]: "rate_limited" },
    });
    const { view } = await auction(day, models);
    expect(view).toMatchObject({ state: "failed", failureReason: "no_bids", costMicros: 45 });
  });

  test("a bill that never came stays counted at its bound", async () => {
    const day = await openMarket();
    const models = new ScriptedModels({
      bids: { [CHEAP]: "timeout", [MIDDLE]: "provider_error", [DEAR]: "rate_limited" },
    });
    const { view, trace, opening } = await auction(day, models);
    const counted = opening?.firstCalls.find((call) => call.agentId === CHEAP);
    expect(counted?.boundMicros).toBeGreaterThan(0);
    expect(trace?.calls.find((call) => call.agentId === CHEAP)).toMatchObject({
      callId: counted?.callId,
      status: "unconfirmed",
      costMicros: counted?.boundMicros,
    });
    expect(view?.costMicros).toBe(counted?.boundMicros);
  });
});

describe("the death of its Worker", () => {
  // Calls 1 to 3 are bids, 4 to 6 verdicts; 7 never comes, so that this Worker lives.
  for (const diesAtCall of [1, 2, 3, 4, 5, 6, 7]) {
    test(`before call ${diesAtCall}: another resumes from what is committed, and the award is the same`, async () => {
      const day = await openMarket();
      const { taskId, room, holder } = await day.admit();
      const where = { tenantId: day.tenantId, taskId };
      const first = new ScriptedModels({ bids: BIDS, verdicts: JURY, diesAtCall });
      const run = runAuction(auctionDeps(first), holder);
      if (diesAtCall < 7) await expect(run).rejects.toThrow(WorkerDied);
      else await run;
      await evictRooms(day.market, room);
      const committed = await billedCalls(room);

      clock.pass(60_001);
      await day.ringMarket();
      const second = new ScriptedModels({ bids: BIDS, verdicts: JURY });
      const taken = await day.market.takeAuction(taskId, 2);
      expect(taken.ok).toBe(diesAtCall < 7);
      if (taken.ok) await runAuction(auctionDeps(second), { ...where, generation: 2 });

      const view = await room.view();
      expect(view).toMatchObject({ state: "awarded", agentId: DEAR });
      const calls = (await room.readTrace())?.calls ?? [];
      expect(calls.filter((call) => call.status === "started")).toEqual([]);
      // What was committed is not asked again; in the end every bid and verdict is there, and paid, once.
      expect(second.asked.filter((call) => committed.includes(call))).toEqual([]);
      expect((await billedCalls(room)).toSorted()).toEqual(
        [CHEAP, DEAR, MIDDLE].flatMap((id) => [`bid ${id}`, `jury ${id}`]).toSorted(),
      );
      await day.market.cancel(taskId);
      const events = await eventsOf(room);
      expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
    });
  }

  test("before it even began: the task room is opened and the auction runs", async () => {
    const day = await openMarket();
    const { taskId, room } = await day.admit();
    clock.pass(60_001);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const models = new ScriptedModels({ bids: BIDS, verdicts: JURY });
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 2 });
    expect((await room.view())?.state).toBe("awarded");
  });

  test("a Worker that was only slow has lost its auction: its bids are booked and not taken", async () => {
    const day = await openMarket();
    const { taskId, room } = await day.admit();
    const slow = await room.beginAuction(1, null);
    expect(slow.ok).toBe(true);
    clock.pass(60_001);
    await day.ringMarket();
    await day.market.takeAuction(taskId, 2);
    const models = new ScriptedModels({ bids: BIDS, verdicts: JURY });
    await runAuction(auctionDeps(models), { tenantId: day.tenantId, taskId, generation: 2 });
    expect(await room.commitAuction(1, aCommit())).toBe("lost");
    expect(await day.market.renewAuction(taskId, 1)).toBe("lost");
    const cleared = await day.market.clear({
      taskId,
      generation: 1,
      bids: [],
      verdicts: [],
      task: "",
      vector: null,
      tail: aCommit(),
    });
    // The award that stands is told again; nothing is cleared anew.
    expect(cleared).toMatchObject({ ok: true, value: { state: "awarded", agentId: DEAR } });
  });

  test("an auction that is taken up again and again without clearing is given up", async () => {
    const day = await openMarket();
    const { taskId, room } = await day.admit();
    await room.beginAuction(1, null);
    for (let generation = 2; generation <= 6; generation++) {
      clock.pass(60_001);
      await day.ringMarket();
      expect((await day.market.takeAuction(taskId, generation)).ok).toBe(true);
      await room.beginAuction(generation, null);
    }
    clock.pass(60_001);
    await day.ringMarket();
    // Its last holder gets one lease's time to bring its bills; then the room ends the task.
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "auction_abandoned" });
  });
});

describe("strict ordering", () => {
  test("one auction at a time, in the order of admission", async () => {
    const day = await openMarket({ ordering: "strict" });
    const models = () => new ScriptedModels({ bids: BIDS, verdicts: JURY });
    const first = await day.admit();
    const second = await day.admit();
    const third = await day.admit();
    expect([first, second, third].map((task) => task.auctionGeneration)).toEqual([1, null, null]);
    expect([first, second, third].map((task) => task.sequence)).toEqual([1, 2, 3]);

    // Until the first clears nobody else begins; a cancelled task loses its turn.
    expect((await day.market.takeAuction(second.taskId, 1)).ok).toBe(false);
    await day.market.cancel(second.taskId);
    await runAuction(auctionDeps(models()), { tenantId: day.tenantId, taskId: first.taskId, generation: 1 });
    await day.ringMarket();
    expect((await day.market.takeAuction(third.taskId, 1)).ok).toBe(true);
    await runAuction(auctionDeps(models()), { tenantId: day.tenantId, taskId: third.taskId, generation: 1 });
    expect((await third.room.view())?.state).toBe("awarded");
    expect((await second.room.view())?.state).toBe("cancelled");
  });
});
