/** Ends a reply before the first stop sequence, as providers do: the sequence itself is not returned. */
import type { ChatReply, TokenLogprobs } from "../chat.ts";

export function applyStop(reply: ChatReply, stops: readonly string[]): ChatReply {
  const content = reply.content;
  if (content === null) return reply;
  const ends = stops.map((stop) => content.indexOf(stop)).filter((index) => index >= 0);
  if (ends.length === 0) return reply;
  const kept = content.slice(0, Math.min(...ends));
  const visible = reply.usage.completionTokens - reply.usage.reasoningTokens;
  const share = content.length === 0 ? 0 : kept.length / content.length;
  return {
    ...reply,
    content: kept,
    toolCalls: [],
    finishReason: "stop",
    logprobs: reply.logprobs === null ? null : tokensWithin(reply.logprobs, kept.length),
    usage: { ...reply.usage, completionTokens: reply.usage.reasoningTokens + Math.ceil(visible * share) },
  };
}

function tokensWithin(tokens: readonly TokenLogprobs[], length: number): TokenLogprobs[] {
  let end = 0;
  return tokens.filter((token) => {
    end += token.token.length;
    return end <= length;
  });
}
