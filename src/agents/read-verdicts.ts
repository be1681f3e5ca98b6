/**
 * A juror's answer, read tolerantly in form and strictly in substance.
 *
 * Form: bare JSON, in a fence, or surrounded by prose; an object of labels and scores as it is asked for, or a list of
 * verdicts, as models may write it all the same. Substance: every label once, scores 0 to 5. An answer with two different
 * sets of verdicts is refused: one of them may be quoted from a strategy (architecture, decision 12).
 */
import { z } from "zod";
import { fail, ok, type Result } from "../market/result.ts";
import { jsonObjects, type FoundObject } from "./json-objects.ts";
import { MAX_JURY_SCORE } from "./prompts/jury-prompt.ts";
import type { JsonSchema } from "./providers/provider.ts";

/** What was written for a label, in the order of the answer. */
interface Verdict {
  readonly bid: string;
  readonly score: unknown;
}

const listSchema = z.looseObject({
  verdicts: z.array(z.looseObject({ bid: z.string(), score: z.union([z.number(), z.string()]) })),
});

/** What a label may look like to a reader: a juror that judges by labels of its own has judged nothing. */
const LABEL_LIKE = /^\p{Lu}{1,2}$/u;

/** The answer's form for providers that enforce one. Ranges are left to the reader: not every provider takes them. */
export function verdictsJsonSchema(labels: readonly string[]): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(labels.map((label) => [label, { type: "integer" }])),
    required: labels,
    additionalProperties: false,
  };
}

/** Scores by label, or what is wrong with the answer, for people. */
export function readVerdicts(
  answer: string,
  labels: readonly string[],
): Result<Readonly<Record<string, number>>, string> {
  const found = new Map<string, readonly Verdict[]>();
  for (const object of jsonObjects(answer)) {
    for (const verdicts of [listed(object), labelled(object, labels)]) {
      if (verdicts !== null)
        found.set(JSON.stringify(verdicts.map(({ bid, score }) => [bid, score])), verdicts);
    }
  }
  const [first] = found.values();
  if (first === undefined) return fail("no JSON object with verdicts in the answer");
  if (found.size > 1) return fail("more than one set of verdicts in the answer");
  return scoresOf(first, labels);
}

/** `{"verdicts":[{"bid":"A","score":4}]}`; null: the object is something else. */
function listed({ value }: FoundObject): readonly Verdict[] | null {
  const parsed = listSchema.safeParse(value);
  return parsed.success ? parsed.data.verdicts.map(({ bid, score }) => ({ bid: bid.trim(), score })) : null;
}

/** `{"A":4}`, with remarks beside the labels or without; null: the object is something else. */
function labelled({ value, keys }: FoundObject, labels: readonly string[]): readonly Verdict[] | null {
  const values = new Map(Object.entries(value as Record<string, unknown>));
  const verdicts = keys
    .map((key) => ({ bid: key.trim(), score: values.get(key) }))
    .filter(({ bid }) => labels.includes(bid) || LABEL_LIKE.test(bid));
  return verdicts.length === 0 ? null : verdicts;
}

function scoresOf(
  verdicts: readonly Verdict[],
  labels: readonly string[],
): Result<Readonly<Record<string, number>>, string> {
  const scores = new Map<string, number>();
  for (const { bid: label, score: raw } of verdicts) {
    if (!labels.includes(label)) return fail(`unknown label ${JSON.stringify(label.slice(0, 40))}`);
    if (scores.has(label)) return fail(`label ${label} twice`);
    const score = scoreOf(raw);
    if (score === null) return fail(`score of ${label} is no integer from 0 to ${MAX_JURY_SCORE}`);
    scores.set(label, score);
  }
  const missing = labels.filter((label) => !scores.has(label));
  return missing.length === 0 ? ok(Object.fromEntries(scores)) : fail(`no score for ${missing.join(", ")}`);
}

function scoreOf(raw: unknown): number | null {
  if (typeof raw === "string" ? !/^\s*\d(?:\.0+)?\s*$/.test(raw) : typeof raw !== "number") return null;
  const score = Number(raw);
  return Number.isInteger(score) && score >= 0 && score <= MAX_JURY_SCORE ? score : null;
}
