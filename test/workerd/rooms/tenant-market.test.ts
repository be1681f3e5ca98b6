/** A tenant's pool and rules through the real rooms: from which auction on they hold, and what they keep from whom. */
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { pricesFromUsd } from "../../../src/market/agent.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { reconcile } from "../../../src/market/ledger/reconcile.ts";
import { callCost } from "../../../src/market/money.ts";
import type { PolicyChange } from "../../../src/market/policy-document.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import { OPEN_MARKET } from "../../../src/market/tenant-market.ts";
import type { BooksAnswers, BooksQuery } from "../../../src/tenancy/books.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { USAGE } from "../../support/scripted-models.ts";
import { openCalibrationDay, standing } from "./calibration-day.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  evictRooms,
  KEY_HASH,
  MIDDLE,
  openMarket,
  POOL,
  useStoppedClock,
  traceDeps,
  type MarketDay,
} from "./market-day.ts";
import { change, OWN, OWN_AGENT, scripted, tamper } from "./policy-day.ts";

useStoppedClock();

type Admitted = Awaited<ReturnType<MarketDay["admit"]>>;

/** The auction and the whole trace of an admitted task; who was asked for what. */
async function carryOut({ tenantId }: MarketDay, { taskId, room, holder }: Admitted) {
  const models = scripted();
  await runAuction(auctionDeps(models), holder);
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  const asked = [...new Set(models.asked.map((call) => call.split(" ")[1] ?? ""))].toSorted();
  return { models, asked, view: await room.view(), receipt: receiptSchema.parse(await room.receipt()) };
}

describe("a change holds from the next auction on", () => {
  test("one that is open keeps the pool, the prices, the weights and the deadlines that it opened with", async () => {
    const day = await openMarket();
    const open = await day.admit();
    const cheaper = { prices: pricesFromUsd({ input: 0, output: 0.5 }), priceSource: "agreed" };
    await change(day, {
      disabled: [CHEAP],
      prices: { [DEAR]: cheaper },
      agents: [OWN_AGENT],
      weights: { cost: 0, entropy: 0, jurors: { [DEAR]: 1 } },
      deadlines: { ...OPEN_MARKET.deadlines, bidMs: 500 },
    });
    const next = await day.admit();
    expect(next.opening?.callDeadlines).toEqual({ bidMs: 500, juryMs: null });
    const before = await carryOut(day, open);
    const after = await carryOut(day, next);

    expect(open.opening).not.toHaveProperty("callDeadlines");
    expect(before.asked).toEqual([CHEAP, DEAR, MIDDLE]);
    expect(before.receipt.policy.version).toBe(1);
    expect(before.receipt.pool.map(({ prices }) => prices)).toEqual(POOL.map(({ prices }) => prices));
    expect(after.asked).toEqual([DEAR, MIDDLE, OWN]);
    expect(after.receipt.policy).toMatchObject({ version: 2, weights: { cost: 0, entropy: 0 } });
    expect(after.receipt.pool.map(({ id }) => id)).toEqual([MIDDLE, DEAR, OWN]);
    expect(after.receipt.pool[1]).toMatchObject(cheaper);
    for (const { receipt } of [before, after]) expect(recompute(receipt).ok).toBe(true);
  });

  test("also where the room dies between them", async () => {
    const day = await openMarket();
    const open = await day.admit();
    await change(day, { disabled: [DEAR] });
    await evictRooms(day.market, open.room);
    expect((await carryOut(day, open)).asked).toEqual([CHEAP, DEAR, MIDDLE]);
    await evictRooms(day.market);
    expect((await carryOut(day, await day.admit())).asked).toEqual([CHEAP, MIDDLE]);
    await change(day, { disabled: [] });
    expect((await carryOut(day, await day.admit())).asked).toEqual([CHEAP, DEAR, MIDDLE]);
  });
});

