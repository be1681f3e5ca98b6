/** What a task's room tells of its calls is booked whole or not at all, with the prices that its bills were made of. */
import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { newId, type AgentId, type TaskId } from "../../../src/market/ids.ts";
import { asMicros, type Micros, type Prices } from "../../../src/market/money.ts";
import type { BooksAnswers } from "../../../src/tenancy/books.ts";
import type { SpentCall } from "../../../src/market/report.ts";
import type { MarketRoomPort } from "../../../src/taskroom/market-room-port.ts";
import { ScriptedModels, USAGE } from "../../support/scripted-models.ts";
import {
  CHEAP,
  config,
  DEAR,
  evictRooms,
  openMarket,
  POOL,
  useStoppedClock,
  type MarketDay,
} from "./market-day.ts";
import { awardedTask, booksOf, plannedMicros, SUBMIT, USE_TOOL } from "./money-day.ts";

let planned = 0;
useStoppedClock();
beforeEach(async () => {
  planned = await plannedMicros();
});

function pricesOf(id: AgentId): Prices {
  const agent = POOL.find((one) => one.id === id);
  if (agent === undefined) throw new Error(`${id} is not in the pool`);
  return agent.prices;
}
const CHEAP_PRICES = pricesOf(CHEAP);
const DEAR_PRICES = pricesOf(DEAR);

/** Why the room takes no such report. Asked inside: a rejection on its way out of an object counts as nobody's. */
async function refused(day: MarketDay, taskId: TaskId, calls: readonly SpentCall[]): Promise<string> {
  return runInDurableObject(day.market as DurableObjectStub, async (room) => {
    try {
      await (room as unknown as MarketRoomPort).spent(taskId, calls);
      return "taken";
    } catch (error) {
      return String(error);
    }
  });
}

function aSpentCall(fields: Partial<SpentCall> = {}): SpentCall {
  return {
    callId: newId("cal", config.source),
    kind: "trace",
    agentId: CHEAP,
    attempt: 1,
    status: "billed",
    micros: asMicros(45),
    boundMicros: asMicros(5_000),
    payer: "tenant",
    usage: USAGE,
    prices: CHEAP_PRICES,
    endedAtMs: Date.now(),
    ...fields,
  };
}

describe("the calls of a task", () => {
  test("are told with the prices of their bills, and each price row is stored once", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const calls = [aSpentCall(), aSpentCall(), aSpentCall({ agentId: DEAR, prices: DEAR_PRICES })];
    await day.market.spent(taskId, calls);
    await evictRooms(day.market);
    await day.market.spent(taskId, [aSpentCall({ callId: newId("cal", config.source) })]);
    const seen = await booksOf(day);
    for (const { agentId, prices } of seen.calls) {
      expect(prices).toEqual(agentId === DEAR ? DEAR_PRICES : CHEAP_PRICES);
    }
    expect(seen.calls).toHaveLength(4);
    const rows = await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM prices").one(),
    );
    expect(rows.n).toBe(2);
  });

  test("without a bill have neither usage nor prices", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const { prices: _, ...unpriced } = aSpentCall({ status: "refused", micros: asMicros(0), usage: null });
    await day.market.spent(taskId, [unpriced]);
    expect((await booksOf(day)).calls).toMatchObject([{ status: "refused", usage: null, prices: null }]);
  });

  test("that are told together are booked together or not at all, and can be told again", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const good = aSpentCall();
    const broken = aSpentCall({ micros: 0.5 as Micros });
    expect(await refused(day, taskId, [good, broken])).toContain("not an amount in micro-USD");
    expect((await booksOf(day)).calls).toEqual([]);
    // Its price row went with the transaction: it is stored anew.
    await day.market.spent(taskId, [good]);
    const { calls, balances } = await booksOf(day);
    expect(calls).toMatchObject([{ callId: good.callId, chargedMicros: 45, prices: CHEAP_PRICES }]);
    expect(balances.held).toBe(planned - 45);
  });

  test("are charged to the key that the task was asked for with", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    await day.market.spent(taskId, [aSpentCall()]);
    expect((await booksOf(day)).calls[0]?.keyId).toMatch(/^key_/);
  });

  test("of a report from before there were bounds and payers are the tenant's, at their bill", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const { boundMicros: _bound, payer: _payer, prices: _prices, ...older } = aSpentCall();
    await day.market.spent(taskId, [older]);
    expect((await booksOf(day)).calls).toMatchObject([
      { payer: "tenant", boundMicros: 45, chargedMicros: 45, overrunMicros: 0 },
    ]);
  });

  test("of a task that the books do not know are an error, and nobody's charge", async () => {
    const day = await openMarket();
    const unknown = newId("tsk", config.source);
    expect(await refused(day, unknown, [aSpentCall()])).toContain(unknown);
    expect((await booksOf(day)).transfers).toEqual([]);
  });
});

describe("what may be spent", () => {
  test("is not more for a task that has ended", async () => {
    const day = await openMarket();
    const { taskId } = await awardedTask(day);
    await day.market.cancel(taskId);
    const { chargedMicros } = await booksOf(day);
    const answer = await day.market.allow(taskId, asMicros(chargedMicros + 1));
    expect(answer).toEqual({
      ok: false,
      failure: { scope: "task", limit: "task", askedMicros: 1, leftMicros: 0 },
    });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("is held once, however often the same is asked for", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const total = asMicros(planned + 100);
    expect(await day.market.allow(taskId, total)).toEqual({ ok: true, value: planned + 400 });
    expect(await day.market.allow(taskId, total)).toEqual({ ok: true, value: planned + 400 });
    expect((await booksOf(day)).balances.held).toBe(planned + 400);
  });

  test("for a trace is not less because others were never begun", async () => {
    const day = await openMarket();
    const { taskId } = await awardedTask(day);
    await day.market.cancel(taskId);
    const second = await awardedTask(day);
    const holds = (await booksOf(day)).transfers.filter(
      (one) => one.taskId === second.taskId && one.kind === "hold",
    );
    expect(holds.map((one) => one.micros)).toEqual([planned, 7_000]);
  });
});

test("tools that ran are counted by day, key and agent, at no cost; what stands beside a result did not run", async () => {
  const day = await openMarket();
  const { carryOut } = await awardedTask(day);
  await carryOut(new ScriptedModels({ steps: [USE_TOOL, USE_TOOL, SUBMIT] }));
  const usage = { kind: "usage", from: "2000-01-01", to: "2999-12-31" } as const;
  const tools = async () => {
    const lines = (await day.market.readBooks(usage)) as BooksAnswers["usage"] | null;
    return lines?.filter(({ kind }) => kind === "tool");
  };
  const line = {
    agentId: CHEAP,
    calls: 2,
    chargedMicros: 0,
    houseMicros: 0,
    keyId: expect.stringMatching(/^key_/),
  };
  expect(await tools()).toMatchObject([line]);
  await evictRooms(day.market);
  expect(await tools()).toMatchObject([line]);
  await booksOf(day);
});
