/** Who pays what of a call: the tenant what it was asked to hold, the house the rest. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallId, TaskId } from "../../../../src/market/ids.ts";
import {
  bookSpent,
  sharesOf,
  type Payer,
  type Shares,
  type SpentMoney,
} from "../../../../src/market/ledger/charge.ts";
import {
  addTransfer,
  NO_BALANCES,
  sumOfAccounts,
  type Balances,
} from "../../../../src/market/ledger/transfer.ts";
import { asMicros } from "../../../../src/market/money.ts";

const TASK = "tsk_1" as TaskId;
const CALL = "cal_1" as CallId;

function spent(fields: {
  readonly callId?: CallId;
  readonly status?: SpentMoney["status"];
  readonly payer?: Payer;
  readonly bound: number;
  readonly micros: number;
}): SpentMoney {
  const { callId = CALL, status = "billed", payer = "tenant", bound, micros } = fields;
  return { callId, status, payer, boundMicros: asMicros(bound), micros: asMicros(micros) };
}

/** The accounts with so much held, after the call is booked. */
function book(balances: Balances, call: SpentMoney, before: Shares | null = null) {
  const heldMicros = asMicros(balances.held);
  const { shares, transfers } = bookSpent(call, { taskId: TASK, heldMicros, before });
  return { shares, transfers, balances: transfers.reduce(addTransfer, balances) };
}

const holding = (held: number): Balances => ({ ...NO_BALANCES, free: -held, held });

const micros = fc.integer({ min: 0, max: 1_000 });
const payer = fc.constantFrom<Payer>("tenant", "lost");
const call = fc.record({ bound: micros, micros, payer }).map(spent);

describe("the shares of a call", () => {
  test.each<[string, { bound: number; micros: number; payer?: Payer }, number, [number, number, number]]>([
    ["below its bound: the tenant pays its bill", { bound: 50, micros: 30 }, 100, [30, 0, 0]],
    ["at its bound: the tenant pays it", { bound: 50, micros: 50 }, 100, [50, 0, 0]],
    ["above its bound: the house pays the rest", { bound: 50, micros: 70 }, 100, [50, 20, 0]],
    ["beyond what the task still has: the house pays the rest", { bound: 50, micros: 40 }, 25, [25, 15, 0]],
    ["of a task that has nothing: the house pays it", { bound: 50, micros: 40 }, 0, [0, 40, 0]],
    ["that is owed nothing", { bound: 50, micros: 0 }, 100, [0, 0, 0]],
    ["whose work was done again", { bound: 50, micros: 70, payer: "lost" }, 100, [0, 0, 70]],
  ])("%s", (_, money, held, [charged, overrun, lost]) => {
    expect(sharesOf(spent(money), asMicros(held))).toEqual({ charged, overrun, lost });
  });

  test("add up to what its provider is owed", () => {
    fc.assert(
      fc.property(call, micros, (money, held) => {
        const { charged, overrun, lost } = sharesOf(money, asMicros(held));
        expect(charged + overrun + lost).toBe(money.micros);
      }),
    );
  });

  test("charge the tenant at most its bound and at most what was held, and as much of its bill as that takes", () => {
    fc.assert(
      fc.property(call, micros, (money, held) => {
        const { charged, lost } = sharesOf(money, asMicros(held));
        expect(charged).toBeLessThanOrEqual(Math.min(money.boundMicros, held));
        if (money.payer === "lost") expect([charged, lost]).toEqual([0, money.micros]);
        else if (money.micros <= Math.min(money.boundMicros, held)) expect(charged).toBe(money.micros);
      }),
    );
  });
});

describe("booking a call", () => {
  test("moves each share from who pays it to the providers", () => {
    const { transfers } = book(holding(100), spent({ bound: 50, micros: 70 }));
    const about = { taskId: TASK, callId: CALL };
    expect(transfers).toEqual([
      { ...about, kind: "charge", from: "held", to: "providers", micros: 50 },
      { ...about, kind: "overrun", from: "overrun", to: "providers", micros: 20 },
    ]);
  });

  test("whose work was done again leaves what is held alone", () => {
    const { transfers, balances } = book(holding(100), spent({ bound: 50, micros: 50, payer: "lost" }));
    expect(transfers.map(({ kind, from, to }) => [kind, from, to])).toEqual([["lost", "lost", "providers"]]);
    expect(balances).toEqual({ free: -100, held: 100, providers: 50, overrun: 0, lost: -50 });
  });

  test("that is owed nothing moves nothing", () => {
    expect(book(holding(100), spent({ status: "refused", bound: 50, micros: 0 })).transfers).toEqual([]);
  });

  test("at its bound and then at its bill gives back what was too much", () => {
    const bound = book(holding(100), spent({ status: "unconfirmed", bound: 50, micros: 50 }));
    const { transfers, balances } = book(bound.balances, spent({ bound: 50, micros: 30 }), bound.shares);
    expect(transfers).toEqual([
      { taskId: TASK, callId: CALL, kind: "correct", from: "providers", to: "held", micros: 20 },
    ]);
    expect(balances).toEqual({ free: -100, held: 70, providers: 30, overrun: 0, lost: 0 });
  });

  test("at its bound and then at a higher bill makes the house pay what is above", () => {
    const bound = book(holding(100), spent({ status: "unconfirmed", bound: 50, micros: 50 }));
    const { transfers } = book(bound.balances, spent({ bound: 50, micros: 65 }), bound.shares);
    expect(transfers).toMatchObject([{ kind: "overrun", from: "overrun", to: "providers", micros: 15 }]);
  });

  test("never moves nothing, and says what of the call it is about", () => {
    fc.assert(
      fc.property(call, micros, micros, (money, held, bill) => {
        const first = book(holding(held), money);
        const second = book(first.balances, { ...money, micros: asMicros(bill) }, first.shares);
        for (const one of [...first.transfers, ...second.transfers]) {
          expect(one.micros).toBeGreaterThan(0);
          expect(one).toMatchObject({ taskId: TASK, callId: CALL });
        }
      }),
    );
  });

  test("at its bound and then at its bill leaves the accounts as its bill alone does", () => {
    fc.assert(
      fc.property(call, micros, (money, held) => {
        const atBound = { ...money, status: "unconfirmed", micros: money.boundMicros } as const;
        const first = book(holding(held), atBound);
        const corrected = book(first.balances, money, first.shares);
        const alone = book(holding(held), money);
        expect(corrected.shares).toEqual(alone.shares);
        expect(corrected.balances).toEqual(alone.balances);
      }),
    );
  });

  test("of any number of calls never charges more than was held, and all accounts stay zero together", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 20 }), fc.integer({ min: 0, max: 5_000 }), (calls, held) => {
        let balances = holding(held);
        for (const money of calls) {
          balances = book(balances, money).balances;
          expect(balances.held).toBeGreaterThanOrEqual(0);
          expect(sumOfAccounts(balances)).toBe(0);
        }
        expect(balances.providers).toBe(calls.reduce((sum, money) => sum + money.micros, 0));
        // What the house has not paid, the task has: the tenant pays for nothing twice.
        expect(held - balances.held).toBe(balances.providers + balances.overrun + balances.lost);
      }),
    );
  });
});
