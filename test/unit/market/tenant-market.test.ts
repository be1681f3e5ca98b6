/** Who takes part in a tenant's auctions, and at which prices. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROVIDERS, type Agent } from "../../../src/market/agent.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import {
  effectivePool,
  OPEN_MARKET,
  shareCaps,
  type LeftOutReason,
  type TenantMarket,
} from "../../../src/market/tenant-market.ts";
import { agentId, anAgent, aPool } from "../../support/builders.ts";

const [TINY, SMALL, MEDIUM, LARGE] = ["tiny", "small", "medium", "large"].map(agentId) as [
  AgentId,
  AgentId,
  AgentId,
  AgentId,
];
const market = (fields: Partial<TenantMarket>): TenantMarket => ({ ...OPEN_MARKET, ...fields });
const PRICE = {
  prices: {
    inputMicrosPerMtok: 1,
    cachedInputMicrosPerMtok: 2,
    cacheWriteMicrosPerMtok: 3,
    outputMicrosPerMtok: 4,
  },
  priceSource: "agreed",
};

const at = (id: string, fields: Partial<Agent> = {}): Agent => ({ ...anAgent({ id }), ...fields }) as Agent;
const GOOGLE = at("agt_google", { provider: "google" });
const HERE = at("agt_here", { regions: ["eu"] });
const BOTH = at("agt_both", { regions: ["eu", "us"] });

describe("a tenant without rules", () => {
  test("shares its environment's very pool", () => {
    const base = aPool();
    const found = effectivePool(base, OPEN_MARKET);
    expect(found.pool).toBe(base);
    expect(found).toMatchObject({ leftOut: [], ignored: [] });
  });
});

describe("who is left out, and why", () => {
  const base = [...aPool(), GOOGLE, HERE, BOTH];
  test.each<[string, Partial<TenantMarket>, AgentId, LeftOutReason[]]>([
    ["disabled", { disabled: [TINY] }, TINY, ["disabled"]],
    ["denied", { deny: [TINY] }, TINY, ["denied"]],
    ["not among the allowed", { allow: [SMALL] }, TINY, ["not_allowed"]],
    [
      "of a denied provider",
      { providers: { allow: null, deny: ["google"] } },
      GOOGLE.id,
      ["provider_denied"],
    ],
    [
      "of no allowed provider",
      { providers: { allow: ["workers-ai"], deny: [] } },
      GOOGLE.id,
      ["provider_not_allowed"],
    ],
    ["processing elsewhere, too", { regions: ["eu"] }, BOTH.id, ["region_not_allowed"]],
    ["processing nobody knows where", { regions: ["eu", "us"] }, TINY, ["region_unknown"]],
    [
      "for several reasons",
      { disabled: [BOTH.id], deny: [BOTH.id], regions: ["us"] },
      BOTH.id,
      ["disabled", "denied", "region_not_allowed"],
    ],
  ])("%s", (_what, rules, id, reasons) => {
    const { pool, leftOut } = effectivePool(base, market(rules));
    expect(leftOut).toContainEqual({ agentId: id, reasons });
    expect(pool.map((agent) => agent.id)).not.toContain(id);
  });

  test("residency admits whoever states that it processes in allowed regions only", () => {
    expect(effectivePool(base, market({ regions: ["eu"] })).pool).toEqual([HERE]);
    expect(effectivePool(base, market({ regions: ["eu", "us"] })).pool).toEqual([HERE, BOTH]);
  });

  test("a pool may come out empty", () => {
    expect(effectivePool(base, market({ allow: [] })).pool).toEqual([]);
  });
});

describe("a tenant's own", () => {
  test("price stands instead of the pool's, with its source, and changes nothing else", () => {
    const base = aPool();
    const { pool } = effectivePool(base, market({ prices: { [SMALL]: PRICE } }));
    expect(pool[1]).toEqual({ ...base[1], ...PRICE });
    expect([pool[0], pool[2], pool[3]]).toEqual([base[0], base[2], base[3]]);
  });

  test("agents follow the environment's, and go before one of the same id, in its place", () => {
    const own = anAgent({ id: "agt_own" });
    const instead = anAgent({ id: SMALL, name: "Instead" });
    const { pool } = effectivePool(aPool(), market({ agents: [own, instead] }));
    expect(pool.map(({ id }) => id)).toEqual([TINY, SMALL, MEDIUM, LARGE, "agt_own"]);
    expect(pool[1]).toBe(instead);
  });
});

test("ids that name nobody are ignored, and told once", () => {
  const gone = agentId("gone");
  const { pool, ignored } = effectivePool(
    aPool(),
    market({ disabled: [gone], maxShares: { [gone]: 0.5 }, prices: { [gone]: PRICE } }),
  );
  expect(ignored).toEqual([gone]);
  expect(pool).toHaveLength(4);
});

test("caps are of those that take part; without any, there is no field at all", () => {
  const rules = market({ maxShares: { [TINY]: 0.5, [agentId("gone")]: 0.1 }, disabled: [TINY] });
  expect(shareCaps(effectivePool(aPool(), rules).pool, rules)).toEqual({});
  const enabled = market({ maxShares: { [TINY]: 0.5 } });
  expect(shareCaps(aPool(), enabled)).toEqual({ maxShares: { [TINY]: 0.5 } });
});

describe("whatever the rules are", () => {
  const id = fc.nat(11).map((n) => agentId(String(n)));
  const region = fc.constantFrom("eu", "us", "apac");
  const provider = fc.constantFrom(...PROVIDERS);
  const agent = fc
    .record({ id, provider, regions: fc.option(fc.uniqueArray(region, { minLength: 1 }), { nil: null }) })
    .map(({ regions, ...of }) => at(of.id, { ...of, ...(regions !== null && { regions }) }));
  const pool = fc.uniqueArray(agent, { selector: (one) => one.id, maxLength: 8 });
  const rules = fc.record({
    agents: fc.uniqueArray(agent, { selector: (one) => one.id, maxLength: 3 }),
    disabled: fc.uniqueArray(id, { maxLength: 3 }),
    allow: fc.option(fc.uniqueArray(id), { nil: null }),
    deny: fc.uniqueArray(id, { maxLength: 3 }),
    providers: fc.record({
      allow: fc.option(fc.uniqueArray(provider), { nil: null }),
      deny: fc.uniqueArray(provider, { maxLength: 2 }),
    }),
    regions: fc.option(fc.uniqueArray(region), { nil: null }),
    maxShares: fc.dictionary(id, fc.double({ min: 0.1, max: 1, noNaN: true })),
    prices: fc.dictionary(id, fc.constant(PRICE)),
  });

  test("every agent either takes part or is left out for a reason, and none that a rule bars takes part", () => {
    fc.assert(
      fc.property(pool, rules, (base, drawn) => {
        const of = market(drawn);
        const { pool: admitted, leftOut, ignored } = effectivePool(base, of);
        const everyone = new Set([...base, ...of.agents].map((one) => one.id));
        const seen = [...admitted.map((one) => one.id), ...leftOut.map((one) => one.agentId)];
        expect(seen.toSorted()).toEqual([...everyone].toSorted());
        expect(leftOut.every(({ reasons }) => reasons.length > 0)).toBe(true);
        for (const one of admitted) {
          expect(of.disabled).not.toContain(one.id);
          expect(of.deny).not.toContain(one.id);
          expect(of.providers.deny).not.toContain(one.provider);
          if (of.allow !== null) expect(of.allow).toContain(one.id);
          if (of.providers.allow !== null) expect(of.providers.allow).toContain(one.provider);
          if (of.regions !== null) {
            expect(one.regions).toBeDefined();
            expect(of.regions).toEqual(expect.arrayContaining(one.regions ?? []));
          }
          if (of.prices[one.id] !== undefined) expect(one.prices).toEqual(PRICE.prices);
        }
        expect(ignored.filter((one) => everyone.has(one))).toEqual([]);
      }),
    );
  });

  test("one more bar never lets anybody in", () => {
    fc.assert(
      fc.property(pool, rules, id, (base, drawn, more) => {
        const of = market(drawn);
        const before = effectivePool(base, of).pool.map((one) => one.id);
        const after = effectivePool(base, { ...of, disabled: [...of.disabled, more] }).pool;
        expect(after.map((one) => one.id)).toEqual(before.filter((one) => one !== more));
      }),
    );
  });
});
