/** Steps 1 and 5: strategies. All agents bid at the same moment; cheaper ones may be asked for a refined bid. */
import type { Answer, BidAnswer } from "../agents/model-port.ts";
import type { RefinementInput, StrategyPromptInput } from "../agents/prompts/strategy-prompt.ts";
import type { Agent } from "../market/agent.ts";
import type { BidRecord, Opening, Round } from "../market/auction-record.ts";
import type { StartedCall } from "../market/call.ts";
import { drawNonce } from "../market/draw.ts";
import { meanTokenEntropy } from "../market/entropy.ts";
import { newId, type AgentId, type BidId } from "../market/ids.ts";
import type { AuctionPlan, AuctionRun } from "./auction-run.ts";
import { billedCost, billedUsage } from "./billed.ts";
import { answerMs, limitsFor, makeCall, notMade, startedCall, type PlannedCall } from "./calls.ts";
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

/** What bids are planned from. */
export interface BidPlan {
  readonly deps: Pick<AuctionPlan["deps"], "config" | "models" | "toolMenu">;
  readonly opening: Pick<Opening, "spec" | "tools" | "pool" | "policy" | "seed">;
}

/** A bid that is on its way. */
export interface PendingBid {
  readonly agentId: AgentId;
  /** The bid, as soon as the agent answered. */
  readonly arrived: Promise<BidRecord>;
}

/** The calls of all first bids, those that admission counted as it did; none where the policy holds no auction. */
export function planFirstBids(plan: BidPlan & { readonly opening: Opening }): BidCall[] {
  const { firstCalls, policy, pool } = plan.opening;
  const counted = new Map(firstCalls.map((call) => [call.agentId, call]));
  const agents = policy.rules.kind === "auction" ? pool : [];
  return planBids(plan, { round: 1, agents, refinements: new Map() }).map((call) => ({
    ...call,
    started: counted.get(call.agent.id) ?? call.started,
  }));
}

export function planBids(plan: BidPlan, { round, agents, refinements }: BidRound): BidCall[] {
  const { deps, opening } = plan;
  // Names and descriptions only: the input may travel to another invocation, and a tool's code cannot.
  const menu = deps.toolMenu(opening.spec.tools, opening.tools ?? []);
  const tools = menu.map(({ name, description }) => ({ name, description }));
  return agents.map((agent) => {
    const input: StrategyPromptInput & { readonly seed: number } = {
      task: opening.spec.prompt,
      tools,
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
    const asked = started.then(
      () => makeCall(run, call.started, { call, limits: limitsFor(run, answerMs(run, "bid")) }),
      (error: unknown) => notMade<BidAnswer>(call.started, error),
    );
    const arrived = asked.then(({ ended, answer }) => {
      const bidId = newId("bid", run.deps.config.source);
      const bid = bidRecord({ bidId, round, agent: call.agent }, answer);
      run.log.add({ bids: [{ call: ended, bid }] });
      return bid;
    });
    return { agentId: call.agent.id, arrived };
  });
}

/** A bid that stands already. */
export function standingBid(bid: BidRecord): PendingBid {
  return { agentId: bid.agentId, arrived: Promise.resolve(bid) };
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
