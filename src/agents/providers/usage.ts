/**
 * Tokens as providers count them, to `TokenUsage`. What a provider did not report is null, never zeros.
 *
 * Conventions, read in the installed packages:
 * - OpenAI's shape (openai-compatible, Workers AI): cached and written tokens are part of `prompt_tokens`, reasoning is
 *   part of `completion_tokens`. The AI SDK's adapters drop `cache_write_tokens`, and workers-ai-provider turns missing
 *   usage into zeros and drops reasoning; so both are read from the raw usage here.
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
  return consistent({
    inputTokens: usage.prompt_tokens,
    cachedInputTokens: usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens ?? 0,
    cacheWriteTokens: usage.prompt_tokens_details?.cache_write_tokens ?? 0,
    outputTokens: usage.completion_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  });
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
