/** Clearing by hand: one auction of the paper's pool, worked out in full, and the ways in which it may turn. */
import { describe, expect, test } from "vitest";
import { clearAuction, type AuctionRecord, type Clearing } from "../../../src/market/clear.ts";
import { salePolicy, type Policy } from "../../../src/market/policy.ts";
import type { BidFigures, JurorVerdict } from "../../../src/market/score.ts";
import { agentId, aPool } from "../../support/builders.ts";

const TINY = agentId("tiny");
const SMALL = agentId("small");
const MEDIUM = agentId("medium");
const LARGE = agentId("large");

// w_c = 0.001, w_h = 0.1, w_j = 0.05.
const POLICY: Policy = {
  ...salePolicy(aPool(), 1),
  weights: { cost: 0.001, entropy: 0.1, juror: 0.05 },
};
const BIDS: readonly BidFigures[] = [
  { agentId: TINY, price: 0.05, tokens: 400, entropy: 0.8 },
  { agentId: SMALL, price: 0.09, tokens: 300, entropy: 0.6 },
  { agentId: MEDIUM, price: 0.16, tokens: 250, entropy: 0.4 },
  { agentId: LARGE, price: 0.36, tokens: 200, entropy: 0.2 },
];
const scores = (tiny: number, small: number, medium: number, large: number) => ({
  [TINY]: tiny,
  [SMALL]: small,
  [MEDIUM]: medium,
  [LARGE]: large,
});
const VERDICTS: readonly JurorVerdict[] = [
  { jurorId: TINY, scores: scores(5, 4, 4, 4) },
  { jurorId: SMALL, scores: scores(2, 4, 4, 4) },
  { jurorId: MEDIUM, scores: scores(1, 3, 4, 5) },
  { jurorId: LARGE, scores: scores(1, 3, 4, 5) },
];
const AUCTION: AuctionRecord = {
  policy: POLICY,
  poolOrder: [TINY, SMALL, MEDIUM, LARGE],
  bids: BIDS,
  verdicts: VERDICTS,
};

function cleared(record: Partial<AuctionRecord>): Clearing {
  const clearing = clearAuction({ ...AUCTION, ...record });
  if (!clearing.ok) throw new Error(clearing.failure.reason);
  return clearing.value;
}

const dearCost: Policy = { ...POLICY, weights: { ...POLICY.weights, cost: 0.003 } };

