/** Builders of training auctions: two agents, `agt_a` at 1 USD per Mtok and `agt_b` at 2, judged by `agt_a` alone. */
import type { TrainingAuction, TrainingBid } from "../../../src/market/fit/training-auction.ts";
import type { AgentId, AuctionId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";

export const A = "agt_a" as AgentId;
export const B = "agt_b" as AgentId;
export const C = "agt_c" as AgentId;

export function aTrainingBid(fields: Partial<TrainingBid> = {}): TrainingBid {
  return { agentId: A, price: 1, tokens: 100, entropy: 0.5, scores: { [A]: 3 }, ...fields };
}

/** `agt_a` passes for 10 micro-USD, `agt_b` fails for 40; the juror gives 5 and 3. */
export function aTrainingAuction(n: number, fields: Partial<TrainingAuction> = {}): TrainingAuction {
  return {
    auctionId: `auc_${String(n).padStart(4, "0")}` as AuctionId,
    bids: [
      aTrainingBid({ agentId: A, price: 1, scores: { [A]: 5 } }),
      aTrainingBid({ agentId: B, price: 2, scores: { [A]: 3 } }),
    ],
    outcomes: { [A]: "pass", [B]: "fail" },
    traceCostMicros: { [A]: asMicros(10), [B]: asMicros(40) },
    jurors: [A],
    ...fields,
  };
}
