/**
 * A judge's answer, read tolerantly in form and strictly in substance: JSON with one verdict, bare or among other words.
 *
 * An answer with two verdicts that differ is refused: one of them may be quoted from the result.
 */
import { z } from "zod";
import { fail, ok, type Result } from "../market/result.ts";
import { verdictOutcomeSchema } from "../market/verifier-spec.ts";
import { jsonObjects } from "./json-objects.ts";
import type { RulingAnswer } from "./model-port.ts";
import type { JsonSchema } from "./providers/provider.ts";

const MAX_REASON_CHARS = 500;

const rulingSchema = z.looseObject({
  verdict: z.string().trim().toLowerCase().pipe(verdictOutcomeSchema),
  reason: z.string().catch(""),
});

/** The answer's form for providers that enforce one. */
export const RULING_JSON_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    reason: { type: "string" },
    verdict: { type: "string", enum: ["pass", "fail", "unknown"] },
  },
  required: ["reason", "verdict"],
  additionalProperties: false,
};

/** The ruling, or what is wrong with the answer, for people. */
export function readRuling(answer: string): Result<RulingAnswer, string> {
  const found: RulingAnswer[] = [];
  for (const { value, keys } of jsonObjects(answer)) {
    const parsed = rulingSchema.safeParse(value);
    if (!parsed.success) continue;
    // Of equal keys, parsing keeps the last alone.
    if (keys.filter((key) => key === "verdict").length > 1) return fail("more than one verdict in an object");
    const { verdict, reason } = parsed.data;
    found.push({ verdict, reason: reason.slice(0, MAX_REASON_CHARS).toWellFormed() });
  }
  const [first] = found;
  if (first === undefined) return fail("no JSON object with a verdict in the answer");
  if (found.some(({ verdict }) => verdict !== first.verdict))
    return fail("more than one verdict in the answer");
  return ok(first);
}
