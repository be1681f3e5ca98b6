/** Random auctions for property tests: any pool, any subset that bids, any subset that judges. */
import fc from "fast-check";
import type { AuctionRecord } from "../../../../src/market/clear.ts";
import type { AgentId } from "../../../../src/market/ids.ts";
import type { TokenUsage } from "../../../../src/market/money.ts";
import type { Policy, Weights } from "../../../../src/market/policy.ts";
import type { BidFigures, JurorVerdict } from "../../../../src/market/score.ts";
import { agentId } from "../../../support/builders.ts";

/** USD per Mtok as `outputPrice` makes it: whole micro-dollars per Mtok. */
const price = fc.integer({ min: 0, max: 25_000_000 }).map((micros) => micros / 1_000_000);
const weight = fc.double({ min: 0, max: 1, noNaN: true });

export const weights: fc.Arbitrary<Weights> = fc.record({ cost: weight, entropy: weight, juror: weight });

export const policy: fc.Arbitrary<Policy> = weights.map((drawn) => ({
  name: "sale",
  version: 1,
  weights: drawn,
  maxStrategyTokens: 600,
}));

const ids = (size: number): AgentId[] => Array.from({ length: size }, (_, at) => agentId(`agent-${at}`));

function figures(id: AgentId, entropy: fc.Arbitrary<number | null>): fc.Arbitrary<BidFigures> {
  return fc.record({
    agentId: fc.constant(id),
    // Few distinct prices and lengths, so that ties are met.
    price: fc.oneof(price, fc.constantFrom(0, 0.05, 0.36)),
    tokens: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constant(200)),
    entropy,
  });
}

function verdict(juror: AgentId, bidders: readonly AgentId[]): fc.Arbitrary<JurorVerdict> {
  return fc
    .array(fc.integer({ min: 0, max: 5 }), { minLength: bidders.length, maxLength: bidders.length })
    .map((scores) => ({
      jurorId: juror,
      scores: Object.fromEntries(bidders.map((bidder, at) => [bidder, scores[at] ?? 0])),
    }));
}

export interface AuctionShape {
  /** Fewest valid bids; 1 unless told. */
  readonly minBids?: number;
  readonly minJurors?: number;
  /** Entropies; any, and now and then none, unless told. */
  readonly entropy?: fc.Arbitrary<number | null>;
}

export const someEntropy = fc.double({ min: 0, max: 3, noNaN: true });

/** An auction of 1 to 6 agents: some bid, some judge, every juror that stayed judged every bid. */
export function auctions(shape: AuctionShape = {}): fc.Arbitrary<AuctionRecord> {
  const { minBids = 1, minJurors = 0, entropy = fc.option(someEntropy, { freq: 8 }) } = shape;
  return fc
    .integer({ min: Math.max(1, minBids, minJurors), max: 6 })
    .chain((size) =>
      fc.record({
        policy,
        poolOrder: fc.shuffledSubarray(ids(size), { minLength: size }),
        bidders: fc.shuffledSubarray(ids(size), { minLength: minBids }),
        jurors: fc.shuffledSubarray(ids(size), { minLength: minJurors }),
      }),
    )
    .chain(({ bidders, jurors, ...rest }) =>
      fc.record({
        policy: fc.constant(rest.policy),
        poolOrder: fc.constant(rest.poolOrder),
        bids: fc.tuple(...bidders.map((id) => figures(id, entropy))),
        verdicts: fc.tuple(...jurors.map((id) => verdict(id, bidders))),
      }),
    );
}

/** The same auction with one bid replaced. */
export function withBid(record: AuctionRecord, bid: BidFigures): AuctionRecord {
  return { ...record, bids: record.bids.map((other) => (other.agentId === bid.agentId ? bid : other)) };
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
