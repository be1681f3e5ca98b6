import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  featureWeights,
  rawFeatures,
  scoreWeights,
  standardizedFeatures,
} from "../../../src/market/fit/features.ts";
import { NARROW_POOL, trialAuctions } from "./synthetic-trial.ts";
import { A, aTrainingAuction } from "./support.ts";

const HALF = Math.SQRT1_2;

describe("features", () => {
  test("raw: π·|s|, −H, −γ", () => {
    const { auctions } = rawFeatures([aTrainingAuction(1)]);
    expect(auctions[0]?.bids.map(({ values }) => values)).toEqual([
      [100, -0.5, -5],
      [200, -0.5, -3],
    ]);
  });

  test("standardized, by hand: ∓50 around 150 over √5000, entropy without spread, ∓1 around −4 over √2", () => {
    const table = standardizedFeatures([aTrainingAuction(1)]);
    expect(table.scales).toEqual([Math.sqrt(5_000), 0, Math.SQRT2]);
    const [a, b] = table.auctions[0]?.bids ?? [];
    expect(a?.values[0]).toBeCloseTo(-HALF);
    expect(a?.values.slice(1)).toEqual([0, expect.closeTo(-HALF)]);
    expect(b?.values).toEqual([expect.closeTo(HALF), 0, expect.closeTo(HALF)]);
  });

  test("weights of features and of the score are each other's reverse, up to a factor", () => {
    const table = standardizedFeatures(trialAuctions({ pool: NARROW_POOL, count: 10, seed: 1 }));
    const weights = [0.1, 0.2, 0.4, 0.1, 0.1, 0.1];
    const back = featureWeights(table, scoreWeights(table, weights));
    expect(back).toEqual(weights.map((weight) => expect.closeTo(weight, 12)));
  });

  test("a feature without spread has weight 0, and weights on nothing else are none", () => {
    const table = standardizedFeatures([aTrainingAuction(1)]);
    expect(scoreWeights(table, [0.5, 0.5, 0]).entropy).toBe(0);
    expect(featureWeights(table, { cost: 0, entropy: 1, jurors: { [A]: 0 } })).toBeNull();
  });

  test("other units and a generous juror change nothing", () => {
    const auctions = trialAuctions({ pool: NARROW_POOL, count: 12, seed: 3 });
    const plain = standardizedFeatures(auctions);
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (factor, generosity) => {
          const scaled = standardizedFeatures(
            auctions.map((auction) => ({
              ...auction,
              bids: auction.bids.map((bid) => ({
                ...bid,
                price: bid.price * factor,
                scores: Object.fromEntries(
                  Object.entries(bid.scores).map(([juror, score]) => [juror, (score + generosity) * factor]),
                ),
              })),
            })),
          );
          for (const [at, { bids }] of scaled.auctions.entries()) {
            for (const [place, { values }] of bids.entries()) {
              const expected = plain.auctions[at]?.bids[place]?.values ?? [];
              expect(values).toEqual(expected.map((value) => expect.closeTo(value, 8)));
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
