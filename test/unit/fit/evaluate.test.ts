import { describe, expect, test } from "vitest";
import { crossValidate, splitFolds } from "../../../src/market/fit/cross-validate.ts";
import { choosePriced, evaluate, meanCostMicros, tallyOf } from "../../../src/market/fit/evaluate.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { Weights } from "../../../src/market/policy.ts";
import { A, aTrainingAuction, aTrainingBid, B } from "./support.ts";

const BY_COST: Weights = { cost: 1, entropy: 0, jurors: { [A]: 0 } };
const BY_JUROR: Weights = { cost: 0, entropy: 0, jurors: { [A]: 1 } };

/** The juror prefers the dear agent, of which nothing is known. */
const unknownDear = aTrainingAuction(2, {
  bids: [
    aTrainingBid({ agentId: A, price: 1, scores: { [A]: 1 } }),
    aTrainingBid({ agentId: B, price: 2, scores: { [A]: 5 } }),
  ],
  outcomes: { [A]: "fail" },
  traceCostMicros: { [A]: asMicros(30) },
});

describe("evaluate", () => {
  test("counts winners by what is known of them, and costs only where they are known", () => {
    const auctions = [aTrainingAuction(1), unknownDear];
    expect(evaluate(BY_COST, auctions)).toEqual({
      auctions: 2,
      toPass: 1,
      toFail: 1,
      toUnknown: 0,
      knownCosts: 2,
      costMicros: 40,
    });
    const byJuror = evaluate(BY_JUROR, auctions);
    expect(byJuror).toMatchObject({ toPass: 1, toFail: 0, toUnknown: 1, knownCosts: 1 });
    expect(meanCostMicros(byJuror)).toBe(10);
    expect(meanCostMicros(evaluate(BY_JUROR, []))).toBeNull();
  });

  test("a tie goes to the cheaper agent, as the market clears", () => {
    expect(evaluate({ cost: 0, entropy: 0, jurors: {} }, [unknownDear])).toMatchObject({ toFail: 1 });
  });

  test("the dearest and the cheapest bidder", () => {
    expect(tallyOf([aTrainingAuction(1)], choosePriced("dearest"))).toMatchObject({
      toFail: 1,
      costMicros: 40,
    });
    expect(tallyOf([aTrainingAuction(1)], choosePriced("cheapest"))).toMatchObject({
      toPass: 1,
      costMicros: 10,
    });
  });
});

describe("cross-validation", () => {
  const auctions = Array.from({ length: 32 }, (_, n) => aTrainingAuction(n));

  test("folds split the auctions, differ by one at most, and depend on ids alone", () => {
    const folds = splitFolds(auctions, 5);
    expect(folds.map((fold) => fold.length).toSorted((a, b) => a - b)).toEqual([6, 6, 6, 7, 7]);
    expect(new Set(folds.flat()).size).toBe(32);
    expect(splitFolds(auctions.toReversed(), 5)).toEqual(folds);
  });

  test("every auction is judged once, by weights that have not seen it", async () => {
    const seen: number[] = [];
    const { tally, unfitted } = await crossValidate({
      auctions,
      fallback: BY_COST,
      fit: async (training) => {
        seen.push(training.length);
        return seen.length === 1 ? null : BY_JUROR;
      },
    });
    expect(seen.toSorted((a, b) => a - b)).toEqual([25, 25, 26, 26, 26]);
    expect(tally.auctions).toBe(32);
    expect(unfitted).toBe(1);
  });
});
