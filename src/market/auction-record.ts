/** What is recorded of an auction: bids and verdicts as they arrived, with what they cost. */
import type { CallFailureReason } from "./call.ts";
import type { Agent } from "./agent.ts";
import type { AgentId, AuctionId, BidId, TaskId, TenantId } from "./ids.ts";
import type { Micros, TokenUsage } from "./money.ts";
import type { Policy } from "./policy.ts";
import { outputPrice } from "./agent.ts";
import type { BidFigures, JurorVerdict } from "./score.ts";
import type { TaskSpec } from "./task.ts";

/** All that an auction needs, frozen at admission: later changes of pool, prices or weights do not touch it. */
export interface Opening {
  readonly taskId: TaskId;
  readonly tenantId: TenantId;
  readonly auctionId: AuctionId;
  /** Position in the tenant's history, from 1 without gaps. */
  readonly sequence: number;
  readonly spec: TaskSpec;
  readonly pool: readonly Agent[];
  readonly policy: Policy;
  /** 0 to 2^31 − 1: every draw of the auction comes from it. */
  readonly seed: number;
  readonly admittedAtMs: number;
  readonly deadlineAtMs: number;
}

/** An agent's answer to the call for bids. */
export type BidRecord = {
  readonly bidId: BidId;
  readonly agentId: AgentId;
  readonly ms: number;
  /** Null where the call never reported usage. */
  readonly usage: TokenUsage | null;
  readonly costMicros: Micros;
} & (
  | {
      readonly status: "valid";
      readonly strategy: string;
      readonly visibleTokens: number;
      /** Nats per token; null where the provider gives no log-probabilities. */
      readonly entropy: number | null;
      /** Alternatives per token that the entropy was computed over. */
      readonly entropyTopK: number | null;
    }
  | { readonly status: "abstained"; readonly reason: AbstainReason; readonly message: string }
);

export type AbstainReason = CallFailureReason;

/** A juror's answer: scores by bidder, or why it left the jury. */
export type VerdictRecord = {
  readonly jurorId: AgentId;
  readonly ms: number;
  readonly usage: TokenUsage | null;
  readonly costMicros: Micros;
} & (
  | { readonly status: "scored"; readonly scores: Readonly<Record<AgentId, number>> }
  | { readonly status: "left"; readonly reason: CallFailureReason; readonly message: string }
);

/** The figures that clearing needs of the recorded bids; abstentions have none. Ordered by agent id. */
export function bidFigures(pool: readonly Agent[], bids: readonly BidRecord[]): BidFigures[] {
  const figures: BidFigures[] = [];
  for (const bid of bids) {
    const agent = pool.find((candidate) => candidate.id === bid.agentId);
    if (bid.status !== "valid" || agent === undefined) continue;
    figures.push({
      agentId: bid.agentId,
      price: outputPrice(agent),
      tokens: bid.visibleTokens,
      entropy: bid.entropy,
    });
  }
  return figures.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
}

/** The scores that clearing needs of the recorded verdicts; jurors that left have none. */
export function jurorVerdicts(verdicts: readonly VerdictRecord[]): JurorVerdict[] {
  return verdicts.flatMap((verdict) =>
    verdict.status === "scored" ? [{ jurorId: verdict.jurorId, scores: verdict.scores }] : [],
  );
}
