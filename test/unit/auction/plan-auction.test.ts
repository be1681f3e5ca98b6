/** What is held for an auction before it begins: enough for every call that it is expected to make. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bidBound, juryBound } from "../../../src/agents/bounds.ts";
import type { JuryPromptInput } from "../../../src/agents/prompts/jury-prompt.ts";
import type { AuctionPlan } from "../../../src/auction/auction-run.ts";
import { planBids } from "../../../src/auction/collect-bids.ts";
import { drawBallots } from "../../../src/auction/jury.ts";
import { planAuction, type AuctionTerms } from "../../../src/auction/plan-auction.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { drawNonce } from "../../../src/market/draw.ts";
import { asMicros, sumMicros, type Micros } from "../../../src/market/money.ts";
import { REFERENCE_STRATEGY_TOKENS, type JuryRules } from "../../../src/market/policy.ts";
import { aBid, anAgent, aPolicy, aPool, aTaskSpec, fixedSource } from "../../support/builders.ts";

type Deps = AuctionPlan["deps"];
type Bounds = Pick<Deps["models"], "bidBound" | "juryBound">;

const REAL: Bounds = { bidBound, juryBound };
/** A bid 10, a juror 100 and one more for every bid that it is shown. */
const PLAIN: Bounds = {
  bidBound: () => asMicros(10),
  juryBound: (_juror, { bids }) => asMicros(100 + bids.length),
};

const never = async (): Promise<never> => {
  throw new Error("a plan asks nobody");
};

function deps(bounds: Bounds, { embedding }: { readonly embedding?: number } = {}): Deps {
  return {
    config: { source: fixedSource() } as never,
    models: { ...bounds, bid: never, judge: never },
    toolMenu: () => [],
    memory:
      embedding === undefined ? null : { embedBound: () => asMicros(embedding), embed: never, recall: never },
  };
}

function terms(fields: Partial<AuctionTerms> & { readonly name?: string } = {}): AuctionTerms {
  const pool = fields.pool ?? aPool();
  return { spec: aTaskSpec(), pool, seed: 7, policy: aPolicy(fields.name ?? "sale", { pool }), ...fields };
}

const held = (...[bounds, planned, options]: [Bounds, AuctionTerms, { embedding?: number }?]): Micros =>
  planAuction(deps(bounds, options), planned).holdMicros;

describe("what is held for four bidders", () => {
  test.each<[string, string, number]>([
    ["a batched jury: four jurors over four bids", "sale", 4 * 10 + 4 * 104],
    ["a batched jury without self-assessment: over three bids", "sale-no-self", 4 * 10 + 4 * 103],
    ["a pointwise jury: sixteen calls over one bid", "sale-pointwise", 4 * 10 + 16 * 101],
    ["a pointwise jury without self-assessment: twelve", "sale:jury=pointwise,self=off", 4 * 10 + 12 * 101],
    ["a sparse jury: two over all, the others over their own", "sale:size=2", 4 * 10 + 2 * 104 + 2 * 101],
    ["a sparse jury without self-assessment: two over three bids", "sale:size=2,self=off", 4 * 10 + 2 * 103],
    ["a single juror: one over all", "sale-single-juror", 4 * 10 + 104],
    ["no jury: bids alone", "sale-no-jury", 4 * 10],
    ["what does not ask models changes nothing", "sale-mean", 4 * 10 + 4 * 104],
  ])("under %s", (_, name, micros) => {
    expect(held(PLAIN, terms({ name }))).toBe(micros);
  });

  test.each(["sale", "sale-no-jury"])("has the memory's embedding in it (%s)", (name) => {
    const planned = terms({ name });
    expect(held(PLAIN, planned, { embedding: 3 })).toBe(held(PLAIN, planned) + 3);
  });
});

describe("a policy that holds no auction", () => {
  test.each(["cheapest", "random", "always:agt_tiny", "static-mix:agt_tiny=3,agt_large=1"])(
    "%s has no calls, and nothing is held for it",
    (name) => {
      const plan = planAuction(deps(PLAIN, { embedding: 3 }), terms({ name }));
      expect(plan).toEqual({ firstCalls: [], holdMicros: 0 });
    },
  );
});

describe("the first calls", () => {
  test("are one for a bid of every agent, at its bound", () => {
    const planned = terms();
    const { firstCalls } = planAuction(deps(REAL), planned);
    expect(firstCalls.map(({ kind, agentId }) => [kind, agentId])).toEqual(
      planned.pool.map((agent) => ["bid", agent.id]),
    );
    expect(new Set(firstCalls.map((call) => call.callId)).size).toBe(4);
    const round = { round: 1, agents: planned.pool, refinements: new Map() } as const;
    const bids = planBids({ deps: deps(REAL), opening: planned }, round);
    expect(firstCalls.map((call) => call.boundMicros)).toEqual(bids.map((call) => call.boundMicros));
  });

  test("are held whole: without a jury and a memory there is nothing else", () => {
    const { firstCalls, holdMicros } = planAuction(deps(REAL), terms({ name: "sale-no-jury" }));
    expect(holdMicros).toBe(sumMicros(firstCalls.map((call) => call.boundMicros)));
  });
});

