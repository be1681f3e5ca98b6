/** Clearing the first round by hand: one auction of the paper's pool, worked out in full, and the ways in which it may turn. */
import { describe, expect, test } from "vitest";
import { clearAuction, eligibleToRefine, rankFirstRound } from "../../../src/market/clear.ts";
import type { Policy } from "../../../src/market/policy.ts";
import { aPolicy } from "../../support/builders.ts";
import {
  AUCTION,
  BIDS,
  CANDIDATES,
  cleared,
  handPolicy,
  LARGE,
  MEDIUM,
  ranked,
  SMALL,
  TINY,
  VERDICTS,
} from "./support/hand-worked.ts";

const dearCost = handPolicy("sale", 0.003);

describe("an auction worked out by hand", () => {
  // C: tiny 0.001·0.05·400 = 0.020, small 0.027, medium 0.040, large 0.072.
  // w_h·H: 0.08, 0.06, 0.04, 0.02. Σ γ: 9, 14, 16, 18, times 0.05: 0.45, 0.70, 0.80, 0.90.
  test("the least cost minus value wins", () => {
    const { winner, round, provisionalWinner, refined, margin } = cleared();
    expect({ winner, round, provisionalWinner, refined }).toEqual({
      winner: LARGE,
      round: 1,
      provisionalWinner: LARGE,
      refined: null,
    });
    const { ranking, terms } = ranked();
    expect(ranking.map((bid) => bid.agentId)).toEqual([LARGE, MEDIUM, SMALL, TINY]);
    // 0.072 − 0.92, 0.040 − 0.84, 0.027 − 0.76, 0.020 − 0.53
    const wanted = [-0.848, -0.8, -0.733, -0.51];
    for (const [at, score] of wanted.entries()) expect(ranking[at]?.score).toBeCloseTo(score, 12);
    expect(margin).toBeCloseTo(0.048, 12);
    expect(terms).toEqual({ entropyUsed: true, jurors: [LARGE, MEDIUM, SMALL, TINY] });
  });

  test("a dearer cost sends it to a cheaper agent", () => {
    // C: 0.060, 0.081, 0.120, 0.216 → −0.470, −0.679, −0.720, −0.704.
    const { winner, margin } = cleared({ policy: dearCost });
    expect(winner).toBe(MEDIUM);
    expect(ranked({ policy: dearCost }).ranking.map((bid) => bid.agentId)).toEqual([
      MEDIUM,
      LARGE,
      SMALL,
      TINY,
    ]);
    expect(margin).toBeCloseTo(0.016, 12);
  });

  test("without one bidder's entropy the term is gone for all, and here the winner turns", () => {
    // −0.390, −0.619, −0.680, −0.684: the large one's small entropy no longer costs it the lead.
    const bids = BIDS.map((bid) => (bid.agentId === TINY ? { ...bid, entropy: null } : bid));
    const record = { policy: dearCost, first: { bids, verdicts: VERDICTS } };
    expect(ranked(record).terms.entropyUsed).toBe(false);
    expect(ranked(record).ranking.map((bid) => bid.entropyValue)).toEqual([0, 0, 0, 0]);
    const { winner, margin } = cleared(record);
    expect(winner).toBe(LARGE);
    expect(margin).toBeCloseTo(0.004, 12);
  });

  test("a lost juror's weight is redistributed: the others decide with the same voice", () => {
    // Without the large juror Σ γ: 8, 11, 12, 13, times 0.2/3:
    // 0.020 − 0.08 − 0.53333, 0.027 − 0.06 − 0.73333, 0.040 − 0.04 − 0.80, 0.072 − 0.02 − 0.86667
    const first = { bids: BIDS, verdicts: VERDICTS.slice(0, 3) };
    const wanted = [-0.814_666_667, -0.8, -0.766_333_333, -0.593_333_333];
    for (const [at, score] of wanted.entries()) {
      expect(ranked({ first }).ranking[at]?.score).toBeCloseTo(score, 8);
    }
    expect(cleared({ first }).margin).toBeCloseTo(0.014_666_667, 8);
  });

  test("with nobody left on the jury, cost and entropy decide", () => {
    // 0.020 − 0.08 = −0.060, −0.033, 0, 0.052
    const first = { bids: BIDS, verdicts: [] };
    expect(ranked({ first }).ranking.map((bid) => bid.agentId)).toEqual([TINY, SMALL, MEDIUM, LARGE]);
    expect(cleared({ first }).margin).toBeCloseTo(0.027, 12);
  });

  test("with the default weights of its pool", () => {
    // w_c = 0.1/108: C = 0.018519, 0.025, 0.037037, 0.066667; the rest as above: large by
    // (0.037037 − 0.84) − (0.066667 − 0.92) = 0.050370.
    const { winner, margin } = cleared({ policy: aPolicy() });
    expect(winner).toBe(LARGE);
    expect(margin).toBeCloseTo(0.050_370_370, 8);
  });
});

