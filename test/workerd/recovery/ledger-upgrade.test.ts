/** Rooms that were written before there was a ledger: their sums stay, and what is open goes on and is charged. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { clearingRecord } from "../../../src/market/auction-record.ts";
import { clearAuction } from "../../../src/market/clear.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { BOUND, ScriptedModels, USAGE } from "../../support/scripted-models.ts";
import { CHEAP, config, DEAR, ONE_BID, useStoppedClock, taskRoom, traceDeps } from "../rooms/market-day.ts";
import { accountOf, ask, booksOf, hold, limited, priced, refusalOf, SUBMIT } from "../rooms/money-day.ts";
import { aCharge, asBefore, olderMarket, type Charge } from "./older-rooms.ts";

const clock = useStoppedClock();

describe("a market room from before", () => {
  const DAY_MS = 24 * 60 * 60 * 1_000;
  const charges = () => [
    aCharge(),
    aCharge({ agentId: DEAR, micros: 4_500, taskId: "tsk_other" }),
    aCharge({ agentId: DEAR, kind: "trace", attempt: 1, micros: 9_000, endedAtMs: Date.now() - DAY_MS }),
    aCharge({ agentId: null, kind: "embed", micros: 2 }),
    aCharge({ kind: "jury", status: "unconfirmed", micros: 5_000, usage: null, taskId: "open" }),
    aCharge({ kind: "jury", status: "refused", micros: 0, usage: null }),
    aCharge({ micros: 300, endedAtMs: Date.now() - 60 * DAY_MS }),
  ];
  const sum = (some: readonly Charge[]) => some.reduce((micros, { micros: one }) => micros + one, 0);

  test("opens with the sums that it had", async () => {
    const known = charges();
    const day = await olderMarket({ charges: known });
    const { chargedMicros, balances, calls, accounts } = await booksOf(day);
    expect(chargedMicros).toBe(sum(known));
    expect(balances).toEqual({
      free: 0 - sum(known),
      held: 0,
      providers: sum(known),
      overrun: 0,
      lost: 0,
    });
    expect(calls.map((call) => call.callId)).toEqual(known.map((call) => call.callId).toSorted());
    expect(accounts.map((account) => account.taskId).toSorted()).toEqual(
      [day.taskId, "tsk_other", "tsk_settled"].toSorted(),
    );
    expect(await day.market.heldTasks()).toMatchObject([{ taskId: day.taskId, costMicros: 5_000 }]);
  });

  test("knows days, months, kinds, tokens and who was asked, as they were", async () => {
    const known = charges();
    const { market } = await olderMarket({ charges: known });
    const usage = await market.readBooks({ kind: "usage", from: "2033-05-17", to: "2033-05-18" });
    expect(usage).toEqual([
      expect.objectContaining({ day: "2033-05-17", kind: "trace", agentId: DEAR, chargedMicros: 9_000 }),
      expect.objectContaining({ kind: "embed", agentId: null, calls: 1, chargedMicros: 2 }),
      expect.objectContaining({
        kind: "bid",
        agentId: CHEAP,
        calls: 1,
        inputTokens: 1_000,
        outputTokens: 200,
      }),
      expect.objectContaining({
        kind: "jury",
        calls: 2,
        unconfirmed: 1,
        inputTokens: 0,
        chargedMicros: 5_000,
      }),
      expect.objectContaining({ kind: "bid", agentId: DEAR, chargedMicros: 4_500, houseMicros: 0 }),
    ]);
    const budget = (await market.readBooks({ kind: "budget" })) as { spending: { chargedMicros: object } };
    expect(budget.spending.chargedMicros).toEqual({
      total: sum(known),
      day: sum(known) - 9_000 - 300,
      month: sum(known) - 300,
    });
  });

  test("without any charge opens too, and its key and its budget are as for everybody", async () => {
    const day = await olderMarket({});
    expect((await booksOf(day)).transfers).toEqual([]);
    expect((await ask(day)).answer).toMatchObject({ ok: true, value: { sequence: 2 } });
    await day.market.setBudget(limited({ totalMicros: 1 }));
    expect(refusalOf(await ask(day))).toMatchObject({ scope: "tenant", limit: "total", leftMicros: 0 });
  });

  test("counts what was spent before against a budget that it is given now", async () => {
    const known = charges();
    const day = await olderMarket({ charges: known });
    await day.market.setBudget(limited({ totalMicros: sum(known) + 9 }));
    expect(refusalOf(await ask(day))).toMatchObject({ leftMicros: 9 });
  });

  test("takes a bill that comes for a bound from before, once", async () => {
    const known = charges();
    const day = await olderMarket({ charges: known });
    const { market, taskId } = day;
    const unconfirmed = known.find((call) => call.status === "unconfirmed");
    if (unconfirmed === undefined) throw new Error("nothing is unconfirmed");
    const { callId } = unconfirmed;
    const call = {
      callId,
      kind: "jury",
      agentId: CHEAP,
      attempt: 0,
      status: "billed",
      usage: USAGE,
    } as const;
    const bill = { ...call, micros: asMicros(45), boundMicros: asMicros(5_000), endedAtMs: Date.now() };
    await market.spent(taskId, [bill, { ...bill, micros: asMicros(46) }]);
    expect((await booksOf(day)).chargedMicros).toBe(sum(known) - 4_955);
    await market.ended({
      taskId,
      attempt: 0,
      end: { state: "cancelled" },
      verdict: null,
      trace: null,
    });
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 45 });
  });
});

describe("an open task from before", () => {
  const bill = (micros: number) =>
    ({ status: "billed", usage: USAGE, costMicros: asMicros(micros) }) as const;

  test("whose auction runs goes on, is awarded, carried out and charged", async () => {
    const { opening, ...day } = await olderMarket({});
    const room = taskRoom(day.tenantId, day.taskId);
    await room.open(opening);
    await asBefore(room);
    const holder = { tenantId: day.tenantId, taskId: day.taskId, generation: 1, opening };
    await hold(new ScriptedModels({ bids: ONE_BID }), { holder });
    expect(await room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
    const message = { kind: "trace", tenantId: day.tenantId, taskId: day.taskId, attempt: 1 } as const;
    const models = priced(new ScriptedModels({ steps: [SUBMIT] }), { step: { bound: 5_000, cost: 77 } });
    await runSlice(traceDeps(models), { ...message, generation: 1 });
    const view = await room.view();
    expect(view).toMatchObject({ state: "finished", outcome: "pass", costMicros: 4_995 + 77 });
    const { holds, heldMicros, chargedMicros } = await accountOf(day, day.taskId);
    expect([heldMicros, chargedMicros]).toEqual([0, 5_072]);
    // What its award held is spent first.
    expect(holds).toContain(7_000);
    expect(holds).not.toContain(77);
    expect((await booksOf(day)).balances).toMatchObject({ overrun: 0, lost: 0, free: -5_072 });
  });

  /** Under way when the new version came: its holder had asked for the first step. */
  async function underWay() {
    const open = { state: "awarded", lease: null, attempt: 1, agentId: CHEAP } as const;
    const { opening, ...day } = await olderMarket({ open, policy: `always:${CHEAP}` });
    const room = taskRoom(day.tenantId, day.taskId);
    await room.open(opening);
    const clearing = clearAuction(clearingRecord(opening, { bids: [], verdicts: [] }));
    if (!clearing.ok) throw new Error("the policy names its agent");
    const award = { attempt: 1, agentId: CHEAP, awardedAtMs: Date.now(), tail: null };
    await room.award({ ...award, clearing: clearing.value });
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const callId = newId("cal", config.source);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
    await asBefore(room);
    const message = { kind: "trace", tenantId: day.tenantId, taskId: day.taskId, attempt: 1 } as const;
    const carryOut = async (generation: number) =>
      runSlice(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), { ...message, generation });
    return { day, room, callId, carryOut };
  }
  const step = { step: 1, text: "42", toolCalls: [], assistant: null, usage: USAGE } as const;

  test("whose trace runs takes its holder's bill, asks for nothing, and is charged", async () => {
    const { day, room, callId } = await underWay();
    // Of a task without holds nothing is asked that a budget could refuse.
    await day.market.setBudget(limited({ totalMicros: 1 }));
    const call = { callId, bill: bill(45), ms: 1 };
    await room.commitAnswer(1, call, { ...step, costMicros: asMicros(45) }, null);
    const next = newId("cal", config.source);
    const started = { callId: next, kind: "trace", agentId: CHEAP, boundMicros: BOUND } as const;
    expect(await room.startTraceCall(1, started)).toBe("continue");
    const second = { ...step, step: 2, costMicros: asMicros(60) };
    await room.commitAnswer(1, { callId: next, bill: bill(60), ms: 1 }, second, "42");
    await room.commitVerdict(1, { outcome: "pass", verifier: "equals", evidence: "42" });
    expect(await room.view()).toMatchObject({ state: "finished", costMicros: 105 });
    expect(await accountOf(day, day.taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 105 });
    expect((await booksOf(day)).balances).toMatchObject({ overrun: 0, lost: 0 });
  });

  test("whose holder is gone is carried out by another, and the house pays for the first one's call", async () => {
    const { day, room, carryOut } = await underWay();
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    await carryOut(2);
    expect(await room.view()).toMatchObject({ state: "finished", costMicros: 45 });
    expect(await accountOf(day, day.taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 45 });
    expect((await booksOf(day)).balances.lost).toBe(0 - BOUND);
  });

  test("has no more held than it spends: what the house pays is not set aside for it", async () => {
    const { day, room } = await underWay();
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    expect((await room.takeTrace(1, 2)).ok).toBe(true);
    await vi.waitFor(async () => expect((await booksOf(day)).balances.lost).toBe(0 - BOUND), 5_000);
    expect(await accountOf(day, day.taskId)).toMatchObject({ heldMicros: 0, holds: [] });
  });
});