test("jurors are taken to be shown the task and strategies of the usual length", () => {
  const shown: JuryPromptInput[] = [];
  const listening: Bounds = {
    ...PLAIN,
    juryBound: (juror, input) => {
      shown.push(input);
      return PLAIN.juryBound(juror, input);
    },
  };
  held(listening, terms({ spec: aTaskSpec({ prompt: "the task" }) }));
  expect(shown.map(({ task, bids }) => [task, bids.length])).toEqual(aPool().map(() => ["the task", 4]));
  for (const { strategy } of shown.flatMap(({ bids }) => bids)) {
    expect(strategy.length).toBe(5 * REFERENCE_STRATEGY_TOKENS);
  }
});

// --- What an auction comes to, by the bounds that its calls are really started at ---

const POOL: readonly Agent[] = Array.from({ length: 9 }, (_, at) =>
  anAgent({ id: `agt_${"abcdefghi"[at]}`, price: [0.05, 0.36, 3, 15][at % 4] ?? 1 }),
);

/** The bounds of the jury's calls once these bids are in. */
function juryCalls(planned: AuctionTerms, jury: JuryRules, strategies: readonly string[]): Micros {
  const bids = strategies.flatMap((strategy, at) => {
    const agentId = planned.pool[at]?.id;
    return agentId === undefined ? [] : [aBid({ agentId, strategy })];
  });
  const ballots = drawBallots(planned, 1, bids);
  return sumMicros(
    ballots.flatMap(({ juror, entries }) => {
      const shown = entries.map(({ label, bid }) => ({ label, strategy: bid.strategy }));
      const nonce = drawNonce(planned.seed, `jury/1/${juror.id}`);
      const input = { task: planned.spec.prompt, nonce };
      return jury.form === "batched"
        ? [juryBound(juror, { ...input, bids: shown })]
        : shown.map((bid) => juryBound(juror, { ...input, bids: [{ ...bid, label: "A" }] }));
    }),
  );
}

const juries = fc.record({
  form: fc.constantFrom("batched" as const, "pointwise" as const),
  size: fc.option(fc.integer({ min: 1, max: 9 })),
  self: fc.boolean(),
});

const USUAL_LENGTH = 5 * REFERENCE_STRATEGY_TOKENS;
/** Often as long as is usual: shorter ones would never come near to what is held. */
const strategy = fc
  .oneof(fc.constant(USUAL_LENGTH), fc.nat({ max: USUAL_LENGTH }))
  .map((length) => "s".repeat(length));

/** Auctions with the strategies of those who bid, in the order of the pool. */
const auctions = fc.record({
  jury: juries,
  size: fc.integer({ min: 1, max: POOL.length }),
  seed: fc.nat({ max: 2 ** 31 - 1 }),
  prompt: fc.string({ unit: "binary", minLength: 1, maxLength: 3_000 }),
  strategies: fc.array(strategy, { maxLength: POOL.length, size: "max" }),
});

function withJury(pool: readonly Agent[], jury: JuryRules): AuctionTerms["policy"] {
  const rules = { kind: "auction", entropy: true, jury, memory: true } as const;
  return { ...aPolicy("sale", { pool }), rules };
}

describe("what is held", () => {
  test("takes first bids and their verdicts, whoever bids, where strategies are of at most the usual length", () => {
    fc.assert(
      fc.property(auctions, ({ jury, size, seed, prompt, strategies }) => {
        const pool = POOL.slice(0, size);
        const planned = { spec: aTaskSpec({ prompt }), pool, policy: withJury(pool, jury), seed };
        const { firstCalls, holdMicros } = planAuction(deps(REAL), planned);
        const bids = sumMicros(firstCalls.map((call) => call.boundMicros));
        expect(bids + juryCalls(planned, jury, strategies)).toBeLessThanOrEqual(holdMicros);
      }),
      { numRuns: 200 },
    );
  });

  test("does not take verdicts over strategies that are much longer: those ask for more", () => {
    const jury: JuryRules = { form: "batched", size: null, self: true };
    const planned = { ...terms({ pool: POOL }), policy: withJury(POOL, jury) };
    const long = POOL.map(() => "s".repeat(20 * REFERENCE_STRATEGY_TOKENS));
    const { firstCalls, holdMicros } = planAuction(deps(REAL), planned);
    const bids = sumMicros(firstCalls.map((call) => call.boundMicros));
    expect(bids + juryCalls(planned, jury, long)).toBeGreaterThan(holdMicros);
  });

  test("is more for a larger pool", () => {
    const names = ["sale", "sale-no-self", "sale-pointwise", "sale-no-jury"];
    for (const name of names) {
      const sizes = POOL.map((_, at) => held(REAL, terms({ name, pool: POOL.slice(0, at + 1) })));
      for (const [at, micros] of sizes.entries()) expect(micros).toBeGreaterThan(sizes[at - 1] ?? 0);
    }
  });

  test("is more for a longer task, and never less", () => {
    const lengths = fc.tuple(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 20_000 }));
    const of = (length: number) => held(REAL, terms({ spec: aTaskSpec({ prompt: "t".repeat(length) }) }));
    fc.assert(
      fc.property(lengths, ([length, more]) => {
        expect(of(length + more)).toBeGreaterThanOrEqual(of(length));
      }),
    );
    expect(of(20_000)).toBeGreaterThan(of(2_000));
  });
});
