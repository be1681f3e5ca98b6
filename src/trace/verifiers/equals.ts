/** `equals`: the result is the expected text. */
import type { VerifierSpec } from "../../market/verifier-spec.ts";
import { verdict } from "./verdict.ts";
import type { Verdict } from "./verdict.ts";

const CONTEXT_CHARS = 200;

/** Compares, after trimming both unless the spec says not to; evidence shows where they part. */
export function verifyEquals(spec: Extract<VerifierSpec, { type: "equals" }>, result: string): Verdict {
  const expected = normalise(spec.expected, spec);
  const actual = normalise(result, spec);
  if (actual === expected) return verdict("equals", "pass", "the result is the expected text");
  const at = firstDifference(expected, actual);
  const evidence = `differs at character ${at} (expected ${expected.length} characters, got ${actual.length})
expected: ${excerpt(expected, at)}
got:      ${excerpt(actual, at)}`;
  return verdict("equals", "fail", evidence);
}

function normalise(text: string, { trim, ignoreCase }: { trim: boolean; ignoreCase: boolean }): string {
  const trimmed = trim ? text.trim() : text;
  return ignoreCase ? trimmed.toLowerCase() : trimmed;
}

function firstDifference(left: string, right: string): number {
  let at = 0;
  while (at < left.length && at < right.length && left[at] === right[at]) at += 1;
  return at;
}

function excerpt(text: string, at: number): string {
  const from = Math.max(0, at - CONTEXT_CHARS / 2);
  const shown = text.slice(from, from + CONTEXT_CHARS).toWellFormed();
  return `${from > 0 ? "…" : ""}${JSON.stringify(shown)}${from + CONTEXT_CHARS < text.length ? "…" : ""}`;
}
