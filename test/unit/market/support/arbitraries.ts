/** Random auctions for property tests: any pool, any subset that bids, judges and refines. */
import fc from "fast-check";
import { rankFirstRound, type AuctionRecord, type Candidate } from "../../../../src/market/clear.ts";
import type { AgentId } from "../../../../src/market/ids.ts";
import type { TokenUsage } from "../../../../src/market/money.ts";
import type { Policy, PolicyRules, Weights } from "../../../../src/market/policy.ts";
import type { BidFigures, JurorVerdict } from "../../../../src/market/score.ts";
import { agentId } from "../../../support/builders.ts";

export const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** USD per Mtok as `outputPrice` makes it: whole micro-dollars per Mtok. Few distinct ones, so that ties are met. */
const price = fc.oneof(
  fc.integer({ min: 0, max: 25_000_000 }).map((micros) => micros / 1_000_000),
  fc.constantFrom(0, 0.05, 0.36),
);
/** In millionths: a difference so small that rounding swallows it is nobody's weight or entropy. */
const millionths = (max: number) => fc.integer({ min: 0, max: max * 1_000_000 }).map((n) => n / 1_000_000);
const unit = millionths(1);
export const someEntropy = millionths(3);

export type AuctionRules = Extract<PolicyRules, { readonly kind: "auction" }>;
export const SALE_RULES: AuctionRules = {
  kind: "auction",
  entropy: true,
  jury: { form: "batched", size: null, self: true },
  memory: true,
};

const anyRules: fc.Arbitrary<AuctionRules> = fc.record({
  kind: fc.constant("auction" as const),
  entropy: fc.boolean(),
  jury: fc.option(
    fc.record({ form: fc.constant("batched" as const), size: fc.constant(null), self: fc.boolean() }),
    { freq: 8 },
  ),
  memory: fc.constant(true),
});

/** Costs that may outweigh the jury's word or nearly vanish beside it; jurors of any weight. */
function weightsOf(pool: readonly Candidate[]): fc.Arbitrary<Weights> {
  const dearest = Math.max(...pool.map((agent) => agent.price), 0.01);
  const share = fc.oneof(unit, fc.constantFrom(0.2, 0)).map((drawn) => drawn / pool.length);
  return fc.record({
    cost: fc.oneof(fc.constant(0.1), unit).map((drawn) => drawn / (dearest * 300)),
    entropy: fc.oneof(fc.constant(0.1), unit),
    jurors: fc
      .tuple(...pool.map((agent) => share.map((own) => [agent.agentId, own] as const)))
      .map(fromPairs),
  });
}

function fromPairs(pairs: readonly (readonly [AgentId, number])[]): Record<AgentId, number> {
  return Object.fromEntries(pairs);
}

function figures(
  { agentId: id, price: own }: Candidate,
  entropy: fc.Arbitrary<number | null>,
): fc.Arbitrary<BidFigures> {
  return fc.record({
    agentId: fc.constant(id),
    price: fc.constant(own),
    tokens: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constant(200)),
    entropy,
  });
}

/** A juror's scores for all bidders or, not drawn, for itself alone. */
function verdict(
  jurorId: AgentId,
  bidders: readonly AgentId[],
  partial: boolean,
): fc.Arbitrary<JurorVerdict> {
  const judged = fc.oneof(
    { weight: 6, arbitrary: fc.constant(bidders) },
    { weight: partial ? 1 : 0, arbitrary: fc.constant(bidders.filter((id) => id === jurorId)) },
  );
  return judged.chain((ids) =>
    fc
      .tuple(...ids.map((id) => fc.integer({ min: 0, max: 5 }).map((score) => [id, score] as const)))
      .map((scores) => ({ jurorId, scores: fromPairs(scores) })),
  );
}

export interface AuctionShape {
  /** Fewest valid bids; 1 unless told. */
  readonly minBids?: number;
  readonly minJurors?: number;
  /** Entropies of first bids; any, and now and then none, unless told. */
  readonly entropy?: fc.Arbitrary<number | null>;
  /** Entropies of refined bids; as of the first ones unless told. */
  readonly refinedEntropy?: fc.Arbitrary<number | null>;
  readonly rules?: fc.Arbitrary<AuctionRules>;
  /** Whether a juror may have judged itself alone; yes unless told. */
  readonly partial?: boolean;
}

const POOL_IDS = Array.from({ length: 6 }, (_, at) => agentId(`agent-${at}`));
const anyEntropy = fc.option(someEntropy, { freq: 8 });

