/** Which model embeds tasks. One model per index: vectors of two models cannot be compared. */
import { z } from "zod";

/** Most numbers in a vector of Vectorize (developers.cloudflare.com/vectorize/platform/limits). */
const MAX_DIMENSION = 1_536;

const model = z.string().min(1).max(200);
const dimension = z.int().min(1).max(MAX_DIMENSION);
/** Name of a secret or variable of the Worker, never the value. */
const variableName = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/, "name a variable: A-Z, 0-9 and _");

const workersAi = z.strictObject({
  provider: z.literal("workers-ai"),
  model: model.default("@cf/baai/bge-base-en-v1.5"),
  dimension: dimension.default(768),
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
  })
  .refine((config) => (config.baseUrl === undefined) !== (config.baseUrlVariable === undefined), {
    error: "give either baseUrl or baseUrlVariable",
    path: ["baseUrl"],
  });

export const embeddingConfigSchema = z.discriminatedUnion("provider", [workersAi, openAiCompatible]);
export type EmbeddingConfig = z.output<typeof embeddingConfigSchema>;
