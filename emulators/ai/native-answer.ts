/**
 * A reply in the native shape of older Workers AI models: `{ response, tool_calls, usage }`.
 *
 * In JSON mode `response` is the parsed object. The shape has no place for log-probabilities, nor for why a reply ended: a
 * client cannot see that one was cut at `max_tokens`. Pure.
 */
import type { ChatReply } from "../chat.ts";
import { usage } from "../openai/completion.ts";
import type { StreamPiece } from "../openai/completion.ts";
import { streamTokens } from "../openai/stream-tokens.ts";

/** @param options.json whether the client asked for JSON */
export function nativeAnswer(reply: ChatReply, options: { readonly json: boolean }): Record<string, unknown> {
  const content = reply.content ?? "";
  return {
    response: options.json ? parsedOrText(content) : content,
    tool_calls: reply.toolCalls.map((call) => ({
      id: call.id,
      name: call.name,
      arguments: parsedOrText(call.arguments),
    })),
    usage: usage(reply.usage),
  };
}

/** The same as a stream: text piece by piece, tool calls whole, usage last. */
export function* nativeChunks(reply: ChatReply): Generator<StreamPiece> {
  let tokensSoFar = 0;
  for (const token of streamTokens(reply)) {
    tokensSoFar += 1;
    yield { data: { response: token.text }, tokensSoFar };
  }
  if (reply.toolCalls.length > 0) {
    tokensSoFar += 1;
    const calls = reply.toolCalls.map((call, index) => ({
      index,
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: call.arguments },
    }));
    yield { data: { response: "", tool_calls: calls }, tokensSoFar };
  }
  yield { data: { response: "", usage: usage(reply.usage) }, tokensSoFar };
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
