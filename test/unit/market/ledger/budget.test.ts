/** Hard budgets: a hold that fits leads past no limit, whatever is spent from it and whenever. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BUDGET_LIMITS,
  budgetRoom,
  NO_BUDGET,
  type Budget,
  type Spending,
} from "../../../../src/market/ledger/budget.ts";
import { asMicros } from "../../../../src/market/money.ts";
import { dayOf, monthOf } from "../../../../src/tenancy/utc.ts";

interface Figures {
  readonly total?: number;
  readonly day?: number;
  readonly month?: number;
}

function aBudget({ total, day, month }: Figures): Budget {
  const limit = (value: number | undefined) => (value === undefined ? null : asMicros(value));
  return { totalMicros: limit(total), dayMicros: limit(day), monthMicros: limit(month) };
}

function spending(held: number, { total = 0, day = 0, month = 0 }: Figures = {}): Spending {
  const chargedMicros = { total: asMicros(total), day: asMicros(day), month: asMicros(month) };
  return { heldMicros: asMicros(held), chargedMicros };
}

describe("what a budget leaves", () => {
  test("is not limited where there is no limit", () => {
    expect(budgetRoom(NO_BUDGET, spending(1_000, { total: 1_000 }))).toBeNull();
  });

  test.each<[string, Figures, Spending, object]>([
    ["all of it, untouched", { total: 100 }, spending(0), { limit: "total", leftMicros: 100 }],
    [
      "what is neither charged nor held",
      { total: 100 },
      spending(20, { total: 30 }),
      { limit: "total", leftMicros: 50 },
    ],
    [
      "by the day, what was charged on it and all that is held",
      { day: 100 },
      spending(20, { total: 900, month: 500, day: 10 }),
      { limit: "day", leftMicros: 70 },
    ],
    [
      "by the month, likewise",
      { month: 100 },
      spending(20, { total: 900, month: 50, day: 10 }),
      { limit: "month", leftMicros: 30 },
    ],
    [
      "the least of its limits",
      { total: 1_000, day: 100, month: 500 },
      spending(0, { total: 990, month: 450, day: 10 }),
      { limit: "total", leftMicros: 10 },
    ],
    [
      "the limit that leaves least, though it is not the lowest",
      { total: 1_000, day: 100, month: 500 },
      spending(0, { total: 500, month: 450, day: 10 }),
      { limit: "month", leftMicros: 50 },
    ],
    ["nothing, used up", { total: 100 }, spending(40, { total: 60 }), { limit: "total", leftMicros: 0 }],
    [
      "nothing, and never less, where it was lowered below what is spent",
      { total: 100, day: 10 },
      spending(40, { total: 600, day: 300 }),
      { limit: "total", leftMicros: 0 },
    ],
    ["nothing, where it is 0", { day: 0 }, spending(0), { limit: "day", leftMicros: 0 }],
  ])("is %s", (_, budget, spent, room) => {
    expect(budgetRoom(aBudget(budget), spent)).toEqual(room);
  });

  test("of a budget lowered below what is spent is 0", () => {
    const figures = fc.record({
      limit: fc.constantFrom(...BUDGET_LIMITS),
      spent: fc.nat({ max: 1_000 }),
      held: fc.nat({ max: 1_000 }),
      below: fc.nat({ max: 1_000 }),
    });
    fc.assert(
      fc.property(figures, ({ limit, spent, held, below }) => {
        const lowered = aBudget({ [limit]: Math.max(0, spent + held - below) });
        expect(budgetRoom(lowered, spending(held, { [limit]: spent }))).toEqual({ limit, leftMicros: 0 });
      }),
    );
  });
});

/** A tenant that asks for holds, spends from them, gives them back, and lives on over days and months. */
class Tenant {
  readonly #budget: Budget;
  nowMs = Date.UTC(2026, 10, 30, 12);
  held = 0;
  /** Charged by `total`, a month, a day. */
  readonly charged = new Map<string, number>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  #spent(time: string): number {
    return this.charged.get(time) ?? 0;
  }

  left(): number {
    const day = this.#spent(dayOf(this.nowMs));
    const month = this.#spent(monthOf(this.nowMs));
    const room = budgetRoom(this.#budget, spending(this.held, { total: this.#spent("total"), day, month }));
    return room?.leftMicros ?? Number.MAX_SAFE_INTEGER;
  }

  hold(micros: number): void {
    if (micros <= this.left()) this.held += micros;
  }

  charge(micros: number): void {
    const taken = Math.min(micros, this.held);
    this.held -= taken;
    for (const time of ["total", dayOf(this.nowMs), monthOf(this.nowMs)]) {
      this.charged.set(time, this.#spent(time) + taken);
    }
  }

  release(micros: number): void {
    this.held -= Math.min(micros, this.held);
  }

  /** Limits that were passed: none. */
  passed(): string[] {
    const { totalMicros, dayMicros, monthMicros } = this.#budget;
    const limitOf = (time: string) =>
      time === "total" ? totalMicros : time.length === "2026-11".length ? monthMicros : dayMicros;
    return [...this.charged]
      .filter(([time, spent]) => spent > (limitOf(time) ?? spent))
      .map(([time]) => time);
  }
}

const amount = fc.integer({ min: 1, max: 120 });
type Action = {
  /** `fill`: holds all that is left, which comes nearest to passing a limit. */
  readonly does: "hold" | "fill" | "charge" | "release" | "pass";
  readonly micros: number;
};
const action: fc.Arbitrary<Action> = fc.record({
  does: fc.constantFrom("hold", "fill", "charge", "release", "pass"),
  micros: amount,
});
const limit = fc.integer({ min: 0, max: 400 });
const life = fc.record({
  budget: fc.record({ total: limit, day: limit, month: limit }, { requiredKeys: [] }),
  actions: fc.array(action, { maxLength: 60, size: "max" }),
});

/** `pass`: so many tenths of an hour: days and months change while money is held. */
function live({
  budget,
  actions,
}: {
  readonly budget: Figures;
  readonly actions: readonly Action[];
}): Tenant {
  const tenant = new Tenant(aBudget(budget));
  for (const { does, micros } of actions) {
    if (does === "pass") tenant.nowMs += micros * 360_000;
    else if (does === "fill") tenant.hold(Math.min(tenant.left(), 1_000));
    else tenant[does](micros);
  }
  return tenant;
}

describe("a hold that fits", () => {
  test("never leads past any limit, whatever is charged from it, also over midnight and into the next month", () => {
    fc.assert(
      fc.property(life, (one) => {
        expect(live(one).passed()).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("is met by this property on several days, in both months, and with limits that are used up", () => {
    const lives = fc.sample(life, { numRuns: 300, seed: 1 }).map(live);
    const times = new Set(lives.flatMap((tenant) => [...tenant.charged.keys()]));
    expect(times.has("2026-11") && times.has("2026-12")).toBe(true);
    expect(lives.filter((tenant) => tenant.left() === 0 && tenant.charged.size > 3).length).toBeGreaterThan(
      20,
    );
  });
});
