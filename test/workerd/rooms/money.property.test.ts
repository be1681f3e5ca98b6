/**
 * A tenant's money under any interleaving of admissions, calls, bills, awards, ends, escalations, cancels and deaths: no budget is
 * passed, the books always add up, and what the providers were asked is in them once.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Budget } from "../../../src/market/ledger/budget.ts";
import { usdToMicros } from "../../../src/market/money.ts";
import { useStoppedClock } from "./market-day.ts";
import type { Fate } from "./money-provider.ts";
import type { CallMade } from "./money-task.ts";
import { MoneyWorld } from "./money-world.ts";

const clock = useStoppedClock();

const pick = fc.nat({ max: 7 });
const fate = fc.constantFrom<Fate>(
  { billed: 0.1 },
  { billed: 0.4 },
  { billed: 1 },
  // Beyond the bound: the house pays what is over.
  { billed: 1.5 },
  "refused",
  "unconfirmed",
  "silence",
);
const bound = fc.constantFrom(1, 2_000, 60_000, 250_000);
const cap = fc.constantFrom(null, null, 0.35, 0.6);
/** An admission holds about 0.27 USD: between one and a few of them fit. */
const budget = fc.constantFrom(0.2, 0.5, 0.9, 2, null).map((usd): Budget => ({
  totalMicros: usd === null ? null : usdToMicros(usd),
  dayMicros: usd === null ? null : usdToMicros(usd * 0.8),
  monthMicros: null,
}));
const outcome = fc.constantFrom("pass", "fail", "fail");
const call = fc.record({ bound, fate, late: fc.constantFrom(null, null, "waits" as const, "held" as const) });
const wait = fc.constantFrom(1_000, 20_000, 86_400_000);

/** One stage after the other, with nothing between: by single moves few tasks come to their verdicts. */
async function hurry(world: MoneyWorld, p: number, o: "pass" | "fail", dies: boolean): Promise<void> {
  await world.begin(p);
  await world.clear(p);
  await world.take(p);
  await world.finish(p, o, dies);
}

/** The same, up to a call of its trace. */
async function hurryToCall(world: MoneyWorld, p: number, made: CallMade): Promise<void> {
  await world.begin(p);
  await world.clear(p);
  await world.take(p);
  await world.step(p, made);
}

/** One call of the world's methods, shown as such where a run fails. */
interface Move {
  readonly act: (world: MoneyWorld) => Promise<void>;
  readonly [fc.toStringMethod]: () => string;
}
const move = <T extends unknown[]>(
  weight: number,
  arguments_: { [At in keyof T]: fc.Arbitrary<T[At]> },
  made: (world: MoneyWorld, ...values: T) => Promise<void>,
) => ({
  weight,
  arbitrary: fc.tuple<T>(...arguments_).map((values): Move => ({
    act: async (world) => made(world, ...values),
    [fc.toStringMethod]: () =>
      `${made.name.startsWith("hurry") ? made.name : /world\.(\w+)/.exec(made.toString())?.[1]}(${JSON.stringify(values).slice(1, -1)})`,
  })),
});

const shown = (name: string, act: Move["act"]): Move => ({ act, [fc.toStringMethod]: () => name });
const answerLate = (late: "waits" | "held") =>
  shown(late, async (world) => hurryToCall(world, 0, { bound: 2_000, fate: { billed: 0.4 }, late }));
const UNLIMITED: Budget = { totalMicros: null, dayMicros: null, monthMicros: null };

/** In every run answers come late: before another holder takes the trace up, and after. */
const seldom: [Budget, Move[]][] = [
  [
    UNLIMITED,
    [shown("admit", async (world) => world.admit(null, false)), answerLate("waits"), answerLate("held")],
  ],
];

const moves = fc.array(
  fc.oneof(
    move(5, [cap, fc.boolean()], async (world, usd, isQuote) => world.admit(usd, isQuote)),
    move(5, [pick], async (world, p) => world.begin(p)),
    move(4, [pick, bound], async (world, p, b) => world.startInAuction(p, b)),
    move(6, [pick, fate], async (world, p, f) => world.endInAuction(p, f)),
    move(5, [pick], async (world, p) => world.clear(p)),
    move(4, [pick], async (world, p) => world.accept(p)),
    move(5, [pick], async (world, p) => world.take(p)),
    move(8, [pick, call], async (world, p, made) => world.step(p, made)),
    move(3, [pick, outcome, fc.boolean()], async (world, p, o, dies) => world.finish(p, o, dies)),
    move(10, [pick, outcome, fc.boolean()], hurry),
    move(3, [pick, call], hurryToCall),
    move(2, [pick], async (world, p) => world.cancel(p)),
    move(3, [pick], async (world, p) => world.lapse(p)),
    move(1, [wait], async (world, ms) => world.pass(ms)),
    move(2, [pick], async (world, p) => world.evict(p)),
    move(1, [budget], async (world, b) => world.setBudget(b)),
  ),
  { minLength: 20, maxLength: 60 },
);

test("no interleaving passes a budget, loses a call or books one twice", { timeout: 300_000 }, async () => {
  const counts = { runs: 0, escalations: 0, belated: 0 };
  await fc.assert(
    fc.asyncProperty(budget, moves, async (first, made) => {
      const world = await MoneyWorld.open(clock, first);
      for (const one of made) {
        await one.act(world);
        await world.check();
      }
      await world.end();
      counts.runs += 1;
      counts.escalations += world.escalations;
      counts.belated += world.belated;
    }),
    { numRuns: 25, examples: seldom },
  );
  expect(counts.runs).toBeGreaterThan(0);
  expect(counts.escalations).toBeGreaterThan(0);
  expect(counts.belated).toBeGreaterThan(0);
});
