/** What must hold of clearing (auction.md, "Properties that must hold"), for any auction. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clearAuction, type AuctionRecord } from "../../../src/market/clear.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import type { BidFigures } from "../../../src/market/score.ts";
import { auctions, someEntropy, withBid } from "./support/arbitraries.ts";

function winnerOf(record: AuctionRecord): AgentId | null {
  const cleared = clearAuction(record);
  return cleared.ok ? cleared.value.winner : null;
}

/** An auction with one of its bids. */
const withOneBid = fc
  .record({ record: auctions({ minBids: 1 }), at: fc.nat({ max: 5 }) })
  .map(({ record, at }) => ({ record, bid: record.bids[at % record.bids.length] as BidFigures }));

describe("clearing", () => {
  test("is deterministic and changes none of its inputs", () => {
    fc.assert(
      fc.property(auctions({ minBids: 0 }), (record) => {
        const before = structuredClone(record);
        const first = clearAuction(record);
        expect(clearAuction(structuredClone(record))).toEqual(first);
        expect(record).toEqual(before);
      }),
    );
  });

  test("ranks every bid once, best first, and the winner leads", () => {
    fc.assert(
      fc.property(auctions(), (record) => {
        const cleared = clearAuction(record);
        if (!cleared.ok) throw new Error("an auction with bids clears");
        const { ranking, winner, margin } = cleared.value;
        expect(ranking.map((bid) => bid.agentId).toSorted()).toEqual(
          record.bids.map((bid) => bid.agentId).toSorted(),
        );
        expect(ranking[0]?.agentId).toBe(winner);
        for (const [at, bid] of ranking.entries()) {
          expect(bid.score).toBeGreaterThanOrEqual(ranking[at - 1]?.score ?? Number.NEGATIVE_INFINITY);
        }
        if (ranking.length > 1) expect(margin).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("does not depend on the order in which bids and verdicts came", () => {
    const shuffled = auctions().chain((record) =>
      fc.record({
        record: fc.constant(record),
        bids: fc.shuffledSubarray([...record.bids], { minLength: record.bids.length }),
        verdicts: fc.shuffledSubarray([...record.verdicts], { minLength: record.verdicts.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ record, bids, verdicts }) => {
        expect(clearAuction({ ...record, bids, verdicts })).toEqual(clearAuction(record));
      }),
    );
  });

  test("does not depend on the order of the pool, unless score and price are both equal", () => {
    const permuted = auctions({ minBids: 2 }).chain((record) =>
      fc.record({
        record: fc.constant(record),
        poolOrder: fc.shuffledSubarray([...record.poolOrder], { minLength: record.poolOrder.length }),
      }),
    );
    fc.assert(
      fc.property(permuted, ({ record, poolOrder }) => {
        const cleared = clearAuction(record);
        if (!cleared.ok) throw new Error("an auction with bids clears");
        const [first, second] = cleared.value.ranking;
        fc.pre(first?.score !== second?.score || first?.price !== second?.price);
        expect(winnerOf({ ...record, poolOrder })).toBe(cleared.value.winner);
      }),
    );
  });

  test("raising only an agent's price never makes it win", () => {
    const raise = fc.oneof(fc.double({ min: 0, max: 100, noNaN: true }), fc.constant(Number.EPSILON));
    fc.assert(
      fc.property(withOneBid, raise, ({ record, bid }, by) => {
        fc.pre(winnerOf(record) !== bid.agentId);
        expect(winnerOf(withBid(record, { ...bid, price: bid.price + by }))).not.toBe(bid.agentId);
      }),
    );
  });

  test("a longer strategy at the same price never makes an agent win", () => {
    fc.assert(
      fc.property(withOneBid, fc.nat({ max: 600 }), ({ record, bid }, by) => {
        fc.pre(winnerOf(record) !== bid.agentId);
        expect(winnerOf(withBid(record, { ...bid, tokens: bid.tokens + by }))).not.toBe(bid.agentId);
      }),
    );
  });

  test("raising only a juror's verdict for a bid never makes that bid lose", () => {
    const judged = fc
      .record({ record: auctions({ minJurors: 1 }), at: fc.nat(), by: fc.integer({ min: 1, max: 5 }) })
      .map(({ record, at, by }) => {
        const raised = at % record.verdicts.length;
        const winner = winnerOf(record) as AgentId;
        const verdicts = record.verdicts.map((verdict, index) => {
          if (index !== raised) return verdict;
          const score = Math.min(5, (verdict.scores[winner] ?? 0) + by);
          return { ...verdict, scores: { ...verdict.scores, [winner]: score } };
        });
        return { winner, after: { ...record, verdicts } };
      });
    fc.assert(
      fc.property(judged, ({ winner, after }) => {
        expect(winnerOf(after)).toBe(winner);
      }),
    );
  });

  test("a bid that loses changes nothing by being there", () => {
    // Every bid has entropy and every juror judged all: then a loser's only trace would be a scaling by it.
    const losing = auctions({ minBids: 2, entropy: someEntropy });
    fc.assert(
      fc.property(losing, fc.nat(), (record, at) => {
        const winner = winnerOf(record);
        const losers = record.bids.filter((bid) => bid.agentId !== winner);
        const gone = losers[at % losers.length]?.agentId;
        expect(winnerOf({ ...record, bids: record.bids.filter((bid) => bid.agentId !== gone) })).toBe(winner);
      }),
    );
  });

  test("where one bid has no entropy, nobody's entropy matters", () => {
    const entropies = fc.array(fc.option(someEntropy), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(withOneBid, entropies, ({ record, bid }, others) => {
        const without = withBid(record, { ...bid, entropy: null });
        const changed = {
          ...without,
          bids: without.bids.map((other, at) =>
            other.agentId === bid.agentId ? other : { ...other, entropy: others[at] ?? null },
          ),
        };
        const score = (auction: AuctionRecord) => {
          const cleared = clearAuction(auction);
          return cleared.ok ? cleared.value.ranking.map((scored) => [scored.agentId, scored.score]) : null;
        };
        expect(score(changed)).toEqual(score(without));
      }),
    );
  });
});
