/** The score of one bid and the terms of an auction, by hand from auction.md, "Paper" 2 and 3. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyTerms, scoreBid, type BidFigures, type JurorVerdict } from "../../../src/market/score.ts";
import type { Weights } from "../../../src/market/policy.ts";
import { agentId } from "../../support/builders.ts";
import { auctions, SALE_RULES, someEntropy, type AuctionRules } from "./support/arbitraries.ts";

const A = agentId("a");
const B = agentId("b");
const C = agentId("c");
/** Jurors that weigh 0.1, 0.2 and 0.3: 0.6 together. */
const WEIGHTS: Weights = { cost: 0.001, entropy: 0.1, jurors: { [A]: 0.1, [B]: 0.2, [C]: 0.3 } };
const NO_SELF: AuctionRules = { ...SALE_RULES, jury: { form: "batched", size: null, self: false } };

const bidOf = (id: typeof A, fields: Partial<BidFigures> = {}): BidFigures => ({
  agentId: id,
  price: 0.16,
  tokens: 250,
  entropy: 0.4,
  ...fields,
});
const juror = (id: typeof A, scores: JurorVerdict["scores"]): JurorVerdict => ({ jurorId: id, scores });

/** The score of one bid that was judged alone. */
function scored(
  bid: BidFigures,
  verdicts: readonly JurorVerdict[],
  { rules = SALE_RULES, weights = WEIGHTS }: { rules?: AuctionRules; weights?: Weights } = {},
): ReturnType<typeof scoreBid> {
  return scoreBid(bid, { weights, rules, verdicts, terms: applyTerms(rules, [bid], verdicts) });
}

/** What all three jurors say of one bid: 5, 4 and 1. */
const verdictsOn = (bidder: typeof A) => [
  juror(A, { [bidder]: 5 }),
  juror(B, { [bidder]: 4 }),
  juror(C, { [bidder]: 1 }),
];
const without = (gone: typeof A, verdicts: readonly JurorVerdict[]) =>
  verdicts.filter((verdict) => verdict.jurorId !== gone);

describe("the score of a bid", () => {
  test("is cost minus value", () => {
    const bid = scored(bidOf(A), verdictsOn(A));
    // C = 0.001 · 0.16 · 250 = 0.04; w_h·H = 0.1 · 0.4 = 0.04; Σ w_j·γ = 0.1·5 + 0.2·4 + 0.3·1 = 1.6.
    expect(bid.cost).toBeCloseTo(0.04, 12);
    expect(bid.entropyValue).toBeCloseTo(0.04, 12);
    expect(bid.juryValue).toBeCloseTo(1.6, 12);
    expect(bid.score).toBeCloseTo(0.04 - (0.04 + 1.6), 12);
    expect(bid).toMatchObject(bidOf(A));
  });

  test("does not depend, to the last bit, on which juror answered first", () => {
    fc.assert(
      fc.property(auctions({ minJurors: 2 }), ({ policy: { weights }, first: { bids, verdicts } }) => {
        const other = verdicts.toReversed();
        for (const bid of bids) {
          expect(scored(bid, other, { weights })).toEqual(scored(bid, verdicts, { weights }));
        }
      }),
    );
  });

  test("does not depend, to the last bit, on the order in which the jurors' weights are written down", () => {
    // 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 are two numbers. A receipt may be read back with its keys sorted.
    const jurors = Object.fromEntries(Object.entries(WEIGHTS.jurors).toReversed());
    const weights = { ...WEIGHTS, jurors };
    expect(scored(bidOf(A), verdictsOn(A), { weights })).toEqual(scored(bidOf(A), verdictsOn(A)));
  });
});

