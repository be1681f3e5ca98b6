/** What is set aside for a trace: a guess by the agent's price at first, the tenant's own history later. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  expectedTraceCost,
  TRACE_HOLD_MARGIN,
  traceHold,
  type TraceCosts,
} from "../../../../src/market/ledger/trace-hold.ts";
import { asMicros } from "../../../../src/market/money.ts";
import { anAgent, aPool } from "../../../support/builders.ts";

// USD per Mtok: input 0.18, output 0.36. 100,000 in and 10,000 out: 18,000 + 3,600 micro-USD.
const AGENT = anAgent({ price: 0.36 });
const GUESS = 21_600;

const costs = (runs: number, micros: number): TraceCosts => ({ runs, micros: asMicros(micros) });

const history = fc.record({
  runs: fc.nat({ max: 10_000 }),
  each: fc.nat({ max: 5_000_000 }),
});

describe("the expected cost of a trace", () => {
  test.each<[string, TraceCosts, number]>([
    ["is the guess where there is no history", costs(0, 0), GUESS],
    // (2 · 21,600 + 1,000) / 3 = 14,733.3
    ["counts the guess twice beside the first trace, rounded up", costs(1, 1_000), 14_734],
    // (2 · 21,600 + 1,000) / 4
    ["is half guess and half history after two", costs(2, 1_000), 11_050],
    // (43,200 + 98 · 1,000) / 100
    ["is near the history after many", costs(98, 98_000), 1_412],
    ["may be above the guess", costs(2, 200_000), 60_800],
  ])("%s", (_, known, expected) => {
    expect(expectedTraceCost(AGENT, known)).toBe(expected);
  });

  test("follows the agent's price: of agents without history the dearer one is expected to cost more", () => {
    const expected = aPool().map((agent) => expectedTraceCost(agent, costs(0, 0)));
    expect(expected).toEqual([3_000, 5_400, 9_600, 21_600]);
  });

  test("comes as near to the history as it is long: the guess weighs as much as two traces", () => {
    fc.assert(
      fc.property(history, ({ runs, each }) => {
        const expected = expectedTraceCost(AGENT, costs(runs, runs * each));
        const distance = (2 * Math.abs(GUESS - each)) / (2 + runs);
        expect(Math.abs(expected - each)).toBeLessThanOrEqual(distance + 1);
        expect(Math.abs(expected - each)).toBeGreaterThanOrEqual(distance - 1);
      }),
    );
  });

  test("lies between the guess and the history's mean", () => {
    fc.assert(
      fc.property(history, ({ runs, each }) => {
        const expected = expectedTraceCost(AGENT, costs(runs, runs * each));
        const [low, high] = each < GUESS ? [each, GUESS] : [GUESS, each];
        expect(expected).toBeGreaterThanOrEqual(runs === 0 ? GUESS : low);
        expect(expected).toBeLessThanOrEqual(high);
      }),
    );
  });

  test("grows with what traces cost", () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 5_000_000 }), ({ runs, each }, more) => {
        const [less, greater] = [each, each + more].map((cost) =>
          expectedTraceCost(AGENT, costs(runs, runs * cost)),
        );
        expect(greater).toBeGreaterThanOrEqual(less ?? 0);
      }),
    );
  });
});

describe("the hold for a trace", () => {
  test("is the expected cost with its margin", () => {
    expect(TRACE_HOLD_MARGIN).toBe(2);
    expect(traceHold(AGENT, costs(0, 0))).toBe(2 * GUESS);
    expect(traceHold(AGENT, costs(2, 1_000))).toBe(22_100);
  });

  test("goes to twice the mean of a long history", () => {
    fc.assert(
      fc.property(fc.nat({ max: 5_000_000 }), (each) => {
        const runs = 1_000_000;
        expect(Math.abs(traceHold(AGENT, costs(runs, runs * each)) - 2 * each)).toBeLessThanOrEqual(
          2 + (4 * Math.abs(GUESS - each)) / runs,
        );
      }),
    );
  });
});
