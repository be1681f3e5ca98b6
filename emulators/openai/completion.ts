/**
 * A reply as OpenAI's chat completion: whole, or as the objects of a stream.
 *
 * Also the shape in which the OpenAI-style models of Workers AI answer the binding (`ChatCompletionsOutput` in
 * Cloudflare's types), log-probabilities at `choices[0].logprobs.content[]` included. Pure.
 */
import type { ChatReply, ChatToolCall, ChatUsage, TokenLogprobs } from "../chat.ts";
import { streamTokens } from "./stream-tokens.ts";

/** What an answer is, said on its face: as `system_fingerprint` here, as `owned_by` in model lists. */
export type AnswerLabel = "saleroom-emulated" | "saleroom-recorded";

export interface CompletionHead {
  readonly label: AnswerLabel;
  readonly callId: number;
  /** Model name as the client sent it. */
  readonly model: string;
  /** Unix time in seconds. */
  readonly createdS: number;
}

/** One object of a stream, and how many visible tokens have been sent once it is out. */
export interface StreamPiece {
  readonly data: unknown;
  readonly tokensSoFar: number;
}

export function completion(reply: ChatReply, head: CompletionHead): Record<string, unknown> {
  return {
    ...common(head, "chat.completion"),
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: reply.content,
          refusal: null,
          ...(reply.toolCalls.length === 0 ? {} : { tool_calls: reply.toolCalls.map(toolCall) }),
        },
        logprobs: logprobs(reply.logprobs),
        finish_reason: reply.finishReason,
      },
    ],
    usage: usage(reply.usage),
  };
}

/** @param includeUsage ends the stream with an object that has usage and no choices */
export function* completionChunks(
  reply: ChatReply,
  options: { readonly head: CompletionHead; readonly includeUsage: boolean },
): Generator<StreamPiece> {
  const base = common(options.head, "chat.completion.chunk");
  let tokensSoFar = 0;
  const piece = (delta: object, more: object = {}): StreamPiece => ({
    data: {
      ...base,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...more }],
      ...(options.includeUsage ? { usage: null } : {}),
    },
    tokensSoFar,
  });
  yield piece({ role: "assistant", content: reply.content === null ? null : "" });
  for (const token of streamTokens(reply)) {
    tokensSoFar += 1;
    yield piece(
      { content: token.text },
      { logprobs: token.logprobs === null ? null : logprobs([token.logprobs]) },
    );
  }
  for (const [index, call] of reply.toolCalls.entries()) {
    yield piece({ tool_calls: [{ index, ...toolCall({ ...call, arguments: "" }) }] });
    for (const part of call.arguments.match(/[\s\S]{1,24}/g) ?? []) {
      tokensSoFar += 1;
      yield piece({ tool_calls: [{ index, function: { arguments: part } }] });
    }
  }
  yield piece({}, { finish_reason: reply.finishReason });
  if (options.includeUsage) yield { data: { ...base, choices: [], usage: usage(reply.usage) }, tokensSoFar };
}

/** OpenAI's usage object; cached tokens are part of the prompt, reasoning of the completion. */
export function usage(used: ChatUsage): Record<string, unknown> {
  return {
    prompt_tokens: used.promptTokens,
    completion_tokens: used.completionTokens,
    total_tokens: used.promptTokens + used.completionTokens,
    prompt_tokens_details: { cached_tokens: used.cachedPromptTokens },
    completion_tokens_details: { reasoning_tokens: used.reasoningTokens },
  };
}

function common(head: CompletionHead, object: string): Record<string, unknown> {
  return {
    id: `chatcmpl-emulated-${head.callId}`,
    object,
    created: head.createdS,
    model: head.model,
    system_fingerprint: head.label,
  };
}

function toolCall(call: ChatToolCall): Record<string, unknown> {
  return { id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } };
}

function logprobs(tokens: readonly TokenLogprobs[] | null): Record<string, unknown> | null {
  if (tokens === null) return null;
  return {
    content: tokens.map((token) => ({ ...tokenLogprob(token), top_logprobs: token.top.map(tokenLogprob) })),
    refusal: null,
  };
}

function tokenLogprob(one: { readonly token: string; readonly logprob: number }): Record<string, unknown> {
  return { token: one.token, logprob: one.logprob, bytes: Array.from(new TextEncoder().encode(one.token)) };
}