describe("the weight of a juror that does not judge a bid goes to the others in proportion", () => {
  test("where it left", () => {
    // A and C remain with 0.4 of 0.6: (0.1·5 + 0.3·1) · 0.6/0.4 = 1.2.
    expect(scored(bidOf(A), without(B, verdictsOn(A))).juryValue).toBeCloseTo(1.2, 12);
    // B and C: (0.2·4 + 0.3·1) · 0.6/0.5 = 1.32.
    expect(scored(bidOf(A), without(A, verdictsOn(A))).juryValue).toBeCloseTo(1.32, 12);
    // C alone: 0.3·1 · 0.6/0.3 = 0.6.
    expect(scored(bidOf(A), [juror(C, { [A]: 1 })]).juryValue).toBeCloseTo(0.6, 12);
  });

  test("where it may not judge itself", () => {
    // Of A judge B and C: (0.8 + 0.3) · 0.6/0.5 = 1.32; of B judge A and C: (0.5 + 0.3) · 0.6/0.4 = 1.2;
    // of C judge A and B: (0.5 + 0.8) · 0.6/0.3 = 2.6.
    const values = [A, B, C].map((id) => scored(bidOf(id), verdictsOn(id), { rules: NO_SELF }).juryValue);
    for (const [at, wanted] of [1.32, 1.2, 2.6].entries()) expect(values[at]).toBeCloseTo(wanted, 12);
  });

  test("where it may not judge itself and another left", () => {
    // Of A judges C alone, B having left: 0.3·1 · 0.6/0.3.
    const verdicts = without(B, verdictsOn(A));
    expect(scored(bidOf(A), verdicts, { rules: NO_SELF }).juryValue).toBeCloseTo(0.6, 12);
  });

  test("where it was not drawn: each bid by those that judged it", () => {
    // C was drawn and gives both 1; A and B judged themselves alone.
    const verdicts = [juror(A, { [A]: 5 }), juror(B, { [B]: 4 }), juror(C, { [A]: 1, [B]: 1 })];
    // (0.1·5 + 0.3·1) · 0.6/0.4 = 1.2; (0.2·4 + 0.3·1) · 0.6/0.5 = 1.32.
    expect(scored(bidOf(A), verdicts).juryValue).toBeCloseTo(1.2, 12);
    expect(scored(bidOf(B), verdicts).juryValue).toBeCloseTo(1.32, 12);
  });

  test("so that a unanimous jury is worth the same whoever is left of it", () => {
    const setting = fc.record({
      own: fc.tuple(...[A, B, C].map(() => fc.double({ min: 0.01, max: 1, noNaN: true }))),
      left: fc.subarray([A, B, C], { minLength: 1 }),
      points: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(setting, ({ own, left, points }) => {
        const jurors = Object.fromEntries([A, B, C].map((id, at) => [id, own[at] ?? 0]));
        const verdicts = left.map((id) => juror(id, { [A]: points }));
        const { juryValue } = scored(bidOf(A), verdicts, { weights: { ...WEIGHTS, jurors } });
        expect(juryValue).toBeCloseTo(points * own.reduce((sum, one) => sum + one, 0), 9);
      }),
    );
  });

  test("and a score of 0 counts as one", () => {
    // (0.1·5 + 0.2·4 + 0.3·0) of 0.6, not 1.3 · 0.6/0.3.
    const verdicts = [...without(C, verdictsOn(A)), juror(C, { [A]: 0 })];
    expect(scored(bidOf(A), verdicts).juryValue).toBeCloseTo(1.3, 12);
  });
});

describe("never a silent 0", () => {
  test("for a bid that nobody was left to judge, while others were judged", () => {
    // B's only other juror, A, left: B is not a bid that the jury gave 0.
    const verdicts = [juror(B, { [A]: 1, [B]: 5 })];
    const two: Weights = { ...WEIGHTS, jurors: { [A]: 0.3, [B]: 0.3 } };
    const terms = applyTerms(NO_SELF, [bidOf(A), bidOf(B)], verdicts);
    const context = { weights: two, rules: NO_SELF, terms, verdicts };
    const unjudged = scoreBid(bidOf(B), context).juryValue;
    const given0 = [...verdicts, juror(A, { [A]: 5, [B]: 0 })];
    const judged = scoreBid(bidOf(B), { ...context, verdicts: given0, terms: { ...terms, jurors: [A, B] } });
    expect(judged.juryValue).toBe(0);
    expect(unjudged).not.toBe(0);
  });

  test("where the jurors that are left weigh 0, as fitted weights may", () => {
    const weights: Weights = { ...WEIGHTS, jurors: { [A]: 0.6, [B]: 0, [C]: 0 } };
    const verdicts = [juror(B, { [A]: 4 }), juror(C, { [A]: 4 })];
    expect(scored(bidOf(A), verdicts, { weights }).juryValue).toBeCloseTo(4 * 0.6, 12);
  });
});

describe("without a jury", () => {
  test("no verdict counts, and no juror is listed", () => {
    const rules: AuctionRules = { ...SALE_RULES, jury: null };
    expect(applyTerms(rules, [bidOf(A)], verdictsOn(A)).jurors).toEqual([]);
    expect(scored(bidOf(A), verdictsOn(A), { rules }).juryValue).toBe(0);
  });
});

describe("the terms of an auction", () => {
  test("list the jurors whose verdicts count, by id", () => {
    expect(applyTerms(SALE_RULES, [bidOf(A)], verdictsOn(A).toReversed()).jurors).toEqual([A, B, C]);
  });

  test("entropy counts where every bidder has it and the policy wants it", () => {
    fc.assert(
      fc.property(auctions({ entropy: someEntropy }), ({ policy, first: { bids, verdicts } }) => {
        for (const entropy of [true, false]) {
          const rules = { ...SALE_RULES, entropy };
          const terms = applyTerms(rules, bids, verdicts);
          expect(terms.entropyUsed).toBe(entropy);
          for (const bid of bids) {
            const { entropyValue } = scoreBid(bid, { weights: policy.weights, rules, terms, verdicts });
            const wanted = entropy ? policy.weights.entropy * (bid.entropy ?? Number.NaN) : 0;
            expect(entropyValue).toBeCloseTo(wanted, 12);
          }
        }
      }),
    );
  });

  test("one bidder without entropy drops the term for all", () => {
    const bids = [bidOf(A, { entropy: 0.4 }), bidOf(B, { entropy: null }), bidOf(C, { entropy: 2 })];
    const terms = applyTerms(SALE_RULES, bids, []);
    expect(terms.entropyUsed).toBe(false);
    const context = { weights: WEIGHTS, rules: SALE_RULES, terms, verdicts: [] };
    expect(bids.map((bid) => scoreBid(bid, context).entropyValue)).toEqual([0, 0, 0]);
  });

  test("an entropy of 0 is known, and keeps the term", () => {
    expect(applyTerms(SALE_RULES, [bidOf(A, { entropy: 0 })], []).entropyUsed).toBe(true);
  });
});
