/** The ledger's accounts: money moves between them, and none comes or goes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TaskId } from "../../../../src/market/ids.ts";
import {
  ACCOUNTS,
  addTransfer,
  NO_BALANCES,
  sumOfAccounts,
  type Account,
  type Balances,
  type Transfer,
} from "../../../../src/market/ledger/transfer.ts";
import { asMicros } from "../../../../src/market/money.ts";

const TASK = "tsk_1" as TaskId;

function transfer(from: Account, to: Account, micros: number): Transfer {
  return { kind: "hold", taskId: TASK, callId: null, from, to, micros: asMicros(micros) };
}

const after = (transfers: readonly Transfer[]): Balances => transfers.reduce(addTransfer, NO_BALANCES);

const account = fc.constantFrom(...ACCOUNTS);
const transfers = fc.array(
  fc
    .record({ from: account, to: account, micros: fc.integer({ min: 1, max: 1_000_000_000 }) })
    .filter(({ from, to }) => from !== to)
    .map(({ from, to, micros }) => transfer(from, to, micros)),
  { maxLength: 50 },
);

describe("accounts", () => {
  test("of a task's whole life, by hand", () => {
    const balances = after([
      transfer("free", "held", 100),
      transfer("held", "providers", 60),
      // A bill that was 5 above its bound, and a call of 7 that was done again.
      transfer("overrun", "providers", 5),
      transfer("lost", "providers", 7),
      // A bound of 60 turned out to be a bill of 50.
      transfer("providers", "held", 10),
      transfer("held", "free", 50),
    ]);
    expect(balances).toEqual({ free: -50, held: 0, providers: 62, overrun: -5, lost: -7 });
    expect(sumOfAccounts(balances)).toBe(0);
  });

  test("are all zero before anything happened", () => {
    expect(ACCOUNTS.map((name) => NO_BALANCES[name])).toEqual([0, 0, 0, 0, 0]);
  });

  test("together are zero after any transfers", () => {
    fc.assert(
      fc.property(transfers, (all) => {
        expect(sumOfAccounts(after(all))).toBe(0);
      }),
    );
  });

  test("have what came less what went", () => {
    fc.assert(
      fc.property(transfers, account, (all, name) => {
        const sum = (end: "from" | "to") =>
          all.filter((one) => one[end] === name).reduce((micros, one) => micros + one.micros, 0);
        expect(after(all)[name]).toBe(sum("to") - sum("from"));
      }),
    );
  });

  test("do not depend on the order of transfers", () => {
    const shuffled = transfers.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([all, other]) => {
        expect(after(other)).toEqual(after(all));
      }),
    );
  });

  test.each(ACCOUNTS)("%s pays nothing to itself", (name) => {
    expect(() => addTransfer(NO_BALANCES, transfer(name, name, 1))).toThrow(RangeError);
  });
});
