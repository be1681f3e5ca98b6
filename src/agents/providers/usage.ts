/**
 * Tokens as providers count them, to `TokenUsage`. What a provider did not report is null, never zeros.
 *
 * Conventions, read in the installed packages:
 * - OpenAI's shape (openai-compatible, Workers AI): cached and written tokens are part of `prompt_tokens`, reasoning is
 *   part of `completion_tokens`. xAI, and Gemini's endpoint of this shape, count reasoning beside `completion_tokens`, which
 *   only their `total_tokens` shows; Gemini's does not say how much of it there is. The AI SDK's adapters drop
 *   `cache_write_tokens`, and workers-ai-provider turns missing usage into zeros and drops reasoning; so both are read from
 *   the raw usage here.
 * - Anthropic: the wire's `input_tokens` leaves cache reads and writes out; @ai-sdk/anthropic adds them to the total.
 *   Thinking is part of `output_tokens`.
 * - Google: cached is part of `promptTokenCount`; thoughts are not part of `candidatesTokenCount`, @ai-sdk/google adds them.
 */
import { z } from "zod";
import type { TokenUsage } from "../../market/money.ts";

/** What the AI SDK says of a call's tokens: of its `LanguageModelUsage` as much as is read here. */
export interface SdkUsage {
  readonly inputTokens: number | undefined;
  readonly inputTokenDetails: {
    readonly cacheReadTokens: number | undefined;
    readonly cacheWriteTokens: number | undefined;
  };
  readonly outputTokens: number | undefined;
  readonly outputTokenDetails: { readonly reasoningTokens: number | undefined };
  /** As the provider sent it. */
  readonly raw?: unknown;
}

const count = z.number().nonnegative().nullish();

const openAiUsageSchema = z.object({
  prompt_tokens: z.number().positive(),
  completion_tokens: z.number().nonnegative(),
  total_tokens: count.catch(null),
  prompt_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count }).nullish().catch(null),
  completion_tokens_details: z.object({ reasoning_tokens: count }).nullish().catch(null),
  /** DeepSeek's word for cached input. */
  prompt_cache_hit_tokens: count.catch(null),
});

/** Usage in OpenAI's shape; null where it is missing or makes no sense. */
export function readOpenAiUsage(raw: unknown): TokenUsage | null {
  const parsed = openAiUsageSchema.safeParse(raw);
  if (!parsed.success) return null;
  const usage = parsed.data;
  const cachedInputTokens = usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens ?? 0;
  const cacheWriteTokens = usage.prompt_tokens_details?.cache_write_tokens ?? 0;
  const reasoningTokens = usage.completion_tokens_details?.reasoning_tokens ?? 0;
  const inputTokens = usage.prompt_tokens;
  const beside = reasoningBeside({
    rest: (usage.total_tokens ?? 0) - inputTokens - usage.completion_tokens,
    reasoningTokens,
    cached: [cachedInputTokens, cacheWriteTokens, cachedInputTokens + cacheWriteTokens],
  });
  return consistent({
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens: usage.completion_tokens + beside,
    reasoningTokens: Math.max(reasoningTokens, beside),
  });
}

/**
 * The reasoning that a total counts beside prompt and completion. Where a provider says how much it reasoned, no more than
 * that: whatever else its total has is no output. Where it does not, all of the rest, unless it is what the cache read or
 * wrote, which some count beside the prompt.
 */
function reasoningBeside({
  rest,
  reasoningTokens,
  cached,
}: {
  readonly rest: number;
  readonly reasoningTokens: number;
  readonly cached: readonly number[];
}): number {
  if (rest <= 0) return 0;
  if (reasoningTokens > 0) return rest >= reasoningTokens ? reasoningTokens : 0;
  return cached.includes(rest) ? 0 : rest;
}

/** Usage as the AI SDK's Anthropic and Google adapters map it; null where the provider sent none. */
export function readSdkUsage(usage: SdkUsage): TokenUsage | null {
  // No request has an empty prompt: zero input means that the adapter filled a gap.
  if (!usage.inputTokens || usage.outputTokens === undefined) return null;
  return consistent({
    inputTokens: usage.inputTokens,
    cachedInputTokens: usage.inputTokenDetails.cacheReadTokens ?? 0,
    cacheWriteTokens: usage.inputTokenDetails.cacheWriteTokens ?? 0,
    outputTokens: usage.outputTokens,
    reasoningTokens: usage.outputTokenDetails.reasoningTokens ?? 0,
  });
}

/** Parts never exceed their whole: a provider's slip must not become a charge above the call's bound. */
function consistent(usage: TokenUsage): TokenUsage {
  const inputTokens = Math.ceil(usage.inputTokens);
  const outputTokens = Math.ceil(usage.outputTokens);
  const cachedInputTokens = Math.min(Math.floor(usage.cachedInputTokens), inputTokens);
  return {
    inputTokens,
    cachedInputTokens,
    cacheWriteTokens: Math.min(Math.ceil(usage.cacheWriteTokens), inputTokens - cachedInputTokens),
    outputTokens,
    reasoningTokens: Math.min(Math.floor(usage.reasoningTokens), outputTokens),
  };
}
