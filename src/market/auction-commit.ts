/** What happened in an auction and is recorded together: how its holder tells the task's room. */
import type { BidRecord, RefinementRecord, VerdictRecord } from "./auction-record.ts";
import type { EndedCall, StartedCall } from "./call.ts";
import type { AgentId } from "./ids.ts";

/** The task's vector for the memory; null where the model gave none that can be used. */
export interface EmbeddingRecord {
  readonly vector: readonly number[] | null;
}

export interface AuctionCommit {
  /** Bills of calls, whatever becomes of what they brought. */
  readonly ended: readonly EndedCall[];
  readonly bids: readonly { readonly call: EndedCall; readonly bid: BidRecord }[];
  /** A verdict may have taken several calls: one per bid, or a batch and then one per bid. */
  readonly verdicts: readonly { readonly calls: readonly EndedCall[]; readonly verdict: VerdictRecord }[];
  /** Decides once who is asked to refine: the first decision stands. */
  readonly refinement: {
    readonly provisionalWinner: AgentId;
    readonly refinements: readonly RefinementRecord[];
  } | null;
  /** The first one stands. */
  readonly embedding: (EmbeddingRecord & { readonly call: EndedCall }) | null;
  /** Calls that are made once this stands. */
  readonly started: readonly StartedCall[];
}

/** Parts that came one after the other, as one commit. */
export function joinCommits(parts: readonly Partial<AuctionCommit>[]): AuctionCommit {
  return {
    ended: parts.flatMap(({ ended }) => ended ?? []),
    bids: parts.flatMap(({ bids }) => bids ?? []),
    verdicts: parts.flatMap(({ verdicts }) => verdicts ?? []),
    refinement: parts.find(({ refinement }) => refinement != null)?.refinement ?? null,
    embedding: parts.find(({ embedding }) => embedding != null)?.embedding ?? null,
    started: parts.flatMap(({ started }) => started ?? []),
  };
}
