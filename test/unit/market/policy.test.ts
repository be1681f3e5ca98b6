import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outputPrice, type Agent } from "../../../src/market/agent.ts";
import { defaultWeights, makePolicy, type Weights } from "../../../src/market/policy.ts";
import { agentId, anAgent, aPool } from "../../support/builders.ts";
import { SALE_RULES } from "./support/arbitraries.ts";

const pools: fc.Arbitrary<Agent[]> = fc
  .array(fc.integer({ min: 1, max: 25_000_000 }), { minLength: 1, maxLength: 24 })
  .map((prices) => prices.map((micros, at) => anAgent({ id: `agt_${at}`, price: micros / 1_000_000 })));

describe("default weights", () => {
  test("of the paper's pool", () => {
    const { cost, entropy, jurors } = defaultWeights(aPool());
    // w_c = 0.1 / (0.36 · 300) = 0.1 / 108; w_j = 1 / (5 · 4) = 0.05.
    expect(cost).toBeCloseTo(0.1 / 108, 15);
    expect(entropy).toBe(0.1);
    expect(Object.keys(jurors).toSorted()).toEqual(
      aPool()
        .map((agent) => agent.id)
        .toSorted(),
    );
    for (const own of Object.values(jurors)) expect(own).toBeCloseTo(0.05, 15);
  });

  test("300 tokens of the dearest agent cost 0.1, and a unanimous jury's full score is worth 1", () => {
    fc.assert(
      fc.property(pools, (pool) => {
        const { cost, jurors } = defaultWeights(pool);
        const dearest = Math.max(...pool.map(outputPrice));
        expect(cost * dearest * 300).toBeCloseTo(0.1, 12);
        expect(Object.values(jurors).reduce((sum, own) => sum + 5 * own, 0)).toBeCloseTo(1, 12);
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
    const pool = [anAgent({ id: "agt_a", price: 0 }), anAgent({ id: "agt_b", price: 0 })];
    expect(defaultWeights(pool)).toEqual({
      cost: 0,
      entropy: 0.1,
      jurors: { [agentId("a")]: 0.1, [agentId("b")]: 0.1 },
    });
  });
});

describe("a policy", () => {
  const options = { name: "sale", rules: SALE_RULES, pool: aPool(), version: 3 };

  test("carries its name, version and rules, and its pool's default weights", () => {
    expect(makePolicy(options)).toEqual({
      name: "sale",
      version: 3,
      rules: SALE_RULES,
      weights: defaultWeights(aPool()),
      maxStrategyTokens: 600,
    });
    expect(makePolicy({ ...options, weights: null })).toEqual(makePolicy(options));
  });

  test("takes fitted weights as they are", () => {
    const weights: Weights = { cost: 1, entropy: 2, jurors: { [agentId("tiny")]: 3 } };
    expect(makePolicy({ ...options, weights }).weights).toEqual(weights);
  });
});
