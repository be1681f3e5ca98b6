/** What each named policy does with one and the same auction, and with none. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  clearAuction,
  rankFirstRound,
  type AuctionRecord,
  type Candidate,
} from "../../../src/market/clear.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import type { Policy, PolicyRules } from "../../../src/market/policy.ts";
import { agentId, aPolicy } from "../../support/builders.ts";
import { refinedAuctions, seeds } from "./support/arbitraries.ts";
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
} from "./support/hand-worked.ts";

/** Seeds as auctions have them: spread over the whole range, here by Weyl's sequence. */
const SEEDS = Array.from({ length: 2_000 }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 1);

const withRules = (rules: PolicyRules): Policy => ({ ...handPolicy(), name: "drawn", rules });

describe("sale and its ablations, on the hand-worked auction at w_c = 0.003", () => {
  // C: tiny 0.060, small 0.081, medium 0.120, large 0.216; w_h·H: 0.08, 0.06, 0.04, 0.02; Σ γ/20: 0.45, 0.70, 0.80, 0.90.
  // Without the bidder's own verdict the mean of the other three, times 0.2: 4/3, 10/3, 12/3, 13/3.
  test.each<[string, AgentId, Readonly<Record<AgentId, number>>]>([
    ["sale", MEDIUM, { [TINY]: -0.47, [SMALL]: -0.679, [MEDIUM]: -0.72, [LARGE]: -0.704 }],
    ["sale-no-memory", MEDIUM, { [TINY]: -0.47, [SMALL]: -0.679, [MEDIUM]: -0.72, [LARGE]: -0.704 }],
    ["sale-pointwise", MEDIUM, { [TINY]: -0.47, [SMALL]: -0.679, [MEDIUM]: -0.72, [LARGE]: -0.704 }],
    ["sale-no-entropy", LARGE, { [TINY]: -0.39, [SMALL]: -0.619, [MEDIUM]: -0.68, [LARGE]: -0.684 }],
    [
      "sale-no-self",
      MEDIUM,
      { [TINY]: -0.286_666_667, [SMALL]: -0.645_666_667, [MEDIUM]: -0.72, [LARGE]: -0.670_666_667 },
    ],
    ["sale-no-jury", TINY, { [TINY]: -0.02, [SMALL]: 0.021, [MEDIUM]: 0.08, [LARGE]: 0.196 }],
  ])("%s", (name, winner, scores) => {
    const policy = handPolicy(name, 0.003);
    expect(cleared({ policy })).toMatchObject({ winner, round: 1 });
    for (const bid of ranked({ policy }).ranking) {
      expect(bid.score, bid.agentId).toBeCloseTo(scores[bid.agentId] ?? Number.NaN, 8);
    }
  });

  test("sale-no-jury lists no juror", () => {
    expect(ranked({ policy: handPolicy("sale-no-jury") }).terms.jurors).toEqual([]);
  });

  test("every one of them clears any auction, and to an agent that bid", () => {
    const names = ["sale", "sale-no-memory", "sale-no-entropy", "sale-no-self", "sale-no-jury"];
    fc.assert(
      fc.property(refinedAuctions(), fc.constantFrom(...names), (record, name) => {
        const policy = { ...record.policy, rules: aPolicy(name).rules };
        const clearing = clearAuction({ ...record, policy });
        if (!clearing.ok) throw new Error(clearing.failure.reason);
        expect(record.first.bids.map((bid) => bid.agentId)).toContain(clearing.value.winner);
      }),
    );
  });
});

/** Whom a policy without an auction awards, for a seed. */
function awarded(rules: PolicyRules, seed = 7, pool: readonly Candidate[] = CANDIDATES): AgentId | null {
  const clearing = clearAuction({
    policy: withRules(rules),
    seed,
    pool,
    first: { bids: [], verdicts: [] },
    refined: null,
  });
  return clearing.ok ? clearing.value.winner : null;
}

function shareOf(agent: AgentId, rules: PolicyRules): number {
  return SEEDS.filter((seed) => awarded(rules, seed) === agent).length / SEEDS.length;
}

/** 5 standard deviations of a fair draw over 2,000 seeds. */
const slack = (chance: number) => 5 * Math.sqrt((chance * (1 - chance)) / SEEDS.length);

const SHARES = { [TINY]: 0.5, [SMALL]: 0.3, [MEDIUM]: 0, [LARGE]: 0.2 };
const WITHOUT_AUCTION: readonly PolicyRules[] = [
  { kind: "always", agentId: SMALL },
  { kind: "cheapest" },
  { kind: "random" },
  { kind: "static-mix", shares: SHARES },
];

