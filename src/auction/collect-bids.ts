/** Steps 1 and 5: strategies. All agents bid at the same moment; cheaper ones may be asked for a refined bid. */
import type { Answer, BidAnswer } from "../agents/model-port.ts";
import type { RefinementInput, StrategyPromptInput } from "../agents/prompts/strategy-prompt.ts";
import type { Agent } from "../market/agent.ts";
import type { BidRecord, Round } from "../market/auction-record.ts";
import { drawNonce } from "../market/draw.ts";
import { meanTokenEntropy } from "../market/entropy.ts";
import { newId, type AgentId, type BidId } from "../market/ids.ts";
import type { AuctionRun } from "./auction-run.ts";
import { billedCost, billedUsage } from "./billed.ts";
import { makeCalls, phaseLimits } from "./phase.ts";
import { tellFailure } from "./tell-failure.ts";

export interface BidRound {
  readonly round: Round;
  /** Who bids; those whose bid of this round is committed are not asked again. */
  readonly agents: readonly Agent[];
  /** What each is shown in the second round. */
  readonly refinements: ReadonlyMap<AgentId, RefinementInput>;
}

/** All bids of a round, those committed before and those asked for now. @throws AuctionAborted */
export async function collectBids(
  run: AuctionRun,
  { round, agents, refinements }: BidRound,
): Promise<readonly BidRecord[]> {
  const { opening } = run.desk;
  const bids = run.desk.bids.filter((bid) => bid.round === round);
  const missing = agents.filter((agent) => !bids.some((bid) => bid.agentId === agent.id));
  const calls = missing.map((agent) => {
    const input: StrategyPromptInput & { readonly seed: number } = {
      task: opening.spec.prompt,
      tools: run.deps.toolMenu(opening.spec.tools),
      maxTokens: opening.policy.maxStrategyTokens,
      nonce: drawNonce(opening.seed, `bid/${round}/${agent.id}`),
      seed: opening.seed,
      refinement: refinements.get(agent.id) ?? null,
    };
    const boundMicros = run.deps.models.bidBound(agent, input);
    return {
      agent,
      boundMicros,
      ask: (limits: Parameters<typeof run.deps.models.bid>[2]) => run.deps.models.bid(agent, input, limits),
    };
  });
  await makeCalls<BidAnswer>(run, {
    kind: round === 1 ? "bid" : "refine",
    limits: phaseLimits(run, run.deps.config.auctionBidMs),
    calls,
    commit: async ({ agent }, { ended, answer }) => {
      const bid = bidRecord({ bidId: newId("bid", run.deps.config.source), round, agent }, answer);
      bids.push(bid);
      return run.task.recordBid(run.generation, ended, bid);
    },
  });
  return bids;
}

function bidRecord(
  { bidId, round, agent }: { readonly bidId: BidId; readonly round: Round; readonly agent: Agent },
  answer: Answer<BidAnswer>,
): BidRecord {
  const common = {
    bidId,
    round,
    agentId: agent.id,
    ms: answer.ms,
    usage: billedUsage(answer.bill),
    costMicros: billedCost(answer.bill),
  };
  if (!answer.ok) return { ...common, status: "abstained", ...tellFailure(agent.id, answer.failure) };
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
