import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asMicros } from "../../../src/market/money.ts";
import { forecastOf, NO_TRACES, type TraceHistory } from "../../../src/market/sale/forecast.ts";

const agent = {
  prices: {
    inputMicrosPerMtok: 1_000_000,
    cachedInputMicrosPerMtok: 1_000_000,
    cacheWriteMicrosPerMtok: 1_000_000,
    outputMicrosPerMtok: 10_000_000,
  },
};
/** 100,000 tokens in, 10,000 out. */
const FIRST_GUESS = 200_000;

function historyOf(costs: readonly number[], more: Partial<TraceHistory> = {}): TraceHistory {
  const ln = costs.map((cost) => Math.log(cost));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    ...NO_TRACES,
    runs: costs.length,
    micros: asMicros(sum(costs)),
    logged: costs.length,
    lnMicros: sum(ln),
    lnMicrosSquared: sum(ln.map((value) => value ** 2)),
    ...more,
  };
}

describe("a forecast", () => {
  test("without history rests on the price alone, and says nothing of time, steps and chance", () => {
    const { costMicros, lowMicros, medianMicros, highMicros, capMicros, ...rest } = forecastOf(
      agent,
      NO_TRACES,
    );
    expect([costMicros, capMicros]).toEqual([FIRST_GUESS, 2 * FIRST_GUESS]);
    // Log-normal, σ = 1.2: the median is e^(-0.72) of the mean, the tenths e^(∓1.5379) of the median.
    expect([lowMicros, medianMicros, highMicros].map((micros) => micros / FIRST_GUESS)).toEqual([
      expect.closeTo(0.1046, 3),
      expect.closeTo(0.4868, 3),
      expect.closeTo(2.2657, 3),
    ]);
    expect(rest).toEqual({
      leastMicros: 0,
      medianMs: null,
      medianSteps: null,
      passChance: null,
      traces: 0,
      verified: 0,
    });
  });

  test("draws to what traces have cost, and its range to how they were spread", () => {
    const forecast = forecastOf(agent, historyOf(Array.from({ length: 998 }, () => 1_000)));
    expect(forecast.costMicros).toBe(Math.ceil((2 * FIRST_GUESS + 998_000) / 1_000));
    expect(forecast.lowMicros / forecast.medianMicros).toBeCloseTo(0.934, 2);
  });

  test("gives times and steps as the middle of three traces and more", () => {
    const lns = {
      lnMs: Math.log(1_000) + Math.log(10_000) + Math.log(100_000),
      lnSteps: Math.log(4 * 8 * 16),
    };
    const three = forecastOf(agent, historyOf([1, 1, 1], lns));
    expect([three.medianMs, three.medianSteps]).toEqual(
      [10_001, 9].map((most) => expect.toSatisfy((n: number) => n <= most && n >= most - 1)),
    );
    const two = forecastOf(agent, historyOf([1, 1], { lnMs: 14, lnSteps: 3 }));
    expect([two.medianMs, two.medianSteps]).toEqual([null, null]);
  });

  test.each([10, 12, 100, 500])("of traces that all took %i steps is that many steps", (steps) => {
    for (const traces of [3, 10, 1_000]) {
      const costs = Array.from({ length: traces }, () => 1);
      const lnSteps = costs.reduce((sum) => sum + Math.log(steps), 0);
      expect(forecastOf(agent, historyOf(costs, { lnSteps })).medianSteps).toBe(steps);
    }
  });

  test.each([
    [1, 0, 2 / 3],
    [0, 1, 1 / 3],
    [8, 2, 9 / 12],
  ])("after %i passes and %i fails has that chance", (passes, fails, chance) => {
    const { passChance, verified } = forecastOf(agent, historyOf([], { passes, fails }));
    expect(passChance).toBeCloseTo(chance, 12);
    expect(verified).toBe(passes + fails);
  });

  test("caps a trace at twice its cost, and where that takes no call of it, at a call and its wrap-up more", () => {
    const history = historyOf([1_000, 1_000]);
    const { costMicros } = forecastOf(agent, history);
    const capWith = (first: number) =>
      forecastOf(agent, history, { firstMicros: asMicros(first), wrapUpMicros: asMicros(10) }).capMicros;
    expect([0, costMicros - 10, costMicros - 9].map(capWith)).toEqual(
      [0, 0, 1].map((more) => 2 * costMicros + more),
    );
  });

  test("is in order, whatever came before", () => {
    const costs = fc.array(fc.integer({ min: 1, max: 1e10 }), { maxLength: 40 });
    fc.assert(
      fc.property(costs, (all) => {
        const { lowMicros, medianMicros, highMicros, costMicros, capMicros } = forecastOf(
          agent,
          historyOf(all),
        );
        expect(lowMicros).toBeLessThanOrEqual(medianMicros);
        expect(medianMicros).toBeLessThanOrEqual(highMicros);
        expect(medianMicros).toBeLessThanOrEqual(costMicros);
        expect(capMicros).toBe(2 * costMicros);
      }),
    );
  });
});
