/** Accepting a bid of a quote, once, and what its trace may cost. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { type AgentId } from "../../../src/market/ids.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import {
  CHEAP,
  DEAR,
  eventsOf,
  evictRooms,
  KEY_HASH,
  MIDDLE,
  openMarket,
  useStoppedClock,
  types,
} from "./market-day.ts";
import { accountOf, booksOf, ENDLESS, limited, priced } from "./money-day.ts";

import { admitQuote, models, openQuote } from "./quote-day.ts";
useStoppedClock();

const dearOnly = { policy: `always:${DEAR}` };

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
      "jury-asked",
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

  test("again answers the same, also without naming it, before and after its task has ended; another bid is refused", async () => {
    const day = await openMarket();
    const { room, accept, carryOut } = await openQuote(day);
    const first = await accept(MIDDLE);
    expect(await accept(MIDDLE)).toEqual(first);
    const other = { ok: false, failure: { reason: "quote_accepted", agentId: MIDDLE } };
    expect(await accept(CHEAP)).toEqual(other);
    expect(await accept(null)).toEqual(first);
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

  test("of one that is being stopped says that it is closed, whether its auction has cleared or not", async () => {
    const day = await openMarket();
    const bidding = await admitQuote(day);
    await day.market.cancel(bidding.taskId);
    const quoted = await openQuote(day);
    // Its room is not told yet.
    await runInDurableObject(day.market as DurableObjectStub, async (instance) => {
      const { parts } = instance as unknown as { parts: { outbox: { flush(): Promise<void> } } };
      vi.spyOn(parts.outbox, "flush").mockResolvedValue(undefined);
    });
    await day.market.cancel(quoted.taskId);
    for (const { taskId } of [bidding, quoted]) {
      const accepted = await day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId: null });
      expect(accepted).toEqual({ ok: false, failure: { reason: "quote_closed" } });
    }
  });

  test("the best bid says what stands against it, where caps on shares were reached since", async () => {
    const day = await openMarket();
    await day.market.changePolicy({ by: null, ifVersion: null, change: { maxShares: { [DEAR]: 0.01 } } });
    const [one, other] = [await openQuote(day, dearOnly), await openQuote(day, dearOnly)];
    expect(await one.accept()).toMatchObject({ ok: true });
    expect(await other.accept()).toEqual({
      ok: false,
      failure: {
        reason: "offer_not_acceptable",
        obstacles: [{ limit: "maxShare", is: 0.01, needs: 0.02 }],
      },
    });
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
