/** Step 1: every agent of the pool gets the task at the same moment and answers with a strategy. */
import type { Answer, BidAnswer } from "../agents/model-port.ts";
import type { BidPromptInput } from "../agents/prompts/bid-prompt.ts";
import type { Agent } from "../market/agent.ts";
import type { BidRecord } from "../market/auction-record.ts";
import { drawNonce } from "../market/draw.ts";
import { meanTokenEntropy } from "../market/entropy.ts";
import { newId, type BidId } from "../market/ids.ts";
import { billedCost, billedUsage } from "./billed.ts";
import { tellFailure } from "./tell-failure.ts";
import { askAll } from "./phase.ts";
import type { AuctionRun } from "./auction-run.ts";

/** All bids of the auction, those committed before and those asked for now. @throws AuctionAborted */
export async function collectBids(run: AuctionRun): Promise<readonly BidRecord[]> {
  const { opening } = run.desk;
  const bids = [...run.desk.bids];
  const missing = opening.pool.filter((agent) => !bids.some((bid) => bid.agentId === agent.id));
  const input = (agent: Agent): BidPromptInput & { seed: number } => ({
    task: opening.spec.prompt,
    tools: run.deps.toolMenu(opening.spec.tools),
    maxTokens: opening.policy.maxStrategyTokens,
    nonce: drawNonce(opening.seed, `bid/${agent.id}`),
    seed: opening.seed,
  });
  await askAll<BidAnswer>(run, {
    kind: "bid",
    agents: missing,
    durationMs: run.deps.config.auctionBidMs,
    bound: (agent) => run.deps.models.bidBound(agent, input(agent)),
    ask: (agent, limits) => run.deps.models.bid(agent, input(agent), limits),
    commit: async (agent, call, answer) => {
      const bid = bidRecord(newId("bid", run.deps.config.source), agent, answer);
      bids.push(bid);
      return run.task.recordBid(run.generation, call, bid);
    },
  });
  return bids;
}

function bidRecord(bidId: BidId, agent: Agent, answer: Answer<BidAnswer>): BidRecord {
  const common = {
    bidId,
    agentId: agent.id,
    ms: answer.ms,
    usage: billedUsage(answer.bill),
    costMicros: billedCost(answer.bill),
  };
  if (!answer.ok) return { ...common, status: "abstained", ...tellFailure(common.agentId, answer.failure) };
  const { strategy, visibleTokens, topLogprobs } = answer.value;
  return {
    ...common,
    status: "valid",
    strategy,
    visibleTokens,
    entropy: topLogprobs === null ? null : meanTokenEntropy(topLogprobs),
    entropyTopK: topLogprobs === null ? null : agent.topLogprobs,
  };
}
