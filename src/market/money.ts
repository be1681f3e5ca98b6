/**
 * Money: integer micro-dollars, and what a call to a model costs.
 *
 * Prices are integers in micro-USD per million tokens (1 USD per Mtok = 1,000,000), so that lines add up exactly;
 * a call is rounded up once, after its lines are summed (architecture, decision 5).
 */
declare const micros: unique symbol;

/** Micro-USD, a safe non-negative integer. */
export type Micros = number & { readonly [micros]: true };

const MICROS_PER_USD = 1_000_000;
const TOKENS_PER_MTOK = 1_000_000;

/** @throws RangeError unless `value` is a safe non-negative integer: a bug of the caller, never bad input. */
export function asMicros(value: number): Micros {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`not an amount in micro-USD: ${value}`);
  }
  return value as Micros;
}

export const ZERO_MICROS = asMicros(0);

export function sumMicros(amounts: Iterable<Micros>): Micros {
  let total = 0;
  for (const amount of amounts) total += amount;
  return asMicros(total);
}

/** USD as people write it, to micro-USD, rounded to the nearest. */
export function usdToMicros(usd: number): Micros {
  return asMicros(Math.round(usd * MICROS_PER_USD));
}

/** Micro-USD as USD, for people and JSON. */
export function microsToUsd(amount: Micros): number {
  return amount / MICROS_PER_USD;
}

/** What an agent's tokens cost, in micro-USD per million tokens. */
export interface Prices {
  readonly inputMicrosPerMtok: number;
  /** Input that the provider read from its prompt cache. */
  readonly cachedInputMicrosPerMtok: number;
  /** Input that the provider wrote to its prompt cache. */
  readonly cacheWriteMicrosPerMtok: number;
  /** Output, reasoning included. */
  readonly outputMicrosPerMtok: number;
}

/** Tokens of one call as its provider counted them. */
export interface TokenUsage {
  /** All input: fresh, read from cache, and written to cache. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  /** All output: visible and reasoning. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

export const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}

/** All tokens of a usage: input and output. */
export function totalTokens(usage: TokenUsage): number {
  return usage.inputTokens + usage.outputTokens;
}

/** The price of one call: its lines summed exactly, rounded up once. */
export function callCost(usage: TokenUsage, prices: Prices): Micros {
  const fresh = Math.max(0, usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens);
  const numerator =
    BigInt(fresh) * BigInt(prices.inputMicrosPerMtok) +
    BigInt(usage.cachedInputTokens) * BigInt(prices.cachedInputMicrosPerMtok) +
    BigInt(usage.cacheWriteTokens) * BigInt(prices.cacheWriteMicrosPerMtok) +
    BigInt(usage.outputTokens) * BigInt(prices.outputMicrosPerMtok);
  const whole = (numerator + BigInt(TOKENS_PER_MTOK - 1)) / BigInt(TOKENS_PER_MTOK);
  return asMicros(Number(whole));
}
