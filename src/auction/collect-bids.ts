/** Steps 1 and 5: strategies. All agents bid at the same moment; cheaper ones may be asked for a refined bid. */
import type { Answer, BidAnswer } from "../agents/model-port.ts";
import type { RefinementInput, StrategyPromptInput } from "../agents/prompts/strategy-prompt.ts";
import type { Agent } from "../market/agent.ts";
import type { BidRecord, Round } from "../market/auction-record.ts";
import type { StartedCall } from "../market/call.ts";
import { drawNonce } from "../market/draw.ts";
import { meanTokenEntropy } from "../market/entropy.ts";
import { newId, type AgentId, type BidId } from "../market/ids.ts";
import type { AuctionPlan, AuctionRun } from "./auction-run.ts";
import { billedCost, billedUsage } from "./billed.ts";
import { limitsFor, makeCall, startedCall, type PlannedCall } from "./calls.ts";
import { tellFailure } from "./tell-failure.ts";

export interface BidRound {
  readonly round: Round;
  readonly agents: readonly Agent[];
  /** What each is shown in the second round. */
  readonly refinements: ReadonlyMap<AgentId, RefinementInput>;
}

/** A call for a bid, ready to be recorded and made. */
export interface BidCall extends PlannedCall<BidAnswer> {
  readonly started: StartedCall;
}

/** A bid that is on its way. */
export interface PendingBid {
  readonly agentId: AgentId;
  /** The bid, as soon as the agent answered. */
  readonly arrived: Promise<BidRecord>;
  /** Once the bid is committed. Rejects as `arrived` does, and where the commit fails. */
  readonly committed: Promise<void>;
}

export function planBids(plan: AuctionPlan, { round, agents, refinements }: BidRound): BidCall[] {
  const { deps, opening } = plan;
  return agents.map((agent) => {
    const input: StrategyPromptInput & { readonly seed: number } = {
      task: opening.spec.prompt,
      // Names and descriptions only: the input may travel to another invocation, and a tool's code cannot.
      tools: deps.toolMenu(opening.spec.tools).map(({ name, description }) => ({ name, description })),
      maxTokens: opening.policy.maxStrategyTokens,
      nonce: drawNonce(opening.seed, `bid/${round}/${agent.id}`),
      seed: opening.seed,
      refinement: refinements.get(agent.id) ?? null,
    };
    const boundMicros = deps.models.bidBound(agent, input);
    const started = startedCall(plan, round === 1 ? "bid" : "refine", { agent, boundMicros });
    return { agent, boundMicros, started, ask: (limits) => deps.models.bid(agent, input, limits) };
  });
}

/** Asks for bids whose calls are recorded as started once `started` resolves. */
export function askForBids(
  run: AuctionRun,
  { round, calls, started }: { round: Round; calls: readonly BidCall[]; started: Promise<void> },
): PendingBid[] {
  return calls.map((call) => {
    const asked = started.then(() => {
      const limits = limitsFor(run, run.deps.config.auctionBidMs);
      return makeCall(run, call.started, { call, limits });
    });
    const bid = asked.then(({ ended, answer }) => {
      const bidId = newId("bid", run.deps.config.source);
      return { call: ended, bid: bidRecord({ bidId, round, agent: call.agent }, answer) };
    });
    return {
      agentId: call.agent.id,
      arrived: bid.then((arrived) => arrived.bid),
      committed: bid.then((arrived) => run.log.commit({ bids: [arrived] })),
    };
  });
}

/** A bid that stands already. */
export function standingBid(bid: BidRecord): PendingBid {
  return { agentId: bid.agentId, arrived: Promise.resolve(bid), committed: Promise.resolve() };
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
