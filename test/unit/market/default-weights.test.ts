/**
 * The default weights on pools from 0.05 to 25 USD per Mtok, 500-fold (auction.md, "Default weights"): they may neither
 * send nearly all to the cheapest, as one raw constant does, nor to the dearest.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { outputPrice, type Agent } from "../../../src/market/agent.ts";
import { rankFirstRound, type AuctionRecord } from "../../../src/market/clear.ts";
import { drawNumber } from "../../../src/market/draw.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { defaultWeights, type Weights } from "../../../src/market/policy.ts";
import { anAgent, aPolicy, aPool } from "../../support/builders.ts";

const AUCTIONS = 1_000;
/** More than this of all auctions is "nearly all". */
const NEARLY_ALL = 0.8;

const poolOf = (prices: readonly number[]): Agent[] =>
  prices.map((price, at) => anAgent({ id: `agt_${String(at).padStart(2, "0")}`, price }));

const WIDE = poolOf([0.05, 0.36, 3, 25]);

interface Drawn {
  /** Points that a juror gives a bid, from a number in [0, 1). */
  readonly points: (bidder: Agent, number: number) => number;
  readonly weights?: Weights;
}

/** An auction in which lengths (100 to 500 tokens), entropies (0 to 1.5) and verdicts are drawn from a seed. */
function auction(pool: readonly Agent[], seed: number, { points, weights }: Drawn): AuctionRecord {
  const policy = aPolicy("sale", { pool });
  const number = (what: string) => drawNumber(seed, what);
  return {
    policy: { ...policy, weights: weights ?? policy.weights },
    seed,
    pool: pool.map((agent) => ({ agentId: agent.id, price: outputPrice(agent) })),
    first: {
      bids: pool.map((agent) => ({
        agentId: agent.id,
        price: outputPrice(agent),
        tokens: 100 + Math.floor(400 * number(`tokens/${agent.id}`)),
        entropy: 1.5 * number(`entropy/${agent.id}`),
      })),
      verdicts: pool.map((juror) => ({
        jurorId: juror.id,
        scores: Object.fromEntries(
          pool.map((agent) => [agent.id, points(agent, number(`verdict/${juror.id}/${agent.id}`))]),
        ),
      })),
    },
    refined: null,
  };
}

function winShares(pool: readonly Agent[], drawn: Drawn): number[] {
  const wins = new Map<AgentId, number>();
  for (let seed = 0; seed < AUCTIONS; seed++) {
    const ranked = rankFirstRound(auction(pool, seed, drawn));
    const winner = ranked.ok ? ranked.value.ranking[0]?.agentId : undefined;
    if (winner !== undefined) wins.set(winner, (wins.get(winner) ?? 0) + 1);
  }
  return pool.map((agent) => (wins.get(agent.id) ?? 0) / AUCTIONS);
}

/** Jurors that know nothing: 0 to 5, each equally often. */
const random: Drawn = { points: (_bidder, number) => Math.floor(6 * number) };

describe("under random juries, neither the cheapest nor the dearest wins nearly always", () => {
  test.each([
    ["two agents", [0.05, 25]],
    ["four, evenly apart", [0.05, 0.36, 3, 25]],
    ["three cheap, one dear", [0.05, 0.09, 0.16, 25]],
    ["one cheap, three dear", [0.05, 15, 20, 25]],
    ["eight", [0.05, 0.1, 0.3, 0.6, 1.5, 4, 10, 25]],
    ["the paper's pool", [0.05, 0.09, 0.16, 0.36]],
  ])("in a pool of %s, where everybody wins now and then", (_name, prices) => {
    const shares = winShares(poolOf(prices), random);
    expect(shares[0]).toBeLessThan(NEARLY_ALL);
    expect(shares.at(-1)).toBeLessThan(NEARLY_ALL);
    // A fifth of an equal share at least: price weighs, but shuts nobody out.
    for (const share of shares) expect(share).toBeGreaterThan(1 / (5 * prices.length));
    // Nothing but price tells them apart.
    expect(shares[0]).toBeGreaterThan(shares.at(-1) ?? 1);
  });

  test("unlike with the raw constant of the paper's pool, which shuts the dear ones out", () => {
    const weights = { ...defaultWeights(WIDE), cost: defaultWeights(aPool()).cost };
    const [cheapest = 0, next = 0, , dearest] = winShares(WIDE, { ...random, weights });
    expect(cheapest + next).toBeGreaterThan(0.99);
    expect(dearest).toBe(0);
  });
});

describe("under juries that know something", () => {
  const dearest = WIDE.at(-1);

  test("the dearest wins nearly always where its plans are better by two points", () => {
    const points = (bidder: Agent, number: number) => (bidder === dearest ? 4 : 2) + Math.floor(2 * number);
    expect(winShares(WIDE, { points }).at(-1)).toBeGreaterThan(NEARLY_ALL);
  });

  test("and seldom where they are no better: then it is not worth its price", () => {
    const shares = winShares(WIDE, { points: () => 4 });
    expect(shares.at(-1)).toBeLessThan(0.05);
  });
});

describe("for plans of 300 tokens and one entropy", () => {
  const prices = fc.uniqueArray(fc.integer({ min: 50_000, max: 25_000_000 }), {
    minLength: 2,
    maxLength: 12,
  });

  /** Who leads where a whole jury gives every bid 3 points, and the dearest `dearest` points. */
  function leader(pool: readonly Agent[], dearest: number): Agent | undefined {
    const { agentId } = pool
      .map((agent) => ({ agentId: agent.id, price: outputPrice(agent) }))
      .reduce((a, b) => (a.price > b.price ? a : b));
    const drawn = auction(pool, 1, { points: (bidder) => (bidder.id === agentId ? dearest : 3) });
    const bids = drawn.first.bids.map((bid) => ({ ...bid, tokens: 300, entropy: 0.5 }));
    const ranked = rankFirstRound({ ...drawn, first: { ...drawn.first, bids } });
    return ranked.ok ? pool.find((agent) => agent.id === ranked.value.ranking[0]?.agentId) : undefined;
  }

  test("one point of the whole jury outweighs any difference in price; at equal points the cheapest leads", () => {
    fc.assert(
      fc.property(prices, (micros) => {
        const pool = poolOf(micros.map((price) => price / 1_000_000));
        const byPrice = pool.toSorted((a, b) => outputPrice(a) - outputPrice(b));
        expect(leader(pool, 4)?.id).toBe(byPrice.at(-1)?.id);
        expect(leader(pool, 3)?.id).toBe(byPrice[0]?.id);
      }),
    );
  });
});