describe("an auction worked out by hand", () => {
  // C: tiny 0.001·0.05·400 = 0.020, small 0.027, medium 0.040, large 0.072.
  // w_h·H: 0.08, 0.06, 0.04, 0.02. Σ γ: 9, 14, 16, 18, times 0.05: 0.45, 0.70, 0.80, 0.90.
  test("the least cost minus value wins", () => {
    const { winner, ranking, margin, terms } = cleared({});
    expect(winner).toBe(LARGE);
    expect(ranking.map((bid) => bid.agentId)).toEqual([LARGE, MEDIUM, SMALL, TINY]);
    // 0.072 − 0.92, 0.040 − 0.84, 0.027 − 0.76, 0.020 − 0.53
    const wanted = [-0.848, -0.8, -0.733, -0.51];
    for (const [at, score] of wanted.entries()) expect(ranking[at]?.score).toBeCloseTo(score, 12);
    expect(margin).toBeCloseTo(0.048, 12);
    expect(terms.entropyUsed).toBe(true);
  });

  test("a dearer cost sends it to a cheaper agent", () => {
    // C: 0.060, 0.081, 0.120, 0.216 → −0.470, −0.679, −0.720, −0.704.
    const { winner, ranking, margin } = cleared({ policy: dearCost });
    expect(winner).toBe(MEDIUM);
    expect(ranking.map((bid) => bid.agentId)).toEqual([MEDIUM, LARGE, SMALL, TINY]);
    expect(margin).toBeCloseTo(0.016, 12);
  });

  test("without one bidder's entropy the term is gone for all, and here the winner turns", () => {
    // −0.390, −0.619, −0.680, −0.684: the large one's small entropy no longer costs it the lead.
    const bids = BIDS.map((bid) => (bid.agentId === TINY ? { ...bid, entropy: null } : bid));
    const { winner, margin, terms } = cleared({ policy: dearCost, bids });
    expect(terms.entropyUsed).toBe(false);
    expect(winner).toBe(LARGE);
    expect(margin).toBeCloseTo(0.004, 12);
  });

  test("a lost juror's weight is redistributed: the others decide with the same voice", () => {
    // Without the large juror Σ γ: 8, 11, 12, 13, times 0.2/3:
    // 0.020 − 0.08 − 0.53333, 0.027 − 0.06 − 0.73333, 0.040 − 0.04 − 0.80, 0.072 − 0.02 − 0.86667
    const { ranking, margin } = cleared({ verdicts: VERDICTS.slice(0, 3) });
    const wanted = [-0.814_666_667, -0.8, -0.766_333_333, -0.593_333_333];
    for (const [at, score] of wanted.entries()) expect(ranking[at]?.score).toBeCloseTo(score, 8);
    expect(margin).toBeCloseTo(0.014_666_667, 8);
  });

  test("without a jury, cost and entropy decide", () => {
    // 0.020 − 0.08 = −0.060, −0.033, 0, 0.052
    const { winner, ranking, margin } = cleared({ verdicts: [] });
    expect(winner).toBe(TINY);
    expect(ranking.map((bid) => bid.agentId)).toEqual([TINY, SMALL, MEDIUM, LARGE]);
    expect(margin).toBeCloseTo(0.027, 12);
  });

  test("with the default weights of its pool", () => {
    // w_c = 0.1/108: C = 0.018519, 0.025, 0.037037, 0.066667; the rest as above: large by
    // (0.037037 − 0.84) − (0.066667 − 0.92) = 0.050370.
    const { winner, margin } = cleared({ policy: salePolicy(aPool(), 1) });
    expect(winner).toBe(LARGE);
    expect(margin).toBeCloseTo(0.050_370_370, 8);
  });
});

describe("few bids", () => {
  test("one is enough, and has no margin", () => {
    const { winner, ranking, margin } = cleared({ bids: BIDS.slice(1, 2) });
    expect(winner).toBe(SMALL);
    expect(ranking).toHaveLength(1);
    expect(margin).toBeNull();
  });

  test("leave the jury its full weight: abstaining makes nobody else's value smaller", () => {
    // Four jurors of the pool judge two bids, with 0.05 each as ever: −0.733 and −0.8.
    const { ranking } = cleared({ bids: BIDS.slice(1, 3) });
    expect(ranking.map((bid) => bid.agentId)).toEqual([MEDIUM, SMALL]);
    expect(ranking[0]?.score).toBeCloseTo(-0.8, 12);
    expect(ranking[1]?.score).toBeCloseTo(-0.733, 12);
  });

  test("none: the auction has no winner", () => {
    expect(clearAuction({ ...AUCTION, bids: [] })).toEqual({ ok: false, failure: { reason: "no_bids" } });
  });
});

describe("ties", () => {
  // No jury and no cost: every score is 0 − w_h · H.
  const free: Policy = { ...POLICY, weights: { cost: 0, entropy: 0.1, juror: 0.05 } };
  const even = BIDS.map((bid) => ({ ...bid, entropy: 0.5 }));

  test("of the score go to the cheaper agent", () => {
    const order = [LARGE, MEDIUM, SMALL, TINY];
    const { winner, margin } = cleared({ policy: free, bids: even, verdicts: [], poolOrder: order });
    expect(winner).toBe(TINY);
    expect(margin).toBe(0);
  });

  test("of score and price go to the one that comes first in the pool, not among the bids", () => {
    const bids = even.map((bid) => ({ ...bid, price: 0.2 }));
    const poolOrder = [MEDIUM, LARGE, TINY, SMALL];
    const { ranking } = cleared({ policy: free, bids, verdicts: [], poolOrder });
    expect(ranking.map((bid) => bid.agentId)).toEqual(poolOrder);
  });
});