describe.each(WITHOUT_AUCTION)("$kind holds no auction", (rules) => {
  test("its award has round 0, no ranking and no margin, and needs no bids", () => {
    const winner = awarded(rules);
    expect(winner).not.toBeNull();
    const none = { first: { bids: [], verdicts: [] }, refined: null };
    expect(clearAuction({ ...AUCTION, policy: withRules(rules), ...none })).toEqual({
      ok: true,
      value: { winner, round: 0, provisionalWinner: winner, first: null, refined: null, margin: null },
    });
  });

  test("bids and verdicts would change nothing", () => {
    expect(cleared({ policy: withRules(rules) })).toMatchObject({ winner: awarded(rules), round: 0 });
  });

  test("it has no first round to rank, and nobody refines", () => {
    expect(rankFirstRound({ ...AUCTION, policy: withRules(rules) })).toEqual({
      ok: true,
      value: { ranking: [], terms: { entropyUsed: false, jurors: [] } },
    });
  });

  test("the same seed awards the same agent, wherever each stands in the pool", () => {
    const pools = fc.shuffledSubarray([...CANDIDATES], { minLength: CANDIDATES.length });
    fc.assert(
      fc.property(seeds, pools, (seed, pool) => {
        expect(awarded(rules, seed, pool)).toBe(awarded(rules, seed));
      }),
    );
  });

  test("an empty pool has nobody to award", () => {
    expect(awarded(rules, 7, [])).toBeNull();
  });
});

describe("always:<agent>", () => {
  test("awards that agent, whatever the seed", () => {
    for (const seed of SEEDS.slice(0, 50)) {
      expect(awarded({ kind: "always", agentId: MEDIUM }, seed)).toBe(MEDIUM);
    }
  });

  test("awards nobody where the agent is not of the pool", () => {
    expect(awarded({ kind: "always", agentId: agentId("stranger") })).toBeNull();
  });
});

describe("cheapest", () => {
  test("awards the least price, whatever the seed", () => {
    for (const seed of SEEDS.slice(0, 50)) expect(awarded({ kind: "cheapest" }, seed)).toBe(TINY);
  });

  test("at one price, the agent that comes first in the pool", () => {
    const pool = [LARGE, SMALL, TINY].map((id) => ({ agentId: id, price: 0.1 }));
    expect(awarded({ kind: "cheapest" }, 7, pool)).toBe(LARGE);
  });
});

describe("random", () => {
  test("awards each agent equally often", () => {
    for (const { agentId: id } of CANDIDATES) {
      expect(Math.abs(shareOf(id, { kind: "random" }) - 0.25), id).toBeLessThan(slack(0.25));
    }
  });
});

describe("static-mix", () => {
  test("awards each agent its share, and one without a share never", () => {
    for (const [id, share] of Object.entries(SHARES)) {
      const met = shareOf(id as AgentId, { kind: "static-mix", shares: SHARES });
      if (share === 0) expect(met, id).toBe(0);
      else expect(Math.abs(met - share), id).toBeLessThan(slack(share));
    }
  });

  test("takes shares in any unit, as long as they stand in the same proportion", () => {
    const percent = Object.fromEntries(Object.entries(SHARES).map(([id, share]) => [id, 128 * share]));
    for (const seed of SEEDS.slice(0, 200)) {
      const mixed = awarded({ kind: "static-mix", shares: percent }, seed);
      expect(mixed).toBe(awarded({ kind: "static-mix", shares: SHARES }, seed));
    }
  });

  test("an agent that is not of the pool leaves its share to the others in proportion", () => {
    const pool = CANDIDATES.filter((agent) => agent.agentId !== TINY);
    const rules: PolicyRules = { kind: "static-mix", shares: SHARES };
    const met = SEEDS.filter((seed) => awarded(rules, seed, pool) === SMALL).length / SEEDS.length;
    expect(Math.abs(met - 0.6)).toBeLessThan(slack(0.6));
  });

  test("an agent of the pool without an entry has no share", () => {
    const rules: PolicyRules = { kind: "static-mix", shares: { [SMALL]: 1 } };
    for (const seed of SEEDS.slice(0, 200)) expect(awarded(rules, seed)).toBe(SMALL);
  });
});

test("the auctions' own record is not read by the coin: random and static-mix of equal shares are two draws", () => {
  const even: PolicyRules = {
    kind: "static-mix",
    shares: Object.fromEntries(BIDS.map((bid) => [bid.agentId, 1])),
  };
  const same = SEEDS.filter((seed) => awarded(even, seed) === awarded({ kind: "random" }, seed)).length;
  expect(Math.abs(same / SEEDS.length - 0.25)).toBeLessThan(slack(0.25));
});

const recordOf = (record: Partial<AuctionRecord>): AuctionRecord => ({ ...AUCTION, ...record });

test("sale-no-memory clears a record without a second round as sale does", () => {
  const [sale, ablated] = ["sale", "sale-no-memory"].map((name) =>
    clearAuction(recordOf({ policy: handPolicy(name) })),
  );
  expect(ablated).toEqual(sale);
});
