/** An auction's calls are made as far as they may be paid for, and it clears with what it has. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import { aCommit } from "../../support/builders.ts";
import { BOUND, ScriptedModels, USAGE, WorkerDied } from "../../support/scripted-models.ts";
import {
  CHEAP,
  config,
  DEAR,
  eventsOf,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  types,
  type MarketDay,
} from "./market-day.ts";
import { anIndex, BIDS, memoryOver, REFINED, runTask, VERDICTS } from "./memory-day.ts";
import { accountOf, BIDS_MICROS, booksOf, hold, limited, plannedMicros, priced, usd } from "./money-day.ts";

let planned = 0;
const clock = useStoppedClock();
beforeEach(async () => {
  planned = await plannedMicros();
});

const script = { bids: BIDS, refinedBids: REFINED, verdicts: VERDICTS };
/** The task ends, so that its room tells all that it knows. */
async function cancelled({ market }: MarketDay, task: Awaited<ReturnType<MarketDay["admit"]>>) {
  await market.cancel(task.taskId);
  expect((await task.room.view())?.state).toBe("cancelled");
}
const bill = (micros: number) => ({ status: "billed", usage: USAGE, costMicros: asMicros(micros) }) as const;
/** Why jurors left. */
const leftOf = (events: Awaited<ReturnType<typeof eventsOf>>) =>
  Object.fromEntries(
    events.flatMap((event) => (event.type === "juror-left" ? [[event.jurorId, event.reason]] : [])),
  );

describe("jurors that may not be asked", () => {
  test("leave, nobody is billed for them, and the auction clears without them", async () => {
    const day = await openMarket();
    const task = await day.admit({ limits: { maxCostUsd: usd(planned) } });
    const models = new ScriptedModels(script);
    await hold(priced(models, { juryBound: () => 1_000_000 }), task);
    expect(await task.room.view()).toMatchObject({ state: "awarded", costs: { juryMicros: 0 } });
    expect(models.asked.filter((call) => call.startsWith("jury"))).toEqual([]);
    await cancelled(day, task);
    const events = await eventsOf(task.room);
    expect(leftOf(events)).toEqual({
      [CHEAP]: "unaffordable",
      [MIDDLE]: "unaffordable",
      [DEAR]: "unaffordable",
    });
    expect((await accountOf(day, task.taskId)).calls.map((call) => call.kind)).toEqual(["bid", "bid", "bid"]);
    expect(recompute(receiptSchema.parse(await task.room.receipt())).ok).toBe(true);
  });

  test("are those alone that do not fit: the others give their verdicts", async () => {
    const day = await openMarket();
    const task = await day.admit({ limits: { maxCostUsd: usd(planned) } });
    const models = new ScriptedModels(script);
    const juryBound = ({ id }: { readonly id: string }) => (id === DEAR ? 1_000_000 : 100);
    await hold(priced(models, { juryBound }), task);
    await cancelled(day, task);
    expect(leftOf(await eventsOf(task.room))).toEqual({ [DEAR]: "unaffordable" });
    expect(models.asked.filter((call) => call.startsWith("jury")).toSorted()).toEqual([
      `jury ${CHEAP}`,
      `jury ${MIDDLE}`,
    ]);
  });

  test("are asked where they fit with bids that are billed in the same commit", async () => {
    const day = await openMarket();
    const { room, opening } = await day.admit({ limits: { maxCostUsd: usd(planned) } });
    await room.beginAuction(1, null);
    // Beside the bids' bounds there is no room for this juror; beside their bills there is.
    const ended = (opening?.firstCalls ?? []).map(({ callId }) => ({ callId, bill: bill(45), ms: 1 }));
    const boundMicros = asMicros(planned - 3 * 45);
    const callId = newId("cal", config.source);
    const started = [{ callId, kind: "jury", agentId: CHEAP, boundMicros } as const];
    expect(await room.commitAuction(1, aCommit({ ended, started }))).toBe("continue");
  });

  test("are asked where the budget takes more than was planned", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: planned + 60_000 }) });
    const task = await day.admit();
    await hold(priced(new ScriptedModels(script), { juryBound: () => 20_000 }), task);
    await cancelled(day, task);
    expect(leftOf(await eventsOf(task.room))).toEqual({});
    // Bids and verdicts: each 45, 450 and 4,500.
    expect(await accountOf(day, task.taskId)).toMatchObject({
      chargedMicros: 2 * BIDS_MICROS,
      heldMicros: 0,
    });
  });
});

