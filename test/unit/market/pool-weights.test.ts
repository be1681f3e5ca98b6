/** Weights that were made for another pool than the one at hand. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AgentId } from "../../../src/market/ids.ts";
import type { Weights } from "../../../src/market/policy.ts";
import { weightsOver } from "../../../src/market/pool-weights.ts";
import { scoreBid, type BidFigures, type JurorVerdict } from "../../../src/market/score.ts";
import { agentId, aPool } from "../../support/builders.ts";
import { SALE_RULES } from "./support/arbitraries.ts";

const [TINY, SMALL, MEDIUM, LARGE] = aPool().map(({ id }) => id) as [AgentId, AgentId, AgentId, AgentId];
const of = (jurors: Weights["jurors"]): Weights => ({ cost: 0.001, entropy: 0.2, jurors });

test("of this very pool are as they are", () => {
  const weights = of({ [LARGE]: 0.4, [TINY]: 0.1, [SMALL]: 0, [MEDIUM]: 0.3 });
  expect(weightsOver(aPool(), weights)).toBe(weights);
});

test("without any juror stay without: the jury was given no say", () => {
  expect(weightsOver(aPool(), of({}))).toEqual(of({}));
});

test("a juror that is gone leaves its weight to the others, in proportion", () => {
  const pool = aPool().slice(0, 3);
  const { jurors } = weightsOver(pool, of({ [TINY]: 0.1, [SMALL]: 0.2, [MEDIUM]: 0.1, [LARGE]: 0.4 }));
  expect(Object.keys(jurors)).toEqual([TINY, SMALL, MEDIUM]);
  expect(jurors[TINY]).toBeCloseTo(0.2, 12);
  expect(jurors[SMALL]).toBeCloseTo(0.4, 12);
});

test("a new juror gets the usual weight, and the jury as a whole weighs what it did", () => {
  const { cost, entropy, jurors } = weightsOver(aPool(), of({ [TINY]: 0.1, [SMALL]: 0.2, [MEDIUM]: 0.3 }));
  expect({ cost, entropy }).toEqual({ cost: 0.001, entropy: 0.2 });
  // 0.2 is the mean: together 0.8, scaled back to 0.6.
  expect(jurors[LARGE]).toBeCloseTo(0.15, 12);
  expect(jurors[MEDIUM]).toBeCloseTo(0.225, 12);
});

test("jurors who are all that is left and weighed nothing speak with one voice each", () => {
  const { jurors } = weightsOver(aPool().slice(0, 2), of({ [TINY]: 0, [SMALL]: 0, [LARGE]: 0.4 }));
  expect(jurors).toEqual({ [TINY]: 0.2, [SMALL]: 0.2 });
});

const weight = fc.double({ min: 0, max: 1, noNaN: true });
const someone = fc.nat(9).map((n) => agentId(String(n)));
const pools = fc.uniqueArray(someone, { minLength: 1, maxLength: 8 }).map((ids) => ids.map((id) => ({ id })));

test("name exactly the pool and sum to what they summed to, whoever came and went", () => {
  fc.assert(
    fc.property(pools, fc.dictionary(someone, weight, { minKeys: 1 }), (pool, jurors) => {
      const over = weightsOver(pool, of(jurors)).jurors;
      expect(Object.keys(over).toSorted()).toEqual(pool.map(({ id }) => id).toSorted());
      const sum = (record: Readonly<Record<string, number>>) =>
        Object.values(record).reduce((total, one) => total + one, 0);
      // To rounding, which grows with what is added up.
      expect(Math.abs(sum(over) - sum(jurors))).toBeLessThanOrEqual(1e-12 * (1 + sum(jurors)));
    }),
  );
});

test("score as the auction scores bids when a juror left: a barred agent and a lost juror weigh the same", () => {
  const jurors = { [TINY]: 0.1, [SMALL]: 0.2, [MEDIUM]: 0.15, [LARGE]: 0.4 };
  const verdicts: JurorVerdict[] = [TINY, SMALL, MEDIUM].map((jurorId, at) => ({
    jurorId,
    scores: { [TINY]: at + 1, [SMALL]: 3 - at, [MEDIUM]: 2 },
  }));
  const bid: BidFigures = { agentId: TINY, price: 0.05, tokens: 100, entropy: null };
  const terms = { entropyUsed: false, jurors: [TINY, SMALL, MEDIUM] };
  const scored = (weights: Weights) => scoreBid(bid, { weights, rules: SALE_RULES, terms, verdicts }).score;
  expect(scored(weightsOver(aPool().slice(0, 3), of(jurors)))).toBeCloseTo(scored(of(jurors)), 12);
});
