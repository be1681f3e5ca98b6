/** Asks an agent for its strategy; one that is too long is asked once more (auction.md, "An agent that fails to bid"). */
import type { CallFailure } from "../market/call.ts";
import type { TopLogprobs } from "../market/entropy.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { AgentCall } from "./agent-call.ts";
import { sendDegrading } from "./calls/send-degrading.ts";
import type { BidAnswer } from "./model-port.ts";
import { bidOutputTokens } from "./output-limits.ts";
import { strategyPrompt, type StrategyPromptInput } from "./prompts/strategy-prompt.ts";
import { NO_FEATURES, type TextReply } from "./providers/provider.ts";
import { visibleTokens } from "./visible-tokens.ts";

/** What Qwen3 and Workers AI sample with by default, said aloud so that it does not change under us. */
const BID_TEMPERATURE = 0.6;

type BidInput = StrategyPromptInput & { readonly seed: number };

/** Added to the same prompt: a conversation with the long strategy in it would cost its length again. */
export function overLengthNote(length: { readonly tokens: number; readonly maxTokens: number }): string {
  return `\n\nYour first strategy had ${length.tokens} tokens; at most ${length.maxTokens} are allowed. Write a shorter one.`;
}

export async function askBid(ask: AgentCall, input: BidInput): Promise<Result<BidAnswer, CallFailure>> {
  const first = await send(ask, input, "");
  if (!first.ok) return first;
  const bid = bidOf(first.value);
  if (bid === null) return fail({ reason: "empty", message: "the model wrote no strategy" });
  if (bid.visibleTokens <= input.maxTokens) return ok(bid);
  const length = { tokens: bid.visibleTokens, maxTokens: input.maxTokens };
  // The second answer takes about as long as the first.
  if (!ask.call.canSend(ask.call.elapsedMs)) return tooLong(length);
  const second = await send(ask, input, overLengthNote(length));
  if (!second.ok) return second;
  const shorter = bidOf(second.value);
  if (shorter === null)
    return fail({ reason: "empty", message: "the model wrote no strategy when asked for a shorter one" });
  if (shorter.visibleTokens <= input.maxTokens) return ok(shorter);
  return tooLong({ tokens: shorter.visibleTokens, maxTokens: input.maxTokens });
}

function tooLong(length: {
  readonly tokens: number;
  readonly maxTokens: number;
}): Result<never, CallFailure> {
  const message = `the strategy has ${length.tokens} tokens, at most ${length.maxTokens} are allowed`;
  return fail({ reason: "too_long", message });
}

async function send(ask: AgentCall, input: BidInput, note: string): Promise<Result<TextReply, CallFailure>> {
  const { agent, provider, name, call, plain } = ask;
  const { system, user } = strategyPrompt(input);
  const wanted = { ...NO_FEATURES, seed: input.seed, topLogprobs: agent.topLogprobs };
  return sendDegrading(call, { name, kind: "bid", wanted, plain }, async (optional, signal) => {
    const maxOutputTokens = bidOutputTokens(agent, input);
    return provider.text(
      { system, user: `${user}${note}`, maxOutputTokens, temperature: BID_TEMPERATURE, optional },
      signal,
    );
  });
}

function bidOf(reply: TextReply): BidAnswer | null {
  const strategy = reply.text.trim();
  if (strategy === "") return null;
  const tokens = visibleTokens(reply);
  return { strategy, visibleTokens: tokens, topLogprobs: ofStrategy(reply.topLogprobs, tokens) };
}

/** Endpoints that return log-probabilities of reasoning, too, put it first: H(s) is of the strategy alone. */
function ofStrategy(positions: TopLogprobs | null, tokens: number): TopLogprobs | null {
  return positions !== null && positions.length > tokens ? positions.slice(-tokens) : positions;
}