describe("whoever is left out is asked for nothing: no bid, no verdict, no refinement, no trace", () => {
  test.each<[string, PolicyChange, AgentId[]]>([
    ["disabled", { disabled: [DEAR] }, [CHEAP, MIDDLE]],
    ["not allowed", { allow: [CHEAP] }, [CHEAP]],
    ["denied", { deny: [CHEAP, MIDDLE] }, [DEAR]],
    [
      "its provider is denied",
      { agents: [OWN_AGENT], providers: { allow: null, deny: ["google"] } },
      [CHEAP, DEAR, MIDDLE, OWN],
    ],
    ["it processes elsewhere, or nobody knows where", { agents: [OWN_AGENT], regions: ["eu"] }, [OWN]],
  ])("%s", async (_why, rules, wanted) => {
    const day = await openMarket();
    await change(day, rules);
    const { asked, view, receipt } = await carryOut(day, await day.admit());
    expect(asked).toEqual(wanted);
    expect(receipt.pool.map(({ id }) => id).toSorted()).toEqual(wanted);
    expect(view).toMatchObject({ state: "finished" });
  });

  test("nor a calibration run that was quoted before", async () => {
    const day = await openCalibrationDay();
    await day.pastTask();
    await day.carryHistory();
    const quoted = await day.quote(1);
    await change(day, { disabled: [CHEAP] });
    await day.accept(quoted.quote.calibrationId);
    await day.ringMarket();
    expect(standing(await day.read(quoted.quote.calibrationId))).toContain(`${CHEAP} skipped: agent_changed`);
  });
});

describe("a tenant's own price", () => {
  test("is what bids are scored and calls are charged by, and the books agree", async () => {
    const day = await openMarket();
    const dear = { prices: pricesFromUsd({ input: 2, output: 4 }), priceSource: "agreed" };
    await change(day, { prices: { [CHEAP]: dear }, allow: [CHEAP, MIDDLE] });
    const { view, receipt } = await carryOut(day, await day.admit());
    const cheap = callCost(USAGE, dear.prices);
    const middle = callCost(USAGE, POOL[1]?.prices ?? dear.prices);
    expect(view?.costs.bidMicros).toBe(cheap + middle);
    expect(view?.costs.juryMicros).toBe(cheap + middle);
    const { decision } = receipt;
    const ranking = decision.status === "cleared" ? decision.clearing.first?.ranking : [];
    expect(ranking?.find(({ agentId }) => agentId === CHEAP)?.price).toBe(4);

    const read = async <K extends BooksQuery["kind"]>(query: Extract<BooksQuery, { readonly kind: K }>) =>
      (await day.market.readBooks(query)) as BooksAnswers[K];
    // At another price from now on: what was charged stays as it was.
    await change(day, { prices: {} });
    const calls = await read({ kind: "calls", after: "", limit: 1_000 });
    const transfers = await read({ kind: "transfers", after: 0, limit: 1_000 });
    const sums = await read({ kind: "sums" });
    expect(reconcile({ calls, transfers, sums }).drifts).toEqual([]);
    const charged = calls.filter(({ agentId }) => agentId === CHEAP);
    expect(charged.length).toBeGreaterThan(1);
    expect(charged.every((one) => one.chargedMicros === cheap)).toBe(true);
  });
});

