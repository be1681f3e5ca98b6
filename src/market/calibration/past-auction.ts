/**
 * What a calibration run needs of the past auction: the task, and what each agent would have gone to work with.
 *
 * The seed is the auction's own, so that the run is the one that an award would have started: the same prompt, the
 * same plan, the same draws.
 */
import type { Agent } from "../agent.ts";
import type { Opening, BidRecord } from "../auction-record.ts";
import type { AgentId, AuctionId } from "../ids.ts";
import type { TaskSpec } from "../task.ts";

/** An agent that made a valid first bid, as it was then. */
export interface PastBidder {
  readonly agentId: AgentId;
  readonly provider: Agent["provider"];
  readonly model: string;
  readonly strategy: string;
}

export interface PastAuction {
  readonly auctionId: AuctionId;
  readonly seed: number;
  readonly spec: TaskSpec;
  readonly bidders: readonly PastBidder[];
}

export function pastAuction(opening: Opening, bids: readonly BidRecord[]): PastAuction {
  const { auctionId, seed, spec, pool } = opening;
  const bidders = bids.flatMap((bid): PastBidder[] => {
    const agent = pool.find(({ id }) => id === bid.agentId);
    if (bid.round !== 1 || bid.status !== "valid" || agent === undefined) return [];
    const { id: agentId, provider, model } = agent;
    return [{ agentId, provider, model, strategy: bid.strategy }];
  });
  return { auctionId, seed, spec, bidders };
}

/** False where the agent's id now names another model: what it would do says nothing about what that one bid. */
export function isStillThatBidder(bidder: PastBidder, agent: Pick<Agent, "provider" | "model">): boolean {
  return bidder.provider === agent.provider && bidder.model === agent.model;
}
