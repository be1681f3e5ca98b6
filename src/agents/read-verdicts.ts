/**
 * A juror's answer, read tolerantly in form and strictly in substance.
 *
 * Form: bare JSON, in a fence, or surrounded by prose. Substance: every label once, scores 0 to 5. An answer with two
 * different sets of verdicts is refused: one of them may be quoted from a strategy (architecture, decision 12).
 */
import { z } from "zod";
import { fail, ok, type Result } from "../market/result.ts";
import { MAX_JURY_SCORE } from "./prompts/jury-prompt.ts";
import type { JsonSchema } from "./providers/provider.ts";

/** Starts of objects that are tried in one answer: bounds the work on an answer full of braces. */
const MAX_STARTS = 64;

const verdictsSchema = z.looseObject({
  verdicts: z.array(z.looseObject({ bid: z.string(), score: z.union([z.number(), z.string()]) })),
});

/** The answer's form for providers that enforce one. Ranges are left to the reader: not every provider takes them. */
export function verdictsJsonSchema(labels: readonly string[]): JsonSchema {
  return {
    type: "object",
    properties: {
      verdicts: {
        type: "array",
        items: {
          type: "object",
          properties: {
            bid: { type: "string", enum: labels },
            score: { type: "integer", description: `0 to ${MAX_JURY_SCORE}` },
          },
          required: ["bid", "score"],
          additionalProperties: false,
        },
      },
    },
    required: ["verdicts"],
    additionalProperties: false,
  };
}

/** Scores by label, or what is wrong with the answer, for people. */
export function readVerdicts(
  answer: string,
  labels: readonly string[],
): Result<Readonly<Record<string, number>>, string> {
  const found = new Map<string, z.output<typeof verdictsSchema>>();
  for (const value of jsonObjects(answer)) {
    const parsed = verdictsSchema.safeParse(value);
    if (parsed.success) found.set(JSON.stringify(parsed.data.verdicts), parsed.data);
  }
  const [first] = found.values();
  if (first === undefined) return fail("no JSON object with verdicts in the answer");
  if (found.size > 1) return fail("more than one set of verdicts in the answer");
  return scoresOf(first.verdicts, labels);
}

function scoresOf(
  verdicts: z.output<typeof verdictsSchema>["verdicts"],
  labels: readonly string[],
): Result<Readonly<Record<string, number>>, string> {
  const scores = new Map<string, number>();
  for (const verdict of verdicts) {
    const label = verdict.bid.trim();
    if (!labels.includes(label)) return fail(`unknown label ${JSON.stringify(label.slice(0, 40))}`);
    if (scores.has(label)) return fail(`label ${label} twice`);
    const score = scoreOf(verdict.score);
    if (score === null) return fail(`score of ${label} is no integer from 0 to ${MAX_JURY_SCORE}`);
    scores.set(label, score);
  }
  const missing = labels.filter((label) => !scores.has(label));
  return missing.length === 0 ? ok(Object.fromEntries(scores)) : fail(`no score for ${missing.join(", ")}`);
}

function scoreOf(raw: number | string): number | null {
  if (typeof raw === "string" && !/^\s*\d(?:\.0+)?\s*$/.test(raw)) return null;
  const score = Number(raw);
  return Number.isInteger(score) && score >= 0 && score <= MAX_JURY_SCORE ? score : null;
}

/** The outermost balanced objects of a text that parse as JSON. */
function* jsonObjects(text: string): Generator {
  let start = text.indexOf("{");
  for (let tried = 0; start !== -1 && tried < MAX_STARTS; tried++) {
    const end = balancedEnd(text, start);
    const value = end === null ? undefined : parseJson(text.slice(start, end));
    if (value !== undefined) yield value;
    start = text.indexOf("{", value === undefined || end === null ? start + 1 : end);
  }
}

/** Index after the brace that closes the one at `start`, braces in JSON strings aside; null where none does. */
function balancedEnd(text: string, start: number): number | null {
  let depth = 0;
  let inString = false;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === "\\") i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return i + 1;
  }
  return null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
