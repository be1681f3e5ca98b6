/** Which model embeds tasks. One model per index: vectors of two models cannot be compared. */
import { z } from "zod";
import { ZERO_MICROS, usdToMicros, type Prices } from "../market/money.ts";

/** Most numbers in a vector of Vectorize (developers.cloudflare.com/vectorize/platform/limits). */
const MAX_DIMENSION = 1_536;

const model = z.string().min(1).max(200);
const dimension = z.int().min(1).max(MAX_DIMENSION);
/** Name of a secret or variable of the Worker, never the value. */
const variableName = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, "name a variable: A-Z, 0-9 and _");

/** The model that is asked where none is configured. */
const DEFAULT_MODEL = "@cf/baai/bge-base-en-v1.5";
const DEFAULT_PRICE = {
  usdPerMtok: 0.067,
  priceSource:
    "unconfirmed for today, from cloudflare-docs workers-ai/platform/pricing.mdx (stored copy of early 2025, read 2026-11-25)",
};

const priceFields = {
  /** USD per million tokens that are read; embeddings write none. Only the default model's is known. */
  usdPerMtok: z.number().min(0).max(10_000).optional(),
  /** Where the price was read, with the date. */
  priceSource: z.string().min(1).max(300).optional(),
};

const workersAi = z.strictObject({
  provider: z.literal("workers-ai"),
  model: model.default(DEFAULT_MODEL),
  dimension: dimension.default(768),
  ...priceFields,
});

const openAiCompatible = z
  .strictObject({
    provider: z.literal("openai-compatible"),
    /** Such as https://api.example.com/v1 */
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** The variable that holds the base URL, where it differs per deployment. */
    baseUrlVariable: variableName.optional(),
    /** Absent: the endpoint needs no key (a local server, say). */
    apiKeySecret: variableName.optional(),
    model,
    /** As the model gives it by default; no other is asked for, since many endpoints refuse the option. */
    dimension,
    ...priceFields,
  })
  .refine((config) => (config.baseUrl === undefined) !== (config.baseUrlVariable === undefined), {
    error: "give either baseUrl or baseUrlVariable",
    path: ["baseUrl"],
  });

export const embeddingConfigSchema = z
  .discriminatedUnion("provider", [workersAi, openAiCompatible])
  .transform(({ usdPerMtok, priceSource, ...config }, context) => {
    const isDefault = config.provider === "workers-ai" && config.model === DEFAULT_MODEL;
    const unpriced = usdPerMtok === undefined && priceSource === undefined;
    const price = isDefault && unpriced ? DEFAULT_PRICE : { usdPerMtok, priceSource };
    if (price.usdPerMtok === undefined || price.priceSource === undefined) {
      context.addIssue("give usdPerMtok and priceSource: every call to a model is counted");
      return z.NEVER;
    }
    return { ...config, prices: pricesOf(price.usdPerMtok), priceSource: price.priceSource };
  });
export type EmbeddingConfig = z.output<typeof embeddingConfigSchema>;

function pricesOf(usdPerMtok: number): Prices {
  const micros = usdToMicros(usdPerMtok);
  return {
    inputMicrosPerMtok: micros,
    cachedInputMicrosPerMtok: micros,
    cacheWriteMicrosPerMtok: micros,
    outputMicrosPerMtok: ZERO_MICROS,
  };
}
