/**
 * An agent of a pool: one model at one provider, with its prices.
 *
 * A pool is written by people (one JSON file per environment, or an operator's call for one tenant), so it is
 * read through a schema; from there on it is frozen into each auction that it takes part in.
 */
import { z } from "zod";
import { AGENT_ID_PATTERN, type AgentId } from "./ids.ts";
import { usdToMicros, type Prices } from "./money.ts";

const MAX_POOL = 64;
const usdPerMtok = z.number().min(0).max(10_000);

/** USD per million tokens, as price lists write them. Cached input and cache writes default to fresh input's price. */
const usdPricesSchema = z.strictObject({
  input: usdPerMtok,
  cachedInput: usdPerMtok.optional(),
  cacheWrite: usdPerMtok.optional(),
  output: usdPerMtok,
});

function pricesFromUsd(usd: z.output<typeof usdPricesSchema>): Prices {
  return {
    inputMicrosPerMtok: usdToMicros(usd.input),
    cachedInputMicrosPerMtok: usdToMicros(usd.cachedInput ?? usd.input),
    cacheWriteMicrosPerMtok: usdToMicros(usd.cacheWrite ?? usd.input),
    outputMicrosPerMtok: usdToMicros(usd.output),
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
};

/** Name of a secret or variable of the Worker, never the value. */
const variableName = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, "name a variable: A-Z, 0-9 and _");

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

/** π(a): the price of an agent's output, in USD per million tokens (auction.md, "Symbols"). */
export function outputPrice(agent: Pick<Agent, "prices">): number {
  return agent.prices.outputMicrosPerMtok / 1_000_000;
}
