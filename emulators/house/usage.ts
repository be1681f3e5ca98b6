/** Token usage as a provider would bill it, by the estimate of `tokens.ts`. */
import type { ChatMessage, ChatRequest, ChatToolCall, ChatUsage } from "../chat.ts";
import { TOKENS_PER_MESSAGE } from "./constants.ts";
import { countTokens } from "./tokens.ts";

/** Tokens of tool calls as the model writes them: name and arguments. */
export function toolCallTokens(calls: readonly ChatToolCall[]): number {
  return calls.reduce((sum, call) => sum + countTokens(call.name) + countTokens(call.arguments), 0);
}

function messageTokens(message: ChatMessage): number {
  return TOKENS_PER_MESSAGE + countTokens(message.content ?? "") + toolCallTokens(message.toolCalls ?? []);
}

/**
 * Prompt tokens: all messages, the tools and the response schema. Cached: what the call before this one had already
 * sent, that is everything before the last assistant message, if there is one.
 */
export function promptUsage(request: ChatRequest): Pick<ChatUsage, "promptTokens" | "cachedPromptTokens"> {
  const shape = [...request.tools, ...(request.responseSchema === null ? [] : [request.responseSchema])];
  const fixed = shape.length === 0 ? 0 : countTokens(JSON.stringify(shape));
  const each = request.messages.map(messageTokens);
  const total = (count: number) => each.slice(0, count).reduce((sum, tokens) => sum + tokens, fixed);
  const last = request.messages.findLastIndex((message) => message.role === "assistant");
  return { promptTokens: total(each.length), cachedPromptTokens: last === -1 ? 0 : total(last) };
}
