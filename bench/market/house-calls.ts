/**
 * The market's calls, answered by the house models in this process.
 *
 * Prompts, ballots, entropy and the reading of verdicts are production's own. The models are pure in the request, so
 * answers are kept by what they depend on: arms that ask the same thing get the same answer (common random numbers).
 */
import { hash } from "node:crypto";
import type { ChatReply, ChatRequest, EmulatedModel } from "../../emulators/chat.ts";
import { chatRequest, TRACE_TOOLS } from "../../emulators/house/drive.ts";
import { createHouseModels, houseModel } from "../../emulators/house/index.ts";
import { juryPrompt } from "../../src/agents/prompts/jury-prompt.ts";
import { strategyPrompt, type RefinementInput } from "../../src/agents/prompts/strategy-prompt.ts";
import { bidOutputTokens, juryOutputTokens } from "../../src/agents/output-limits.ts";
import { readVerdicts, verdictsJsonSchema } from "../../src/agents/read-verdicts.ts";
import type { Ballot } from "../../src/auction/jury.ts";
import type { Agent } from "../../src/market/agent.ts";
import type { BidRecord, Round, VerdictRecord } from "../../src/market/auction-record.ts";
import { drawNonce } from "../../src/market/draw.ts";
import { meanTokenEntropy } from "../../src/market/entropy.ts";
import type { BidId } from "../../src/market/ids.ts";
import { callCost, type TokenUsage } from "../../src/market/money.ts";
import type { AuctionTask } from "./run-auction.ts";

export type ValidBid = Extract<BidRecord, { readonly status: "valid" }>;

/** Tools as bidders are told of them. */
const TOOLS = TRACE_TOOLS.filter((tool) => tool.name !== "submit");
export const TOOL_NAMES: readonly string[] = TOOLS.map((tool) => tool.name);

export interface BidCall {
  readonly task: AuctionTask;
  readonly agent: Agent;
  readonly maxTokens: number;
  /** Null: a first bid. */
  readonly refinement: RefinementInput | null;
  /** Most that pairs add to a refined plan's quality. */
  readonly refinementGain: number;
}

export interface HouseCalls {
  bid(call: BidCall): ValidBid;
  judge(task: AuctionTask, round: Round, ballot: Ballot): VerdictRecord;
}

/** Calls for one order of tasks; keeps answers as long as it lives. */
export function createHouseCalls(): HouseCalls {
  const models = kept(String, (gain: number) => createHouseModels(undefined, { refinementGain: gain }));
  const modelOf = (agent: Agent, gain = 0) => houseModel(agent.model, models(gain)) as EmulatedModel;
  return {
    bid: kept(bidKey, (call: BidCall) => askBid(modelOf(call.agent, call.refinementGain), call)),
    judge: kept(judgeKey, (task: AuctionTask, round: Round, ballot: Ballot) =>
      askVerdict(modelOf(ballot.juror), { task, round, ballot }),
    ),
  };
}

function bidKey({ task, agent, refinement, refinementGain }: BidCall): string {
  if (refinement === null) return `${task.seed} ${agent.id}`;
  const shown = refinement.pairs.flatMap((pair) => [
    pair.task,
    pair.losing,
    pair.winning,
    `${pair.verified}`,
  ]);
  return `${task.seed} ${agent.id} ${refinementGain} ${hash("sha1", shown.join("\u0000"))}`;
}

function judgeKey(task: AuctionTask, round: Round, { juror, entries }: Ballot): string {
  const seen = entries.map(({ bid }) => `${bid.agentId} ${bid.strategy}`).join("\u0000");
  return `${task.seed} ${round} ${juror.id} ${hash("sha1", seen)}`;
}

function kept<Args extends readonly unknown[], T>(
  keyOf: (...args: Args) => string,
  make: (...args: Args) => T,
): (...args: Args) => T {
  const answers = new Map<string, T>();
  return (...args) => {
    const key = keyOf(...args);
    const known = answers.get(key);
    if (known !== undefined) return known;
    const made = make(...args);
    answers.set(key, made);
    return made;
  };
}

function askBid(model: EmulatedModel, { task, agent, maxTokens, refinement }: BidCall): ValidBid {
  const round = refinement === null ? 1 : 2;
  const prompt = strategyPrompt({
    task: task.prompt,
    tools: TOOLS,
    maxTokens,
    nonce: drawNonce(task.seed, `bid/${round}/${agent.id}`),
    refinement,
  });
  const request: ChatRequest = {
    ...chatRequest(model.id, task.seed, prompt),
    maxTokens: bidOutputTokens(agent, { maxTokens }),
    topLogprobs: agent.topLogprobs,
  };
  const reply = model.reply(request);
  const usage = usageOf(reply);
  const visibleTokens = usage.outputTokens - usage.reasoningTokens;
  if (visibleTokens > maxTokens) throw new Error(`${model.id} wrote ${visibleTokens} tokens`);
  const top = reply.logprobs?.map((position) => position.top.map(({ logprob }) => logprob)) ?? null;
  return {
    bidId: `bid_${round}_${task.index}_${agent.id}` as BidId,
    round,
    agentId: agent.id,
    ms: 0,
    usage,
    costMicros: callCost(usage, agent.prices),
    status: "valid",
    strategy: reply.content ?? "",
    visibleTokens,
    entropy: top === null ? null : meanTokenEntropy(top),
    entropyTopK: top === null ? null : agent.topLogprobs,
  };
}

interface VerdictCall {
  readonly task: AuctionTask;
  readonly round: Round;
  readonly ballot: Ballot;
}

function askVerdict(model: EmulatedModel, { task, round, ballot }: VerdictCall): VerdictRecord {
  const { juror, entries } = ballot;
  const bids = entries.map(({ label, bid }) => ({ label, strategy: bid.strategy }));
  const labels = bids.map(({ label }) => label);
  const nonce = drawNonce(task.seed, `jury/${round}/${juror.id}`);
  const reply = model.reply({
    ...chatRequest(model.id, task.seed, juryPrompt({ task: task.prompt, bids, nonce })),
    responseSchema: verdictsJsonSchema(labels),
    maxTokens: juryOutputTokens(juror, { bids }),
  });
  const read = readVerdicts(reply.content ?? "", labels);
  if (!read.ok) throw new Error(`${model.id}: ${read.failure}`);
  const usage = usageOf(reply);
  return {
    jurorId: juror.id,
    round,
    ms: 0,
    usage,
    costMicros: callCost(usage, juror.prices),
    status: "scored",
    scores: Object.fromEntries(entries.map(({ label, bid }) => [bid.agentId, read.value[label] ?? 0])),
    failedOn: {},
  };
}

/** As providers report it: the house caches nothing between calls of an auction. */
export function usageOf({ usage }: ChatReply): TokenUsage {
  return {
    inputTokens: usage.promptTokens,
    cachedInputTokens: usage.cachedPromptTokens,
    cacheWriteTokens: 0,
    outputTokens: usage.completionTokens,
    reasoningTokens: usage.reasoningTokens,
  };
}
