/** What is recorded of an auction: bids and verdicts as they arrived, with what they cost. */
import type { CallFailureReason, StartedCall } from "./call.ts";
import type { Agent } from "./agent.ts";
import type { AgentId, AuctionId, BidId, TaskId, TenantId } from "./ids.ts";
import type { Micros, TokenUsage } from "./money.ts";
import type { AuctionRecord as ClearingRecord, RoundRecord } from "./clear.ts";
import type { ContrastivePair } from "./memory.ts";
import type { Policy } from "./policy.ts";
import { outputPrice } from "./agent.ts";
import type { BidFigures, JurorVerdict } from "./score.ts";
import type { QuoteOrder } from "./sale/quote.ts";
import type { TaskSpec } from "./task.ts";
import type { AllowedTool } from "./tools/tenant-tool.ts";

/** All that an auction needs, frozen at admission: later changes of pool, prices or weights do not touch it. */
export interface Opening {
  readonly taskId: TaskId;
  readonly tenantId: TenantId;
  readonly auctionId: AuctionId;
  /** Position in the tenant's history, from 1 without gaps. */
  readonly sequence: number;
  readonly spec: TaskSpec;
  /** The tenant's own tools that the task allows, as models are shown them; absent: none, or from before there were any. */
  readonly tools?: readonly AllowedTool[];
  readonly pool: readonly Agent[];
  readonly policy: Policy;
  /** 0 to 2^31 − 1: every draw of the auction comes from it. */
  readonly seed: number;
  /**
   * The calls for first bids, at their bounds: they count as started from admission on, so that its holder asks at once,
   * while the task's room is being made. Empty where nobody was given the auction at admission.
   */
  readonly firstCalls: readonly StartedCall[];
  /** What its calls may cost until the market room allows more; null: from before there were holds, no limit. */
  readonly allowanceMicros: Micros | null;
  /** Absent: the environment's hold. */
  readonly callDeadlines?: CallDeadlines;
  readonly admittedAtMs: number;
  /** Of a quote, this is its auction's alone: the task's own time begins with the acceptance. */
  readonly deadlineAtMs: number;
  /** Null or absent: a task, which is awarded as soon as its auction clears. */
  readonly quote?: QuoteOrder | null;
}

/** How long an auction waits for each bid and each verdict, in milliseconds; null, or more: as its environment does. */
export interface CallDeadlines {
  readonly bidMs: number | null;
  readonly juryMs: number | null;
}

/** What openings lack from before calls were counted with the admission, and before there were holds. */
export const NO_FIRST_CALLS = { firstCalls: [], allowanceMicros: null } as const;

/** 1: all bids; 2: refined bids against the provisional winner. */
export type Round = 1 | 2;

/** An agent that was asked to refine, and what it was shown. */
export interface RefinementRecord {
  readonly agentId: AgentId;
  readonly pairs: readonly ContrastivePair[];
}

/** An agent's answer to the call for bids. */
export type BidRecord = {
  readonly bidId: BidId;
  /** 1: first bid; 2: refined. */
  readonly round: Round;
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
  readonly round: Round;
  readonly ms: number;
  readonly usage: TokenUsage | null;
  readonly costMicros: Micros;
} & (
  | {
      readonly status: "scored";
      readonly scores: Readonly<Record<AgentId, number>>;
      /**
       * Bids that the juror failed on when it was asked about each alone, though it could judge others: a bid that makes
       * a juror fail gets 0 from it, so that nobody gains by it. Mostly empty.
       */
      readonly failedOn: Readonly<Record<AgentId, CallFailureReason>>;
    }
  | { readonly status: "left"; readonly reason: CallFailureReason; readonly message: string }
);

/** What is recorded of an auction's calls, in both rounds. */
export interface AuctionAnswers {
  readonly bids: readonly BidRecord[];
  readonly verdicts: readonly VerdictRecord[];
}

/** The record that clearing decides on: figures only, in an order that does not depend on who answered first. */
export function clearingRecord(
  auction: Pick<Opening, "pool" | "policy" | "seed">,
  answers: AuctionAnswers,
): ClearingRecord {
  const { pool, policy, seed } = auction;
  return {
    policy,
    seed,
    pool: pool.map((agent) => ({ agentId: agent.id, price: outputPrice(agent) })),
    first: roundRecord(pool, answers, 1),
    refined: answers.bids.some((bid) => bid.round === 2) ? roundRecord(pool, answers, 2) : null,
  };
}

function roundRecord(pool: readonly Agent[], { bids, verdicts }: AuctionAnswers, round: Round): RoundRecord {
  return {
    bids: bidFigures(
      pool,
      bids.filter((bid) => bid.round === round),
    ),
    verdicts: jurorVerdicts(verdicts.filter((verdict) => verdict.round === round)),
  };
}

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