/** The first round of an auction of 1 to 6 agents: some bid, some judge. */
export function auctions(shape: AuctionShape = {}): fc.Arbitrary<AuctionRecord> {
  const { minBids = 1, minJurors = 0, entropy = anyEntropy, rules = anyRules, partial = true } = shape;
  return fc
    .integer({ min: Math.max(1, minBids, minJurors), max: POOL_IDS.length })
    .chain((size) => fc.shuffledSubarray(POOL_IDS.slice(0, size), { minLength: size }))
    .chain((ids) =>
      fc.tuple(...ids.map((id) => price.map((own): Candidate => ({ agentId: id, price: own })))),
    )
    .chain((pool) =>
      fc.record({
        pool: fc.constant(pool),
        weights: weightsOf(pool),
        rules,
        seed: seeds,
        bidders: fc.shuffledSubarray(pool, { minLength: minBids }),
        jurors: fc.shuffledSubarray(pool, { minLength: minJurors }),
      }),
    )
    .chain(({ pool, weights, rules: drawn, seed, bidders, jurors }) =>
      fc.record({
        policy: fc.constant(policyOf(drawn, weights)),
        seed: fc.constant(seed),
        pool: fc.constant(pool),
        first: fc.record({
          bids: fc.tuple(...bidders.map((agent) => figures(agent, entropy))),
          verdicts: verdictsOf(jurors, bidders, partial),
        }),
        refined: fc.constant(null),
      }),
    );
}

/**
 * Auctions with a second round: any agents of the pool sent a refined bid, more often those that may, and some jurors
 * judged them and the provisional winner.
 */
export function refinedAuctions(shape: AuctionShape = {}): fc.Arbitrary<AuctionRecord> {
  const { minJurors = 0, entropy = anyEntropy, refinedEntropy = entropy, partial = true } = shape;
  const any = auctions({ minBids: 2, ...shape });
  const open = any.filter((record) => refinersOf(record).cheaper.length > 0);
  return fc.oneof({ weight: 4, arbitrary: open }, { weight: 1, arbitrary: any }).chain((record) => {
    const { leader, cheaper } = refinersOf(record);
    return fc
      .record({
        refining: fc.oneof(
          {
            weight: 5,
            arbitrary: fc.shuffledSubarray([...cheaper], { minLength: Math.min(1, cheaper.length) }),
          },
          { weight: 1, arbitrary: fc.shuffledSubarray([...record.pool]) },
        ),
        jurors: fc.shuffledSubarray([...record.pool], { minLength: minJurors }),
      })
      .chain(({ refining, jurors }) => {
        const judged = record.pool.filter(
          (agent) => agent.agentId === leader?.agentId || refining.includes(agent),
        );
        return fc.record({
          bids: fc.tuple(...refining.map((agent) => figures(agent, refinedEntropy))),
          verdicts: verdictsOf(jurors, judged, partial),
        });
      })
      .map((refined) => ({ ...record, refined }));
  });
}

function refinersOf(record: AuctionRecord): {
  readonly leader: BidFigures | undefined;
  readonly cheaper: readonly Candidate[];
} {
  const first = rankFirstRound(record);
  const leader = first.ok ? first.value.ranking[0] : undefined;
  const bidders = new Set(record.first.bids.map((bid) => bid.agentId));
  const cheaper = record.pool.filter(
    (agent) => bidders.has(agent.agentId) && agent.price < (leader?.price ?? 0),
  );
  return { leader, cheaper };
}

function policyOf(rules: AuctionRules, weights: Weights): Policy {
  return { name: "drawn", version: 1, rules, weights, maxStrategyTokens: 600 };
}

function verdictsOf(
  jurors: readonly Candidate[],
  bidders: readonly Candidate[],
  partial: boolean,
): fc.Arbitrary<JurorVerdict[]> {
  const ids = bidders.map((agent) => agent.agentId);
  return fc.tuple(...jurors.map((juror) => verdict(juror.agentId, ids, partial)));
}

/** The same auction with one bid of the first round replaced. */
export function withBid(record: AuctionRecord, bid: BidFigures): AuctionRecord {
  const bids = record.first.bids.map((other) => (other.agentId === bid.agentId ? bid : other));
  return { ...record, first: { ...record.first, bids } };
}

/** One juror's score of one bid raised by some points, to 5 at most. */
export function raised(
  verdicts: readonly JurorVerdict[],
  raise: { readonly at: number; readonly bidder: AgentId; readonly by: number },
): JurorVerdict[] {
  return verdicts.map((one, at) => {
    const score = one.scores[raise.bidder];
    if (at !== raise.at || score === undefined) return one;
    return { ...one, scores: { ...one.scores, [raise.bidder]: Math.min(5, score + raise.by) } };
  });
}

/** Usages in which cached and written input are parts of all input, as providers report it. */
export const usage: fc.Arbitrary<TokenUsage> = fc
  .record({
    fresh: fc.nat({ max: 2_000_000 }),
    cachedInputTokens: fc.nat({ max: 2_000_000 }),
    cacheWriteTokens: fc.nat({ max: 2_000_000 }),
    outputTokens: fc.nat({ max: 200_000 }),
    reasoningTokens: fc.nat({ max: 200_000 }),
  })
  .map(({ fresh, ...rest }) => ({
    ...rest,
    inputTokens: fresh + rest.cachedInputTokens + rest.cacheWriteTokens,
    reasoningTokens: Math.min(rest.reasoningTokens, rest.outputTokens),
  }));
