/** The score of one bid and the terms of an auction, by hand from auction.md, "Paper" 2 and 3. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyTerms, scoreBid, type BidFigures, type JurorVerdict } from "../../../src/market/score.ts";
import { agentId } from "../../support/builders.ts";
import { auctions, someEntropy } from "./support/arbitraries.ts";

const A = agentId("a");
const B = agentId("b");
const C = agentId("c");
const WEIGHTS = { cost: 0.001, entropy: 0.1, juror: 0.05 };

const bidOf = (id: typeof A, fields: Partial<BidFigures> = {}): BidFigures => ({
  agentId: id,
  price: 0.16,
  tokens: 250,
  entropy: 0.4,
  ...fields,
});
const juror = (id: typeof A, scores: JurorVerdict["scores"]): JurorVerdict => ({ jurorId: id, scores });

describe("the score of a bid", () => {
  test("is cost minus value", () => {
    const bids = [bidOf(A)];
    const verdicts = [juror(A, { [A]: 4 }), juror(B, { [A]: 5 })];
    const scored = scoreBid(bidOf(A), WEIGHTS, applyTerms(WEIGHTS, 2, bids, verdicts), verdicts);
    // C = 0.001 · 0.16 · 250 = 0.04; w_h·H = 0.1 · 0.4 = 0.04; Σ w_j·γ = 0.05 · (4 + 5) = 0.45.
    expect(scored.cost).toBeCloseTo(0.04, 12);
    expect(scored.entropyValue).toBeCloseTo(0.04, 12);
    expect(scored.juryValue).toBeCloseTo(0.45, 12);
    expect(scored.score).toBeCloseTo(0.04 - (0.04 + 0.45), 12);
    expect(scored).toMatchObject(bidOf(A));
  });

  test("does not depend, to the last bit, on which juror answered first", () => {
    fc.assert(
      fc.property(auctions({ minJurors: 2 }), ({ policy, poolOrder, bids, verdicts }) => {
        const other = verdicts.toReversed();
        for (const bid of bids) {
          const terms = applyTerms(policy.weights, poolOrder.length, bids, verdicts);
          const reversed = applyTerms(policy.weights, poolOrder.length, bids, other);
          expect(scoreBid(bid, policy.weights, reversed, other)).toEqual(
            scoreBid(bid, policy.weights, terms, verdicts),
          );
        }
      }),
    );
  });
});

describe("the terms of an auction", () => {
  test("a full jury has w_j each", () => {
    const bids = [bidOf(A), bidOf(B)];
    const scores = { [A]: 3, [B]: 4 };
    const terms = applyTerms(WEIGHTS, 3, bids, [juror(A, scores), juror(B, scores), juror(C, scores)]);
    expect(terms.jurorWeights[A]).toBeCloseTo(0.05, 15);
    expect(terms.jurorWeights[B]).toBeCloseTo(0.05, 15);
    expect(terms.jurorWeights[C]).toBeCloseTo(0.05, 15);
  });

  test("a lost juror's weight goes to the others in proportion", () => {
    const scores = { [A]: 3 };
    const terms = applyTerms(WEIGHTS, 3, [bidOf(A)], [juror(A, scores), juror(C, scores)]);
    // 3 · 0.05 over two: 0.075 each.
    expect(Object.keys(terms.jurorWeights).toSorted()).toEqual([A, C]);
    expect(terms.jurorWeights[A]).toBeCloseTo(0.075, 15);
    expect(terms.jurorWeights[C]).toBeCloseTo(0.075, 15);
  });

  test("a juror that did not score every bid has left: never a silent 0", () => {
    const bids = [bidOf(A), bidOf(B)];
    const verdicts = [juror(A, { [A]: 5, [B]: 5 }), juror(B, { [A]: 5 })];
    const terms = applyTerms(WEIGHTS, 2, bids, verdicts);
    expect(Object.keys(terms.jurorWeights)).toEqual([A]);
    // 2 · 0.05 · 5 from the one that stayed: both bids are worth the same.
    for (const bid of bids) expect(scoreBid(bid, WEIGHTS, terms, verdicts).juryValue).toBeCloseTo(0.5, 12);
  });

  test("a juror may score 0, and stays", () => {
    const terms = applyTerms(WEIGHTS, 1, [bidOf(A)], [juror(A, { [A]: 0 })]);
    expect(terms.jurorWeights).toEqual({ [A]: 0.05 });
  });

  test("whoever is left, the jury weighs |A| · w_j, shared equally; with nobody left, nothing", () => {
    fc.assert(
      fc.property(auctions(), ({ policy, poolOrder, bids, verdicts }) => {
        const { jurorWeights } = applyTerms(policy.weights, poolOrder.length, bids, verdicts);
        const shares = Object.values(jurorWeights);
        expect(Object.keys(jurorWeights).toSorted()).toEqual(verdicts.map((v) => v.jurorId).toSorted());
        const total = shares.reduce((sum, share) => sum + share, 0);
        const wanted = verdicts.length === 0 ? 0 : policy.weights.juror * poolOrder.length;
        expect(total).toBeCloseTo(wanted, 9);
        expect(new Set(shares).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("entropy counts where every bidder has it", () => {
    fc.assert(
      fc.property(auctions({ entropy: someEntropy }), ({ policy, poolOrder, bids, verdicts }) => {
        const terms = applyTerms(policy.weights, poolOrder.length, bids, verdicts);
        expect(terms.entropyUsed).toBe(true);
        for (const bid of bids) {
          const { entropyValue } = scoreBid(bid, policy.weights, terms, verdicts);
          expect(entropyValue).toBeCloseTo(policy.weights.entropy * (bid.entropy ?? Number.NaN), 12);
        }
      }),
    );
  });

  test("one bidder without entropy drops the term for all", () => {
    const bids = [bidOf(A, { entropy: 0.4 }), bidOf(B, { entropy: null }), bidOf(C, { entropy: 2 })];
    const terms = applyTerms(WEIGHTS, 3, bids, []);
    expect(terms.entropyUsed).toBe(false);
    expect(bids.map((bid) => scoreBid(bid, WEIGHTS, terms, []).entropyValue)).toEqual([0, 0, 0]);
  });

  test("an entropy of 0 is known, and keeps the term", () => {
    expect(applyTerms(WEIGHTS, 1, [bidOf(A, { entropy: 0 })], []).entropyUsed).toBe(true);
  });
});