describe("refinement", () => {
  test("that does not fit is left out, and the auction clears as it stands", async () => {
    const day = await openMarket();
    const memory = memoryOver(anIndex().index);
    expect((await runTask(day, { memory })).view?.agentId).toBe(DEAR);
    const task = await day.admit({ limits: { maxCostUsd: usd(planned) } });
    const models = new ScriptedModels(script);
    await hold(priced(models, { refineBound: 1_000_000 }), task, memory);
    expect(models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
    expect(await task.room.view()).toMatchObject({ state: "awarded", agentId: DEAR });
    await cancelled(day, task);
    const events = await eventsOf(task.room);
    expect(types(events)).not.toContain("refinement-opened");
    expect(events.find((event) => event.type === "auction-cleared")).toMatchObject({
      round: 1,
      winner: DEAR,
    });
    expect(recompute(receiptSchema.parse(await task.room.receipt())).ok).toBe(true);
    expect((await accountOf(day, task.taskId)).calls.map((call) => call.kind)).not.toContain("refine");
  });

  test("that fits is held, asked for and charged", async () => {
    const day = await openMarket();
    const memory = memoryOver(anIndex().index);
    await runTask(day, { memory });
    const task = await day.admit({ limits: { maxCostUsd: usd(planned + 100_000) } });
    await hold(priced(new ScriptedModels(script), { refineBound: 30_000 }), task, memory);
    expect(await task.room.view()).toMatchObject({ agentId: CHEAP, costs: { refineMicros: 495 } });
    await cancelled(day, task);
    const refined = (await accountOf(day, task.taskId)).calls.filter((call) => call.kind === "refine");
    expect(Object.fromEntries(refined.map((call) => [call.agentId, call.chargedMicros]))).toEqual({
      [CHEAP]: 45,
      [MIDDLE]: 450,
    });
  });
});

describe("refinement that was begun by a holder that died", () => {
  test("goes on with what stands where the rest does not fit, and the receipt agrees", async () => {
    const day = await openMarket();
    const memory = memoryOver(anIndex().index);
    await runTask(day, { memory });
    const task = await day.admit({ limits: { maxCostUsd: usd(planned + 100_000) } });
    // Three bids, three verdicts, one refined bid; the next one is under way when its Worker dies.
    const dying = priced(new ScriptedModels({ ...script, diesAtCall: 8 }), { refineBound: 30_000 });
    await expect(hold(dying, task, memory)).rejects.toThrow(WorkerDied);
    await evictRooms(day.market, task.room);
    clock.pass(60_001);
    await day.ringMarket();
    expect((await day.market.takeAuction(task.taskId, 2)).ok).toBe(true);
    const models = new ScriptedModels(script);
    const holder = { tenantId: day.tenantId, taskId: task.taskId, generation: 2 };
    await hold(priced(models, { refineBound: 1_000_000 }), { holder }, memory);
    expect(models.asked.filter((call) => call.startsWith("refine"))).toEqual([]);
    expect(await task.room.view()).toMatchObject({ state: "awarded" });
    await cancelled(day, task);
    const receipt = receiptSchema.parse(await task.room.receipt());
    const second = receipt.bids.filter(({ round }) => round === 2).map(({ status }) => status);
    expect(second.toSorted()).toEqual(["abstained", "valid"]);
    expect(recompute(receipt).ok).toBe(true);
  });
});

describe("calls of an auction's holder that was given up", () => {
  test("are lost to the house at their bounds, and the tenant pays for each answer once", async () => {
    const day = await openMarket();
    const task = await day.admit();
    // Two bids are answered; the third is under way when its Worker dies.
    const dying = new ScriptedModels({ ...script, diesAtCall: 3 });
    await expect(hold(dying, task)).rejects.toThrow(WorkerDied);
    await evictRooms(day.market, task.room);
    clock.pass(60_001);
    await day.ringMarket();
    expect((await day.market.takeAuction(task.taskId, 2)).ok).toBe(true);
    const models = new ScriptedModels(script);
    const { tenantId } = day;
    await hold(models, { holder: { tenantId, taskId: task.taskId, generation: 2 } });
    expect(models.asked.filter((call) => call.startsWith("bid"))).toEqual([`bid ${DEAR}`]);
    await cancelled(day, task);

    const { calls, chargedMicros } = await accountOf(day, task.taskId);
    expect(chargedMicros).toBe(2 * BIDS_MICROS);
    expect((await task.room.view())?.costMicros).toBe(chargedMicros);
    const lost = calls.filter((call) => call.payer === "lost");
    expect(lost).toMatchObject([{ kind: "bid", agentId: DEAR, chargedMicros: 0, status: "unconfirmed" }]);
    expect(lost[0]?.lostMicros).toBe(lost[0]?.boundMicros);
    expect((await booksOf(day)).balances.lost).toBe(0 - (lost[0]?.boundMicros ?? 0));
  });
});

test("bids that may not be asked for are abstentions, and nobody is billed for them", async () => {
  const day = await openMarket();
  const task = await day.admit({ limits: { maxCostUsd: usd(planned) } });
  await expect(hold(new ScriptedModels({ ...script, diesAtCall: 1 }), task)).rejects.toThrow(WorkerDied);
  clock.pass(60_001);
  await day.ringMarket();
  expect((await day.market.takeAuction(task.taskId, 2)).ok).toBe(true);
  const models = new ScriptedModels(script);
  const holder = { tenantId: day.tenantId, taskId: task.taskId, generation: 2 };
  await hold(priced(models, { bidBound: 1_000_000 }), { holder });
  expect(models.asked).toEqual([]);
  expect(await task.room.view()).toMatchObject({ state: "failed", costMicros: 0 });
  const abstained = (await eventsOf(task.room)).flatMap((event) =>
    event.type === "bid-abstained" ? [[event.agentId, event.reason]] : [],
  );
  expect(Object.fromEntries(abstained)).toEqual({
    [CHEAP]: "unaffordable",
    [MIDDLE]: "unaffordable",
    [DEAR]: "unaffordable",
  });
  expect(await accountOf(day, task.taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 0 });
});

describe("a bill that comes late", () => {
  /** A call that was counted at its bound, as the market room has it. */
  async function counted() {
    const day = await openMarket();
    const task = await day.admit();
    const { room } = task;
    await room.beginAuction(1, null);
    const callId = newId("cal", config.source);
    const call = { callId, kind: "jury", agentId: CHEAP, boundMicros: BOUND } as const;
    await room.commitAuction(1, aCommit({ started: [call] }));
    await room.commitAuction(1, aCommit({ ended: [{ callId, bill: { status: "unconfirmed" }, ms: 1 }] }));
    const seen = async () => (await booksOf(day)).calls.find((one) => one.callId === callId);
    await vi.waitFor(async () => expect(await seen()).toBeDefined(), 5_000);
    return { day, task, callId, seen };
  }

  test("takes the place of the call's bound, and the difference may be spent again", async () => {
    const { day, task, callId, seen } = await counted();
    expect(await seen()).toMatchObject({ status: "unconfirmed", chargedMicros: BOUND });
    expect((await booksOf(day)).balances).toMatchObject({ held: planned - BOUND, providers: BOUND });
    await task.room.commitAuction(1, aCommit({ ended: [{ callId, bill: bill(45), ms: 5 }] }));
    await vi.waitFor(
      async () => expect(await seen()).toMatchObject({ status: "billed", chargedMicros: 45, usage: USAGE }),
      5_000,
    );
    expect((await booksOf(day)).balances).toMatchObject({ held: planned - 45, providers: 45 });
  });

  test("is booked once, however often it is told", async () => {
    const { day, task, callId, seen } = await counted();
    await task.room.commitAuction(1, aCommit({ ended: [{ callId, bill: bill(45), ms: 5 }] }));
    await vi.waitFor(async () => expect(await seen()).toMatchObject({ status: "billed" }), 5_000);
    const before = await booksOf(day);
    const spent = { callId, kind: "jury", agentId: CHEAP, attempt: 0, status: "billed" } as const;
    const again = {
      ...spent,
      micros: asMicros(4_000),
      usage: null,
      boundMicros: BOUND,
      endedAtMs: Date.now(),
    };
    await day.market.spent(task.taskId, [again, again]);
    expect(await booksOf(day)).toEqual(before);
  });

  test("above the bound leaves the tenant at the bound", async () => {
    const { day, task, callId, seen } = await counted();
    await task.room.commitAuction(1, aCommit({ ended: [{ callId, bill: bill(7_000), ms: 5 }] }));
    await vi.waitFor(async () => expect(await seen()).toMatchObject({ overrunMicros: 2_000 }), 5_000);
    expect((await booksOf(day)).balances).toMatchObject({ held: planned - BOUND, overrun: -2_000 });
  });
});
