/** One auction of the paper's pool in round numbers: the terms of its scores are worked out in the tests that use it. */
import {
  clearAuction,
  type AuctionRecord,
  type Candidate,
  type Clearing,
  type Ranking,
} from "../../../../src/market/clear.ts";
import { outputPrice } from "../../../../src/market/agent.ts";
import type { AgentId } from "../../../../src/market/ids.ts";
import type { Policy } from "../../../../src/market/policy.ts";
import type { BidFigures, JurorVerdict } from "../../../../src/market/score.ts";
import { agentId, aPolicy, aPool } from "../../../support/builders.ts";

export const TINY = agentId("tiny");
export const SMALL = agentId("small");
export const MEDIUM = agentId("medium");
export const LARGE = agentId("large");

export const CANDIDATES: readonly Candidate[] = aPool().map((agent) => ({
  agentId: agent.id,
  price: outputPrice(agent),
}));

const JURORS: Readonly<Record<AgentId, number>> = {
  [TINY]: 0.05,
  [SMALL]: 0.05,
  [MEDIUM]: 0.05,
  [LARGE]: 0.05,
};

/** `sale`, or another of its kind, with w_c = 0.001, w_h = 0.1, w_j = 0.05. */
export function handPolicy(name = "sale", cost = 0.001): Policy {
  return { ...aPolicy(name), weights: { cost, entropy: 0.1, jurors: JURORS } };
}

export const BIDS: readonly BidFigures[] = [
  { agentId: TINY, price: 0.05, tokens: 400, entropy: 0.8 },
  { agentId: SMALL, price: 0.09, tokens: 300, entropy: 0.6 },
  { agentId: MEDIUM, price: 0.16, tokens: 250, entropy: 0.4 },
  { agentId: LARGE, price: 0.36, tokens: 200, entropy: 0.2 },
];

const scores = (tiny: number, small: number, medium: number, large: number) => ({
  [TINY]: tiny,
  [SMALL]: small,
  [MEDIUM]: medium,
  [LARGE]: large,
});

export const VERDICTS: readonly JurorVerdict[] = [
  { jurorId: TINY, scores: scores(5, 4, 4, 4) },
  { jurorId: SMALL, scores: scores(2, 4, 4, 4) },
  { jurorId: MEDIUM, scores: scores(1, 3, 4, 5) },
  { jurorId: LARGE, scores: scores(1, 3, 4, 5) },
];

export const AUCTION: AuctionRecord = {
  policy: handPolicy(),
  seed: 7,
  pool: CANDIDATES,
  first: { bids: BIDS, verdicts: VERDICTS },
  refined: null,
};

/** What the hand-worked auction clears to with some of its parts replaced. */
export function cleared(record: Partial<AuctionRecord> = {}): Clearing {
  const clearing = clearAuction({ ...AUCTION, ...record });
  if (!clearing.ok) throw new Error(clearing.failure.reason);
  return clearing.value;
}

/** The first round of the same. */
export function ranked(record: Partial<AuctionRecord> = {}): Ranking {
  const { first } = cleared(record);
  if (first === null) throw new Error("no auction was held");
  return first;
}
