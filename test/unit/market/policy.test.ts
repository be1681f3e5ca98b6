import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outputPrice } from "../../../src/market/agent.ts";
import { DEFAULT_MAX_STRATEGY_TOKENS, defaultWeights, salePolicy } from "../../../src/market/policy.ts";
import { anAgent, aPool } from "../../support/builders.ts";

const pools = fc.array(
  fc.integer({ min: 1, max: 25_000_000 }).map((micros) => anAgent({ price: micros / 1_000_000 })),
  { minLength: 1, maxLength: 24 },
);

describe("default weights", () => {
  test("of the paper's pool", () => {
    const weights = defaultWeights(aPool());
    // w_c = 0.1 / (0.36 · 300) = 0.1 / 108; w_j = 1 / (5 · 4) = 0.05.
    expect(weights.cost).toBeCloseTo(0.1 / 108, 15);
    expect(weights.juror).toBeCloseTo(0.05, 15);
    expect(weights.entropy).toBe(0.1);
  });

  test("300 tokens of the dearest agent cost 0.1, and a unanimous jury's full score is worth 1", () => {
    fc.assert(
      fc.property(pools, (pool) => {
        const weights = defaultWeights(pool);
        const dearest = Math.max(...pool.map(outputPrice));
        expect(weights.cost * dearest * 300).toBeCloseTo(0.1, 12);
        expect(weights.juror * 5 * pool.length).toBeCloseTo(1, 12);
      }),
    );
  });

  test("do not depend on the order of the pool", () => {
    fc.assert(
      fc.property(pools, (pool) => {
        expect(defaultWeights(pool.toReversed())).toEqual(defaultWeights(pool));
      }),
    );
  });

  test("a pool of free agents pays no cost", () => {
    expect(defaultWeights([anAgent({ price: 0 }), anAgent({ price: 0 })])).toEqual({
      cost: 0,
      entropy: 0.1,
      juror: 0.1,
    });
  });
});

test("the paper's policy carries its version and its pool's weights", () => {
  expect(salePolicy(aPool(), 3)).toEqual({
    name: "sale",
    version: 3,
    weights: defaultWeights(aPool()),
    maxStrategyTokens: DEFAULT_MAX_STRATEGY_TOKENS,
  });
});