describe("a deployment that changes the pool under a policy", () => {
  test("ids that name nobody any more are ignored, and shown as such", async () => {
    const day = await openMarket();
    await tamper(
      day,
      `json_set(body, '$.market.disabled', json('["agt_gone"]'), '$.market.maxShares', json('{"agt_left": 0.5}'))`,
    );
    expect(await day.market.readPolicy()).toMatchObject({
      policy: { name: "sale" },
      standing: { ignored: ["agt_gone", "agt_left"], leftOut: [], refusal: null },
    });
    expect((await carryOut(day, await day.admit())).asked).toEqual([CHEAP, DEAR, MIDDLE]);
    // And are no reason to refuse what has nothing to do with them.
    await change(day, { deny: [CHEAP] });
  });

  test("nobody left: tasks are refused, all can be read, and a change mends it", async () => {
    const day = await openMarket();
    await tamper(day, `json_set(body, '$.market.allow', json('["agt_gone"]'))`);
    await expect(day.admit()).rejects.toThrow("no_agents_left");
    await expect(day.admit({ policy: "cheapest" })).rejects.toThrow("no_agents_left");
    expect(await day.market.heldTasks()).toEqual([]);
    const leftOut = POOL.map(({ id }) => ({ agentId: id, reasons: ["not_allowed"] }));
    expect(await day.market.readPolicy()).toMatchObject({
      policy: null,
      standing: { admitted: [], leftOut, refusal: { reason: "no_agents_left", leftOut } },
    });
    expect(await day.market.agents()).toEqual({ pool: [], policy: null, leftOut });
    await change(day, { allow: null });
    expect((await day.admit()).opening?.pool).toHaveLength(3);
  });

  test("a policy that names who is gone: tasks without another are refused, those with one are not", async () => {
    const day = await openMarket();
    await tamper(day, "json_set(body, '$.policyName', 'always:agt_gone')");
    await expect(day.admit()).rejects.toThrow("unknown_policy");
    expect((await day.admit({ policy: "sale" })).opening?.policy.name).toBe("sale");
    expect(await day.market.readPolicy()).toMatchObject({
      policy: null,
      standing: { document: { name: "always:agt_gone" }, refusal: { reason: "unknown_policy" } },
    });
    await change(day, { name: "sale" });
    expect((await day.admit()).opening?.policy.name).toBe("sale");
  });
});

describe("weights under another pool than they were set for", () => {
  test("are frozen as what the sitting jury weighs, and the receipt agrees with itself", async () => {
    const day = await openMarket();
    const weights = { cost: 0.001, entropy: 0.1, jurors: { [CHEAP]: 0.1, [MIDDLE]: 0.1, [DEAR]: 0.2 } };
    await change(day, { weights });
    await change(day, { disabled: [CHEAP], agents: [OWN_AGENT] });
    const { receipt } = await carryOut(day, await day.admit());
    const { jurors } = receipt.policy.weights;
    expect(Object.keys(jurors).toSorted()).toEqual([DEAR, MIDDLE, OWN]);
    expect(Object.values(jurors).reduce((sum, one) => sum + one, 0)).toBeCloseTo(0.4, 12);
    expect(recompute(receipt).ok).toBe(true);
    // What was set stays as it was, and holds again with the pool that it was set for.
    expect((await day.market.readPolicy())?.weights).toEqual(weights);
    await change(day, { disabled: [], agents: [] });
    expect((await day.admit()).opening?.policy.weights).toEqual(weights);
  });
});

test("caps on shares are frozen into the policy of those that take part", async () => {
  const day = await openMarket();
  expect((await day.admit()).opening?.policy).not.toHaveProperty("maxShares");
  await change(day, { maxShares: { [CHEAP]: 0.5, [DEAR]: 0.25 }, disabled: [DEAR] });
  expect((await day.admit()).opening?.policy.maxShares).toEqual({ [CHEAP]: 0.5 });
});

test("a key that is revoked, of no admin or of nobody changes nothing, in the transaction that would have", async () => {
  const day = await openMarket();
  const order = { ifVersion: null, change: { disabled: [CHEAP] } };
  expect(await day.market.changePolicy({ ...order, by: "cd".repeat(32) })).toEqual({
    ok: false,
    failure: { reason: "unauthenticated" },
  });
  expect(await day.market.changePolicy({ ...order, by: KEY_HASH })).toMatchObject({ ok: true });
  expect(await day.market.policyVersion(2)).toMatchObject({ made: { by: { kind: "key" } } });
});
