/** Reads the vector out of an embedding model's answer, of either wire. Pure. */
import { z } from "zod";
import { fail, ok, type Result } from "../market/result.ts";
import type { EmbeddingFailure } from "./memory-port.ts";

const numbers = z.array(z.number()).min(1);

/** Workers AI: `{data: [[…]]}`; OpenAI and what is like it: `{data: [{embedding: […]}]}`. Whatever else is there is ignored. */
const answerSchema = z.looseObject({
  data: z
    .array(z.union([numbers, z.looseObject({ embedding: numbers }).transform(({ embedding }) => embedding)]))
    .min(1),
});

const usageSchema = z.looseObject({ usage: z.looseObject({ prompt_tokens: z.int().min(1) }) });

/** Tokens that the model read; null where the answer does not say, or says none, which no text has. */
export function readTokens(answer: unknown): number | null {
  const parsed = usageSchema.safeParse(answer);
  return parsed.success ? parsed.data.usage.prompt_tokens : null;
}

/** The first vector of the answer at unit length; a failure where it is not of the expected dimension. */
export function readVector(
  answer: unknown,
  expected: { readonly model: string; readonly dimension: number },
): Result<Float32Array, EmbeddingFailure> {
  const { model, dimension } = expected;
  const parsed = answerSchema.safeParse(answer);
  const vector = parsed.success ? parsed.data.data[0] : undefined;
  if (vector === undefined)
    return fail({ reason: "malformed", message: `the answer of ${model} holds no vector` });
  if (vector.length !== dimension) {
    const message = `${model} gives vectors of ${vector.length} numbers, but a dimension of ${dimension} is configured`;
    return fail({ reason: "wrong_dimension", message });
  }
  const length = Math.hypot(...vector);
  if (length === 0 || !Number.isFinite(length))
    return fail({ reason: "malformed", message: `${model} gave a vector without direction` });
  return ok(Float32Array.from(vector, (value) => value / length));
}
