/** Log-probabilities in OpenAI's shape (`choices[0].logprobs`), which Workers AI and compatible endpoints share. */
import { z } from "zod";
import type { TopLogprobs } from "../../market/entropy.ts";

const logprobsSchema = z.object({
  content: z
    .array(
      z.object({
        logprob: z.number(),
        top_logprobs: z.array(z.object({ logprob: z.number() })).nullish(),
      }),
    )
    .min(1),
});

/**
 * Alternatives per position; null where the answer has none.
 *
 * A position without alternatives counts with the sampled token alone, the rest of the mass being one more outcome.
 */
export function readLogprobs(raw: unknown): TopLogprobs | null {
  const parsed = logprobsSchema.safeParse(raw);
  if (!parsed.success) return null;
  return parsed.data.content.map((position) => {
    const top = position.top_logprobs ?? [];
    return top.length > 0 ? top.map((alternative) => alternative.logprob) : [position.logprob];
  });
}