describe("few bids", () => {
  test("one is enough, and has no margin", () => {
    const first = { bids: BIDS.slice(1, 2), verdicts: VERDICTS };
    expect(cleared({ first })).toMatchObject({ winner: SMALL, round: 1, margin: null });
    expect(ranked({ first }).ranking).toHaveLength(1);
  });

  test("leave the jury its full weight: abstaining makes nobody else's value smaller", () => {
    // Four jurors of the pool judge two bids, with 0.05 each as ever: −0.733 and −0.8.
    const { ranking } = ranked({ first: { bids: BIDS.slice(1, 3), verdicts: VERDICTS } });
    expect(ranking.map((bid) => bid.agentId)).toEqual([MEDIUM, SMALL]);
    expect(ranking[0]?.score).toBeCloseTo(-0.8, 12);
    expect(ranking[1]?.score).toBeCloseTo(-0.733, 12);
  });

  test("none: the auction has no winner", () => {
    const none = { ...AUCTION, first: { bids: [], verdicts: [] } };
    expect(clearAuction(none)).toEqual({ ok: false, failure: { reason: "no_bids" } });
    expect(rankFirstRound(none)).toEqual({ ok: false, failure: { reason: "no_bids" } });
  });
});

describe("ties", () => {
  // No jury and no cost: every score is 0 − w_h · H.
  const free: Policy = handPolicy("sale", 0);
  const even = BIDS.map((bid) => ({ ...bid, entropy: 0.5 }));

  test("of the score go to the cheaper agent", () => {
    const pool = CANDIDATES.toReversed();
    const { winner, margin } = cleared({ policy: free, pool, first: { bids: even, verdicts: [] } });
    expect(winner).toBe(TINY);
    expect(margin).toBe(0);
  });

  test("of score and price go to the one that comes first in the pool, not among the bids", () => {
    const bids = even.map((bid) => ({ ...bid, price: 0.2 }));
    const order = [MEDIUM, LARGE, TINY, SMALL];
    const pool = order.map((agentId) => ({ agentId, price: 0.2 }));
    const { ranking } = ranked({ policy: free, pool, first: { bids, verdicts: [] } });
    expect(ranking.map((bid) => bid.agentId)).toEqual(order);
  });
});

describe("who may refine", () => {
  test("all that bid and are strictly cheaper than the provisional winner", () => {
    expect(eligibleToRefine(ranked())).toEqual([MEDIUM, SMALL, TINY]);
    expect(eligibleToRefine(ranked({ policy: dearCost }))).toEqual([SMALL, TINY]);
  });

  test("nobody where the cheapest leads", () => {
    expect(eligibleToRefine(ranked({ first: { bids: BIDS, verdicts: [] } }))).toEqual([]);
  });

  test("nobody at the provisional winner's own price", () => {
    const bids = BIDS.map((bid) => (bid.agentId === TINY ? bid : { ...bid, price: 0.36 }));
    expect(eligibleToRefine(ranked({ first: { bids, verdicts: VERDICTS } }))).toEqual([TINY]);
  });

  test("not who abstained, though cheaper", () => {
    const first = { bids: BIDS.slice(1), verdicts: VERDICTS };
    expect(eligibleToRefine(ranked({ first }))).toEqual([MEDIUM, SMALL]);
  });

  test("is known from the first round alone", () => {
    expect(rankFirstRound(AUCTION)).toEqual({ ok: true, value: ranked() });
  });
});
