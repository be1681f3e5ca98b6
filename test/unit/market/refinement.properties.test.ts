/** What must hold across both rounds (auction.md, "Properties that must hold"), for any auction. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clearAuction,
  eligibleToRefine,
  type AuctionRecord,
  type Clearing,
  type Ranking,
} from "../../../src/market/clear.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { raised, refinedAuctions, SALE_RULES, someEntropy } from "./support/arbitraries.ts";

function clear(record: AuctionRecord): Clearing & { readonly first: Ranking } {
  const cleared = clearAuction(record);
  if (!cleared.ok || cleared.value.first === null) throw new Error("an auction with bids clears");
  return { ...cleared.value, first: cleared.value.first };
}

const priceOf = (record: AuctionRecord, id: AgentId): number =>
  record.pool.find((agent) => agent.agentId === id)?.price ?? Number.NaN;

const shuffled = <T>(items: readonly T[]) => fc.shuffledSubarray([...items], { minLength: items.length });

/** The best of a round by more than its place in the pool. */
function isPlaceDecisive(round: Ranking | null): boolean {
  const [first, second] = round?.ranking ?? [];
  return first !== undefined && first.score === second?.score && first.price === second.price;
}

describe("the order of arrival and of the pool", () => {
  test("of bids and verdicts changes nothing, in either round", () => {
    const setting = refinedAuctions().chain((record) =>
      fc.record({
        record: fc.constant(record),
        first: fc.record({ bids: shuffled(record.first.bids), verdicts: shuffled(record.first.verdicts) }),
        refined: fc.record({
          bids: shuffled(record.refined?.bids ?? []),
          verdicts: shuffled(record.refined?.verdicts ?? []),
        }),
      }),
    );
    fc.assert(
      fc.property(setting, ({ record, first, refined }) => {
        expect(clearAuction({ ...record, first, refined })).toEqual(clearAuction(record));
      }),
    );
  });

  test("of the pool changes neither winner, round nor margin, unless score and price are both equal", () => {
    const setting = refinedAuctions().chain((record) =>
      fc.record({ record: fc.constant(record), pool: shuffled(record.pool) }),
    );
    fc.assert(
      fc.property(setting, ({ record, pool }) => {
        const before = clear(record);
        fc.pre(!isPlaceDecisive(before.first) && !isPlaceDecisive(before.refined));
        const { winner, round, margin, provisionalWinner } = clear({ ...record, pool });
        expect({ winner, round, margin, provisionalWinner }).toEqual({
          winner: before.winner,
          round: before.round,
          margin: before.margin,
          provisionalWinner: before.provisionalWinner,
        });
      }),
    );
  });
});

describe("who may refine", () => {
  test("is never an agent at or above the provisional winner's price", () => {
    fc.assert(
      fc.property(refinedAuctions(), (record) => {
        const { first, provisionalWinner } = clear(record);
        const limit = priceOf(record, provisionalWinner);
        for (const id of eligibleToRefine(first)) expect(priceOf(record, id)).toBeLessThan(limit);
      }),
    );
  });

  test("a refined bid of anybody else changes nothing", () => {
    fc.assert(
      fc.property(refinedAuctions(), (record) => {
        const before = clear(record);
        const eligible = eligibleToRefine(before.first);
        const bids = record.refined?.bids.filter((bid) => eligible.includes(bid.agentId)) ?? [];
        const verdicts = record.refined?.verdicts ?? [];
        expect(clear({ ...record, refined: { bids, verdicts } })).toEqual(before);
      }),
    );
  });

  test("the second round compares the provisional winner's first bid with strictly cheaper agents", () => {
    fc.assert(
      fc.property(refinedAuctions(), (record) => {
        const { refined, provisionalWinner } = clear(record);
        fc.pre(refined !== null);
        const limit = priceOf(record, provisionalWinner);
        for (const bid of refined?.ranking ?? []) {
          const made = bid.agentId === provisionalWinner ? record.first : record.refined;
          expect(made?.bids).toContainEqual({
            agentId: bid.agentId,
            price: bid.price,
            tokens: bid.tokens,
            entropy: bid.entropy,
          });
          if (bid.agentId !== provisionalWinner) expect(bid.price).toBeLessThan(limit);
        }
      }),
    );
  });
});

