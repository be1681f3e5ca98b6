/** Quotes through the real rooms: the auction is held, nothing runs, and one of its bids is accepted or none. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { newId, type AgentId } from "../../../src/market/ids.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { taskSpecSchema, type TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  alarmOf,
  auctionDeps,
  CHEAP,
  config,
  countingTool,
  DEAR,
  eventsOf,
  evictRooms,
  KEY_HASH,
  MIDDLE,
  openMarket,
  stopTheClock,
  taskRoom,
  traceDeps,
  types,
  type MarketDay,
} from "./market-day.ts";
import { accountOf, booksOf, ENDLESS, limited, priced } from "./money-day.ts";

let clock: ReturnType<typeof stopTheClock>;
beforeEach(() => {
  clock = stopTheClock();
});
afterEach(() => {
  vi.useRealTimers();
});

const EXPIRES_S = 600;
const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };
const models = (steps: readonly ScriptedStep[] = [{ text: "42" }]) =>
  new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps });

async function admitQuote(day: MarketDay, input: Partial<TaskInput> = {}) {
  const taskId = newId("tsk", config.source);
  const admitted = await day.market.admit({
    keyHash: KEY_HASH,
    taskId,
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: taskSpecSchema.parse({
      prompt: "What is six times seven?",
      policy: "sale:memory=off,size=1",
      ...input,
    }),
    idempotency: null,
    asksAtOnce: true,
    quote: { expiresInS: EXPIRES_S },
  });
  if (!admitted.ok || admitted.value.opening === null) throw new Error("not admitted");
  const { tenantId } = day;
  return {
    taskId,
    room: taskRoom(tenantId, taskId),
    holder: { tenantId, taskId, generation: 1, opening: admitted.value.opening },
  };
}

async function openQuote(day: MarketDay, input: Partial<TaskInput> = {}) {
  const { taskId, room, holder } = await admitQuote(day, input);
  await runAuction(auctionDeps(models()), holder);
  const accept = async (agentId: AgentId | null = null) =>
    day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId });
  const carryOut = async (with_: ModelPort = models()) =>
    runSlice(traceDeps(with_, { tools: [countingTool()] }), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId,
      attempt: 1,
      generation: 1,
    });
  return { taskId, room, accept, carryOut };
}

describe("a quote", () => {
  test("shows every bid, best first, with its plan and what its trace is expected to take; nothing runs", async () => {
    const day = await openMarket();
    const { taskId, room } = await openQuote(day);
    const quote = await room.quote();
    expect(quote?.offers?.map(({ agentId, plan, obstacles }) => ({ agentId, plan, obstacles }))).toEqual([
      { agentId: DEAR, plan: BIDS[DEAR], obstacles: [] },
      { agentId: MIDDLE, plan: BIDS[MIDDLE], obstacles: [] },
      { agentId: CHEAP, plan: BIDS[CHEAP], obstacles: [] },
    ]);
    // 100,000 tokens in at 2.5 and 10,000 out at 10 USD per million, held twice.
    expect(quote?.offers?.[0]).toMatchObject({ capMicros: 700_000, forecast: { costMicros: 350_000 } });
    expect(quote?.task).toMatchObject({
      state: "quoted",
      agentId: null,
      quote: { expiresAtMs: Date.now() + EXPIRES_S * 1_000, acceptedAtMs: null },
    });
    expect(quote?.auctionMicros).toBe((await accountOf(day, taskId)).chargedMicros);
    expect((await room.takeTrace(1, 1)).ok).toBe(false);
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision.status).toBe("quoted");
  });

  test("gives its auction's turn on, and outlives the deadline that its task would have", async () => {
    const day = await openMarket({ ordering: "strict" });
    const { room, accept } = await openQuote(day, { limits: { deadlineS: 5 } });
    expect((await day.admit()).auctionGeneration).toBe(1);
    clock.pass(60_000);
    expect(await alarmOf(room)).toBeNull();
    const acceptedAtMs = Date.now();
    expect(await accept()).toEqual({ ok: true, value: DEAR });
    expect(await room.view()).toMatchObject({ state: "awarded", deadlineAtMs: acceptedAtMs + 5_000 });
    clock.pass(5_001);
    const ring = await runInDurableObject(room as DurableObjectStub, async (instance) => instance.alarm?.());
    expect(ring).toBeUndefined();
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
  });

  test("is one thing told once: the room hears of it after its death, and not twice", async () => {
    const day = await openMarket();
    const { room } = await openQuote(day);
    const before = await room.quote();
    await evictRooms(day.market, room);
    expect(await room.quote()).toEqual(before);
    const { offers, task } = before ?? {};
    expect(offers).not.toBeNull();
    expect(task?.lastEvent).toBe((await room.view())?.lastEvent);
  });

  test("that no bid fits ends unsold, before it was ever open", async () => {
    const day = await openMarket();
    const { room, accept } = await openQuote(day, { policy: `always:${DEAR}`, limits: { maxCostUsd: 0.1 } });
    expect(await room.quote()).toMatchObject({
      offers: null,
      task: { state: "no_sale", noSale: { reason: "cost_limit" } },
    });
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_closed" } });
  });
});

describe("accepting", () => {
  test.each<[string, AgentId | null, AgentId]>([
    ["nobody's bid by name, takes the best", null, DEAR],
    ["a bid that did not win, takes that one", CHEAP, CHEAP],
  ])("%s: its agent carries the task out by its own plan", async (_, asked, agentId) => {
    const day = await openMarket();
    const { taskId, room, accept, carryOut } = await openQuote(day);
    expect(await accept(asked)).toEqual({ ok: true, value: agentId });
    await carryOut();
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", agentId });
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision).toMatchObject({ status: "cleared", sale: { agentId, chosenBy: "tenant" } });
    expect(
      types(await eventsOf(room)).filter((type) => !type.startsWith("bid") && !type.startsWith("verdict")),
    ).toEqual([
      "task-admitted",
      "auction-opened",
      "auction-cleared",
      "quote-opened",
      "quote-accepted",
      "task-awarded",
      "trace-taken-up",
      "step-committed",
      "trace-ended",
      "verification-ended",
      "task-finished",
    ]);
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0 });
  });

  test("again answers the same, before and after its task has ended; another bid is refused", async () => {
    const day = await openMarket();
    const { room, accept, carryOut } = await openQuote(day);
    const first = await accept(MIDDLE);
    expect(await accept(MIDDLE)).toEqual(first);
    const other = { ok: false, failure: { reason: "quote_accepted", agentId: MIDDLE } };
    expect(await accept(CHEAP)).toEqual(other);
    expect(await accept(null)).toEqual(other);
    await evictRooms(day.market, room);
    expect(await accept(MIDDLE)).toEqual(first);
    await carryOut();
    expect(await accept(MIDDLE)).toEqual(first);
    expect((await room.readTrace())?.steps).toHaveLength(1);
  });

  test("at once from many sides awards one bid", async () => {
    const day = await openMarket();
    const { room, accept } = await openQuote(day);
    const answers = await Promise.all(
      [CHEAP, MIDDLE, DEAR, CHEAP, MIDDLE, DEAR].map(async (id) => accept(id)),
    );
    const taken = answers.filter((answer) => answer.ok).map((answer) => answer.value);
    expect(taken).toEqual([CHEAP, CHEAP]);
    expect(await room.view()).toMatchObject({ agentId: CHEAP, attempts: 1 });
  });

  test("names what may be accepted, where the agent has no bid or the task's limit stands against it", async () => {
    const day = await openMarket();
    const { accept } = await openQuote(day, { limits: { maxCostUsd: 0.16 } });
    expect(await accept("agt_nobody" as AgentId)).toEqual({
      ok: false,
      failure: { reason: "unknown_offer", agentIds: [MIDDLE, CHEAP] },
    });
    expect(await accept(DEAR)).toMatchObject({
      ok: false,
      failure: { reason: "offer_not_acceptable", obstacles: [{ limit: "maxCostUsd", is: 0.16 }] },
    });
    // The best that nothing stands against.
    expect(await accept(null)).toEqual({ ok: true, value: MIDDLE });
  });

  test("before the auction has cleared is too early", async () => {
    const day = await openMarket();
    const { taskId } = await admitQuote(day);
    const accepted = await day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId: null });
    expect(accepted).toEqual({ ok: false, failure: { reason: "quote_not_ready" } });
  });

  test("is no way to award a task that is no quote", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const accepted = await day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId: null });
    expect(accepted).toEqual({ ok: false, failure: { reason: "quote_not_found" } });
  });

  test("is refused to a key that does not stand, and to a suspended tenant", async () => {
    const day = await openMarket();
    const { taskId, accept } = await openQuote(day);
    const stranger = await day.market.acceptQuote({ keyHash: "cd".repeat(32), taskId, agentId: null });
    expect(stranger).toEqual({ ok: false, failure: { reason: "unauthenticated" } });
    await day.market.manageTenant("suspend");
    expect(await accept()).toEqual({ ok: false, failure: { reason: "tenant_suspended" } });
    await day.market.manageTenant("resume");
    expect(await accept()).toMatchObject({ ok: true });
  });
});

describe("the quoted cap", () => {
  /** Twice the guess by the cheap agent's price: 100,000 in at 0.025 and 10,000 out at 0.1 USD per million. */
  const CAP = 7_000;

  test("is held whole at the acceptance, and the trace costs no more", async () => {
    const day = await openMarket();
    const { taskId, room, accept, carryOut } = await openQuote(day);
    const auction = (await accountOf(day, taskId)).chargedMicros;
    await accept(CHEAP);
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: CAP, chargedMicros: auction });
    await carryOut(priced(models(ENDLESS), { step: { bound: 1_000, cost: 900 } }));
    const view = await room.view();
    expect(view).toMatchObject({ state: "failed", failureReason: "cost_limit" });
    const traceMicros = view?.costs.traceMicros ?? 0;
    expect(traceMicros).toBeLessThanOrEqual(CAP);
    expect(traceMicros).toBeGreaterThan(CAP - 1_000);
    expect(view?.partialResult).not.toBeNull();
    expect(await accountOf(day, taskId)).toMatchObject({
      heldMicros: 0,
      chargedMicros: auction + traceMicros,
    });
  });

  test("that the budget does not take is refused, and nothing has changed: a cheaper bid is still to be had", async () => {
    const day = await openMarket({ budget: limited({ totalMicros: 160_000 }) });
    const { taskId, accept } = await openQuote(day);
    const before = await booksOf(day);
    expect(await accept(DEAR)).toMatchObject({
      ok: false,
      failure: { reason: "budget", refusal: { scope: "tenant", limit: "total" } },
    });
    expect(await booksOf(day)).toEqual(before);
    expect(await accept(CHEAP)).toEqual({ ok: true, value: CHEAP });
    expect((await accountOf(day, taskId)).heldMicros).toBe(CAP);
  });

  test("is no more than the task's own limit leaves", async () => {
    const day = await openMarket();
    const { room, taskId } = await openQuote(day, { limits: { maxCostUsd: 0.12 } });
    const { chargedMicros } = await accountOf(day, taskId);
    const offers = (await room.quote())?.offers ?? [];
    expect(offers.find((offer) => offer.agentId === MIDDLE)?.capMicros).toBe(70_000);
    const tight = await openQuote(day, { limits: { maxCostUsd: 0.114 } });
    const middle = (await tight.room.quote())?.offers?.find((offer) => offer.agentId === MIDDLE);
    expect(middle?.capMicros).toBe(Math.min(70_000, 114_000 - chargedMicros));
  });
});

