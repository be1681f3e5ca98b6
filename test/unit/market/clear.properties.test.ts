/** What must hold of the first round (auction.md, "Properties that must hold"), for any auction. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clearAuction, rankFirstRound, type AuctionRecord, type Ranking } from "../../../src/market/clear.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import type { BidFigures } from "../../../src/market/score.ts";
import {
  auctions,
  raised,
  refinedAuctions,
  SALE_RULES,
  someEntropy,
  withBid,
} from "./support/arbitraries.ts";

function firstRound(record: AuctionRecord): Ranking {
  const ranked = rankFirstRound(record);
  if (!ranked.ok) throw new Error("an auction with bids has a ranking");
  return ranked.value;
}

function leaderOf(record: AuctionRecord): AgentId {
  return firstRound(record).ranking[0]?.agentId as AgentId;
}

/** An auction with one of its bids. */
const withOneBid = fc
  .record({ record: auctions({ minBids: 1 }), at: fc.nat({ max: 5 }) })
  .map(({ record, at }) => {
    const { bids } = record.first;
    return { record, bid: bids[at % bids.length] as BidFigures };
  });

const anyAuction = fc.oneof(auctions({ minBids: 0 }), refinedAuctions());

describe("clearing", () => {
  test("is deterministic and changes none of its inputs", () => {
    fc.assert(
      fc.property(anyAuction, (record) => {
        const before = structuredClone(record);
        const first = clearAuction(record);
        expect(clearAuction(structuredClone(record))).toEqual(first);
        expect(record).toEqual(before);
      }),
    );
  });

  test("does not read the seed where an auction decides: draws are of who judges, not of who wins", () => {
    fc.assert(
      fc.property(anyAuction, fc.nat(), (record, seed) => {
        expect(clearAuction({ ...record, seed })).toEqual(clearAuction(record));
      }),
    );
  });
});

describe("the first round", () => {
  test("ranks every bid once, best first, and the winner leads", () => {
    fc.assert(
      fc.property(auctions(), (record) => {
        const cleared = clearAuction(record);
        if (!cleared.ok) throw new Error("an auction with bids clears");
        const { first, winner, provisionalWinner, margin } = cleared.value;
        const ranking = first?.ranking ?? [];
        expect(ranking.map((bid) => bid.agentId).toSorted()).toEqual(
          record.first.bids.map((bid) => bid.agentId).toSorted(),
        );
        expect(ranking[0]?.agentId).toBe(winner);
        expect(provisionalWinner).toBe(winner);
        for (const [at, bid] of ranking.entries()) {
          expect(bid.score).toBeGreaterThanOrEqual(ranking[at - 1]?.score ?? Number.NEGATIVE_INFINITY);
        }
        if (ranking.length > 1) expect(margin).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("raising only an agent's price never makes it win", () => {
    const raise = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constant(Number.EPSILON));
    fc.assert(
      fc.property(withOneBid, raise, ({ record, bid }, by) => {
        fc.pre(leaderOf(record) !== bid.agentId);
        expect(leaderOf(withBid(record, { ...bid, price: bid.price + by }))).not.toBe(bid.agentId);
      }),
    );
  });

  test("a longer strategy at the same price never makes an agent win", () => {
    fc.assert(
      fc.property(withOneBid, fc.nat({ max: 600 }), ({ record, bid }, by) => {
        fc.pre(leaderOf(record) !== bid.agentId);
        expect(leaderOf(withBid(record, { ...bid, tokens: bid.tokens + by }))).not.toBe(bid.agentId);
      }),
    );
  });

  test("raising only a juror's verdict for a bid never makes that bid lose", () => {
    const setting = fc.record({
      record: auctions({ minJurors: 1 }),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(setting, ({ record, at, by }) => {
        const bidder = leaderOf(record);
        const { verdicts } = record.first;
        const better = raised(verdicts, { at: at % verdicts.length, bidder, by });
        expect(leaderOf({ ...record, first: { ...record.first, verdicts: better } })).toBe(bidder);
      }),
    );
  });

  test("a bid that loses changes nothing by being there", () => {
    // Every bid has entropy: without, a loser may be the one that drops the term.
    const losing = auctions({ minBids: 2, entropy: someEntropy });
    fc.assert(
      fc.property(losing, fc.nat(), (record, at) => {
        const winner = leaderOf(record);
        const losers = record.first.bids.filter((bid) => bid.agentId !== winner);
        const gone = losers[at % losers.length]?.agentId;
        const bids = record.first.bids.filter((bid) => bid.agentId !== gone);
        expect(leaderOf({ ...record, first: { ...record.first, bids } })).toBe(winner);
      }),
    );
  });

  test("where one bid has no entropy, nobody's entropy matters", () => {
    const entropies = fc.array(fc.option(someEntropy), { minLength: 6, maxLength: 6 });
    const scoresOf = (record: AuctionRecord) =>
      firstRound(record).ranking.map((bid) => [bid.agentId, bid.score]);
    fc.assert(
      fc.property(withOneBid, entropies, ({ record, bid }, others) => {
        const without = withBid(record, { ...bid, entropy: null });
        const bids = without.first.bids.map((other, at) =>
          other.agentId === bid.agentId ? other : { ...other, entropy: others[at] ?? null },
        );
        expect(firstRound(without).terms.entropyUsed).toBe(false);
        expect(scoresOf({ ...without, first: { ...without.first, bids } })).toEqual(scoresOf(without));
      }),
    );
  });

  test("a policy without entropy decides as if no bidder had any", () => {
    const rules = fc.constant({ ...SALE_RULES, entropy: false });
    fc.assert(
      fc.property(auctions({ rules }), (record) => {
        const bids = record.first.bids.map((bid) => ({ ...bid, entropy: null }));
        const blind = { ...record, policy: { ...record.policy, rules: SALE_RULES } };
        expect(leaderOf({ ...blind, first: { ...record.first, bids } })).toBe(leaderOf(record));
      }),
    );
  });

  test("without self-assessment, what a juror says of itself changes nothing", () => {
    const rules = fc.constant({
      ...SALE_RULES,
      jury: { form: "batched" as const, size: null, self: false },
    });
    fc.assert(
      fc.property(auctions({ rules, minJurors: 1 }), fc.integer({ min: 0, max: 5 }), (record, own) => {
        const verdicts = record.first.verdicts.map(({ jurorId, scores }) => ({
          jurorId,
          scores: jurorId in scores ? { ...scores, [jurorId]: own } : scores,
        }));
        const changed = { ...record, first: { ...record.first, verdicts } };
        expect(firstRound(changed)).toEqual(firstRound(record));
      }),
    );
  });
});