describe("who takes over", () => {
  test("nobody, with no refined bids: the winner is the provisional winner", () => {
    fc.assert(
      fc.property(refinedAuctions(), (record) => {
        const { winner, round, refined, margin, provisionalWinner } = clear({ ...record, refined: null });
        expect({ winner, round, refined }).toEqual({ winner: provisionalWinner, round: 1, refined: null });
        const none = { bids: [], verdicts: record.refined?.verdicts ?? [] };
        expect(clear({ ...record, refined: none })).toMatchObject({ winner, round, refined, margin });
      }),
    );
  });

  test("only a refined bid with a strictly lower score than the holder's, and the lowest of them", () => {
    fc.assert(
      fc.property(refinedAuctions(), (record) => {
        const { winner, round, refined, provisionalWinner } = clear(record);
        const scoreOf = (id: AgentId) => refined?.ranking.find((bid) => bid.agentId === id)?.score ?? 0;
        const others = (refined?.ranking ?? []).filter((bid) => bid.agentId !== provisionalWinner);
        const best = Math.min(...others.map((bid) => bid.score));
        const { first } = clear(record);
        const judged = first?.terms.jurors.length === 0 || (refined?.terms.jurors.length ?? 0) > 0;
        const beaten = refined !== null && judged && best < scoreOf(provisionalWinner);
        expect(round).toBe(beaten ? 2 : 1);
        if (beaten) expect(scoreOf(winner)).toBe(best);
        else expect(winner).toBe(provisionalWinner);
      }),
      { numRuns: 300 },
    );
  });

  test("both outcomes are met by these properties, often", () => {
    const rounds = fc.sample(refinedAuctions(), { numRuns: 400, seed: 1 }).map((record) => clear(record));
    expect(rounds.filter((cleared) => cleared.round === 2).length).toBeGreaterThan(40);
    expect(
      rounds.filter((cleared) => cleared.refined !== null && cleared.round === 1).length,
    ).toBeGreaterThan(40);
  });

  test("a higher verdict for a refined bid never makes that bid lose", () => {
    const setting = fc.record({
      record: refinedAuctions({ minJurors: 1 }),
      at: fc.nat(),
      by: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(setting, ({ record, at, by }) => {
        const { winner: bidder, round } = clear(record);
        fc.pre(round === 2 && record.refined !== null);
        const { bids, verdicts } = record.refined ?? { bids: [], verdicts: [] };
        const better = raised(verdicts, { at: at % verdicts.length, bidder, by });
        expect(clear({ ...record, refined: { bids, verdicts: better } })).toMatchObject({
          winner: bidder,
          round: 2,
        });
      }),
    );
  });

  test("verdicts of the first round have no say in the second", () => {
    // The provisional winner is judged anew: what was said of it before only made it the one to beat.
    const rules = fc.constant(SALE_RULES);
    fc.assert(
      fc.property(refinedAuctions({ rules, minJurors: 1 }), fc.nat(), (record, at) => {
        const before = clear(record);
        const { bids, verdicts } = record.first;
        const bidder = before.provisionalWinner;
        const better = raised(verdicts, { at: at % verdicts.length, bidder, by: 5 });
        expect(clear({ ...record, first: { bids, verdicts: better } })).toMatchObject({
          winner: before.winner,
          round: before.round,
          refined: before.refined,
        });
      }),
    );
  });
});

describe("entropy in the second round", () => {
  const rules = fc.constant(SALE_RULES);

  test("a refined bid without it is not admitted where the auction uses it", () => {
    const some = refinedAuctions({ rules, entropy: someEntropy, refinedEntropy: fc.option(someEntropy) });
    fc.assert(
      fc.property(some, (record) => {
        const { refined, first } = clear(record);
        expect(first.terms.entropyUsed).toBe(true);
        const mute = record.refined?.bids.filter((bid) => bid.entropy === null).map((bid) => bid.agentId);
        const { provisionalWinner } = clear(record);
        for (const bid of refined?.ranking ?? []) {
          if (bid.agentId !== provisionalWinner) expect(mute).not.toContain(bid.agentId);
          expect(refined?.terms.entropyUsed).toBe(true);
        }
      }),
    );
  });

  test("counts for all that are compared, or for none", () => {
    fc.assert(
      fc.property(refinedAuctions({ rules }), (record) => {
        const { refined } = clear(record);
        fc.pre(refined !== null);
        const ranking = refined?.ranking ?? [];
        const known = ranking.every((bid) => bid.entropy !== null);
        expect(refined?.terms.entropyUsed).toBe(known);
        if (!known) expect(ranking.every((bid) => bid.entropyValue === 0)).toBe(true);
      }),
    );
  });
});
