/**
 * Stands in for `emulators/house` in the contract tests, so that they hold the wires and nothing else.
 *
 * Answers with what it was asked: text, JSON where a schema is given, a call of the first tool where there is one.
 */
import type { ChatReply, ChatRequest, EmulatedModel, TokenLogprobs } from "../../../emulators/chat.ts";

const REASONING_TOKENS = 3;
const CACHED_TOKENS = 2;

function tokensOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

function reply(request: ChatRequest): ChatReply {
  const last = request.messages.at(-1);
  const asked = last?.content ?? "";
  const tool = last?.role === "tool" ? undefined : request.tools[0];
  const full =
    request.responseSchema === null
      ? `echo of ${asked}`
      : JSON.stringify({ answer: asked, seed: request.seed });
  const tokens = tool === undefined ? tokensOf(full) : [];
  const kept = request.maxTokens === null ? tokens : tokens.slice(0, request.maxTokens);
  const { topLogprobs } = request;
  return {
    content: tool === undefined ? kept.join("") : null,
    toolCalls:
      tool === undefined
        ? []
        : [{ id: "call_1", name: tool.name, arguments: JSON.stringify({ text: asked }) }],
    finishReason: tool !== undefined ? "tool_calls" : kept.length < tokens.length ? "length" : "stop",
    logprobs: topLogprobs === null ? null : kept.map((token) => logprobs(token, topLogprobs)),
    usage: {
      promptTokens: request.messages.reduce(
        (sum, message) => sum + tokensOf(message.content ?? "").length,
        10,
      ),
      cachedPromptTokens: CACHED_TOKENS,
      completionTokens: kept.length + REASONING_TOKENS,
      reasoningTokens: REASONING_TOKENS,
    },
  };
}

function logprobs(token: string, alternatives: number): TokenLogprobs {
  const top = Array.from({ length: alternatives }, (_, i) => ({
    token: i === 0 ? token : `${token}~${i}`,
    logprob: -0.25 * (i + 1),
  }));
  return { token, logprob: -0.25, top };
}

/** Takes the names of the real house models, which is how clients ask for them. */
export const houseModels: readonly EmulatedModel[] = ["4b", "8b", "14b", "32b"].map((size) => ({
  id: `house-emulated-${size}`,
  latencyMs: () => 1000,
  reply,
}));
