/**
 * An agent of a pool: one model at one provider, with its prices.
 *
 * A pool is written by people (one JSON file per environment, or an operator's call for one tenant), so it is
 * read through a schema; from there on it is frozen into each auction that it takes part in.
 */
import { z } from "zod";
import { AGENT_ID_PATTERN, type AgentId } from "./ids.ts";
import { asMicros, microsToUsd, usdToMicros, type Prices } from "./money.ts";

export const MAX_POOL = 64;
export const PROVIDERS = ["workers-ai", "openai-compatible", "anthropic", "google"] as const;
export type ProviderKind = (typeof PROVIDERS)[number];

/** A place of processing as residency rules name it, such as `eu`; which there are is the operator's choice. */
export const regionSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "a region is a slug of a-z, 0-9 and -, such as eu");
const usdPerMtok = z.number().min(0).max(10_000);

/** USD per million tokens, as price lists write them. Cached input and cache writes default to fresh input's price. */
export const usdPricesSchema = z.strictObject({
  input: usdPerMtok,
  cachedInput: usdPerMtok.optional(),
  cacheWrite: usdPerMtok.optional(),
  output: usdPerMtok,
});

export type UsdPrices = z.output<typeof usdPricesSchema>;

export function pricesFromUsd(usd: UsdPrices): Prices {
  return {
    inputMicrosPerMtok: usdToMicros(usd.input),
    cachedInputMicrosPerMtok: usdToMicros(usd.cachedInput ?? usd.input),
    cacheWriteMicrosPerMtok: usdToMicros(usd.cacheWrite ?? usd.input),
    outputMicrosPerMtok: usdToMicros(usd.output),
  };
}

function microsAsUsd(micros: number): number {
  return microsToUsd(asMicros(micros));
}

/** The reverse: read again, it gives the same prices. */
export function usdPrices(prices: Prices): Required<UsdPrices> {
  return {
    input: microsAsUsd(prices.inputMicrosPerMtok),
    cachedInput: microsAsUsd(prices.cachedInputMicrosPerMtok),
    cacheWrite: microsAsUsd(prices.cacheWriteMicrosPerMtok),
    output: microsAsUsd(prices.outputMicrosPerMtok),
  };
}

const common = {
  id: z
    .string()
    .regex(AGENT_ID_PATTERN, "an agent id is agt_ and a slug of a-z, 0-9 and -")
    .transform((id) => id as AgentId),
  name: z.string().min(1).max(80),
  /** The model's name at its provider. */
  model: z.string().min(1).max(200),
  usdPerMtok: usdPricesSchema,
  /** Where the prices were read, with the date. */
  priceSource: z.string().min(1).max(300),
  /** Input and output together, in tokens. */
  contextTokens: z.int().min(1_024).max(10_000_000),
  /** Most output of one call, reasoning included, in tokens. */
  maxOutputTokens: z.int().min(64).max(1_000_000),
  /** True for house and recorded agents: wherever this agent shows, it is labelled emulated. */
  emulated: z.boolean().default(false),
  /** Alternatives per token to ask for with a bid; 0 where the provider offers no log-probabilities. */
  topLogprobs: z.int().min(0).max(20).default(0),
  /**
   * Longest silence in a streamed answer, in milliseconds, for models that think before they say anything; absent: the
   * deployment's.
   */
  stallMs: z.int().min(1_000).max(600_000).exactOptional(),
  /** Every region that it processes in, where that is known for certain; absent: unknown. */
  regions: z.array(regionSchema).min(1).max(32).exactOptional(),
};

/** Secrets of the house itself: whoever serves an agent is sent its secret, and is to be sent none of these. */
const HOUSE_SECRETS: readonly string[] = ["ADMIN_SECRET", "RECEIPT_SIGNING_KEY"];

/** Name of a secret or variable of the Worker, never the value. */
const variableName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, "name a variable: A-Z, 0-9 and _")
  .refine((name) => !HOUSE_SECRETS.includes(name), "a secret of the house is no agent's");

const workersAiAgent = z.strictObject({ ...common, provider: z.literal("workers-ai") });
const openAiCompatibleAgent = z
  .strictObject({
    ...common,
    provider: z.literal("openai-compatible"),
    /** Such as https://api.example.com/v1 */
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** The variable that holds the base URL, where it differs per deployment. */
    baseUrlVariable: variableName.optional(),
    /** Absent: the endpoint needs no key (a local server, say). */
    apiKeySecret: variableName.optional(),
  })
  .refine((agent) => (agent.baseUrl === undefined) !== (agent.baseUrlVariable === undefined), {
    error: "give either baseUrl or baseUrlVariable",
    path: ["baseUrl"],
  });
const anthropicAgent = z.strictObject({
  ...common,
  provider: z.literal("anthropic"),
  apiKeySecret: variableName,
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
});
const googleAgent = z.strictObject({
  ...common,
  provider: z.literal("google"),
  apiKeySecret: variableName,
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
});

export const agentSchema = z
  .discriminatedUnion("provider", [workersAiAgent, openAiCompatibleAgent, anthropicAgent, googleAgent])
  .transform(({ usdPerMtok: usd, ...agent }) => ({ ...agent, prices: pricesFromUsd(usd) }));

/** The pool as a file or an operator gives it. */
export const poolSchema = z
  .array(agentSchema)
  .min(1)
  .max(MAX_POOL)
  .refine((pool) => new Set(pool.map((agent) => agent.id)).size === pool.length, {
    error: "two agents have the same id",
  });

export type Agent = z.output<typeof agentSchema>;
export type AgentInput = z.input<typeof agentSchema>;
export type Pool = readonly Agent[];

/** As the schema takes it: read again, it gives the same agent. */
export function agentInput({ prices, ...agent }: Agent): AgentInput {
  return { ...agent, usdPerMtok: usdPrices(prices) };
}

/** π(a): the price of an agent's output, in USD per million tokens (auction.md, "Symbols"). */
export function outputPrice(agent: Pick<Agent, "prices">): number {
  return agent.prices.outputMicrosPerMtok / 1_000_000;
}
