/** What can go wrong with a model's calls, and when: the body of `PUT /emulator/faults/<model>`. */
import { z } from "zod";

const when = {
  /** Share of calls, drawn from a hash of seed, model, fault and call number: the same run, the same faults. */
  probability: z.number().min(0).max(1).optional(),
  /** The first n calls since the switch was set. */
  first: z.int().min(1).optional(),
  /** These calls, counted from 1 since the switch was set. */
  only: z.array(z.int().min(1)).min(1).optional(),
  /** Calls whose messages contain this text, or one of these. */
  match: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
};

const conditionSchema = z.strictObject(when);
/** When a fault acts: all conditions given must hold; none given: on every call. */
export type FaultCondition = z.infer<typeof conditionSchema>;

const switchSchema = z.union([z.literal(true).transform((): FaultCondition => ({})), conditionSchema]);

const rateLimitSchema = z.strictObject({ retryAfterS: z.number().min(0).default(1), ...when });
type RateLimit = z.infer<typeof rateLimitSchema>;

const cutSchema = z.strictObject({ tokens: z.int().min(0), ...when });
type Cut = z.infer<typeof cutSchema>;
const afterTokensSchema = z.union([
  z
    .int()
    .min(0)
    .transform((tokens): Cut => ({ tokens })),
  cutSchema,
]);

const rangeSchema = z
  .strictObject({ min: z.number().min(0), max: z.number().min(0), ...when })
  .refine((range) => range.min <= range.max, "min is above max");

/** A model's switches. Of several faults that would act on a call, the first in the order hang, status429, status500, cutStreamAfterTokens, stallStreamAfterTokens, malformedJson, emptyAnswer does. */
export const faultRuleSchema = z.strictObject({
  /** Seeds all draws; default 0. */
  seed: z.int().optional(),
  /** Instead of the model's own latency, in ms; not scaled by the Worker's LATENCY_SCALE. */
  latencyMs: z.union([z.number().min(0), rangeSchema]).optional(),
  /** Instead of the Worker's LATENCY_SCALE. */
  latencyScale: z.number().min(0).optional(),
  /** HTTP: 429 with `retry-after`. Binding: error 3040. */
  status429: z
    .union([z.literal(true).transform((): RateLimit => ({ retryAfterS: 1 })), rateLimitSchema])
    .optional(),
  /** HTTP: 500. Binding: error 3043. */
  status500: switchSchema.optional(),
  /** No answer at all until the caller is gone, ten minutes at most. */
  hang: switchSchema.optional(),
  /** Streams only: the connection breaks after so many tokens. */
  cutStreamAfterTokens: afterTokensSchema.optional(),
  /** Streams only: nothing more comes after so many tokens, and the connection stays open for ten minutes. */
  stallStreamAfterTokens: afterTokensSchema.optional(),
  /** The answer (or the arguments of its tool calls) is JSON that breaks off. */
  malformedJson: switchSchema.optional(),
  /** The answer has neither text nor tool calls, and is billed. */
  emptyAnswer: switchSchema.optional(),
});

export type FaultRule = z.infer<typeof faultRuleSchema>;