describe("a quote that nobody accepts", () => {
  test("runs out: nothing is held any more, and its auction is all that it cost", async () => {
    const day = await openMarket();
    const { taskId, room, accept } = await openQuote(day);
    clock.pass(EXPIRES_S * 1_000);
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_expired" } });
    await day.ringMarket();
    expect(await room.view()).toMatchObject({
      state: "no_sale",
      noSale: { reason: "quote_expired", relaxation: null },
      costs: { traceMicros: 0 },
    });
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_expired" } });
    const view = await room.view();
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: view?.costMicros });
    const receipt = await room.receipt();
    expect(receipt !== null && recompute(receipt).ok).toBe(true);
    expect(receipt?.decision).toMatchObject({ status: "no-sale", reason: "quote_expired" });
    expect(await alarmOf(room)).toBeNull();
  });

  test("runs out though both rooms died in the meantime", async () => {
    const day = await openMarket();
    const { room } = await openQuote(day);
    await evictRooms(day.market, room);
    clock.pass(EXPIRES_S * 1_000);
    await day.ringMarket();
    expect(await room.view()).toMatchObject({ state: "no_sale" });
  });

  test("and is cancelled ends at once", async () => {
    const day = await openMarket();
    const { taskId, room, accept } = await openQuote(day);
    expect(await day.market.cancel(taskId)).toBe(true);
    expect(await room.view()).toMatchObject({ state: "cancelled" });
    expect(await accept()).toEqual({ ok: false, failure: { reason: "quote_closed" } });
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0 });
  });

  test("that was accepted does not run out", async () => {
    const day = await openMarket();
    const { room, accept } = await openQuote(day);
    await accept(CHEAP);
    clock.pass(EXPIRES_S * 1_000 + 1);
    await day.ringMarket();
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
  });
});

describe("what a quote teaches", () => {
  test("an outcome goes to the strategy that had it, and to no other's", async () => {
    const day = await openMarket();
    const vector = Array.from({ length: 768 }, () => 0.5);
    const entryOf = async () => (await day.market.recall({ vector, hits: [], topK: 5 }))[0]?.entry;
    const memory = {
      embedBound: () => 0 as never,
      embed: async () => ({ vector, bill: { status: "refused" as const } }),
      recall: async () => [],
    };
    const { taskId, holder } = await admitQuote(day, { policy: "sale:size=1" });
    await runAuction(auctionDeps(models(), memory), holder);
    await day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId: CHEAP });
    await runSlice(traceDeps(models()), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId,
      attempt: 1,
      generation: 1,
    });
    // The dear agent's bid won, and the cheap one's was carried out: nobody knows what the winner would have done.
    expect(await entryOf()).toMatchObject({ winner: DEAR, outcome: null });
  });
});
