/**
 * What a task of the workload is, and small builders for its parts.
 *
 * The workload is ours, written for this project. It may not import anything at run time: it is bundled
 * into the emulator's Worker and loaded by Node alike.
 */
import type { VerifierSpec } from "../../src/market/verifier-spec.ts";

/** Difficulty bin, from 1 (easiest) to 5 (hardest). */
export type Bin = 1 | 2 | 3 | 4 | 5;

/** `code`: the result is JavaScript source. `question`: the result is a short checkable answer. */
export type TaskKind = "code" | "question";

/** A plausible wrong result and how it goes wrong. */
export interface FlawedResult {
  readonly result: string;
  readonly flaw: string;
}

/** Fragments from which an emulated bidder builds its plan: lower-case clauses without a full stop. */
export interface PlanFragments {
  /** Imperative clauses in working order. */
  readonly subGoals: readonly string[];
  /** Noun phrases: what is easy to get wrong. */
  readonly pitfalls: readonly string[];
  /** Imperative clauses: how a mistake would be noticed. */
  readonly checks: readonly string[];
}

export interface WorkloadTask {
  /** Unique slug. */
  readonly id: string;
  readonly bin: Bin;
  readonly kind: TaskKind;
  /** What the tenant sends. `{{docs}}` stands for the base URL of the documents. */
  readonly prompt: string;
  readonly verifier: VerifierSpec;
  readonly solutions: { readonly right: string; readonly wrong: readonly FlawedResult[] };
  readonly plan: PlanFragments;
  /**
   * JavaScript expressions that a worker would evaluate on the way: calls of the asked function (code),
   * or the arithmetic in order, the last one giving the answer (questions).
   */
  readonly working: readonly string[];
}

/** A task without the parts that its kind or file decides. */
export type TaskBody = Omit<WorkloadTask, "kind" | "bin">;

/** Gives a file's tasks their bin and kind. */
export function tasksOf(kind: TaskKind, bin: Bin, bodies: readonly TaskBody[]): readonly WorkloadTask[] {
  return bodies.map((body) => ({ ...body, kind, bin }));
}

/** The right source with one slip in it. Throws if the place is not there, so that an edit cannot undo a flaw unseen. */
export function slip(right: string, from: string, to: string, flaw: string): FlawedResult {
  if (!right.includes(from)) throw new Error(`No such place in the solution: ${from}`);
  return { result: right.replace(from, () => to), flaw };
}

/** A wrong answer to a question. */
export function wrongAnswer(result: string, flaw: string): FlawedResult {
  return { result, flaw };
}

/** Verifier: the trimmed result is exactly this. */
export function equals(expected: string, ignoreCase = false): VerifierSpec {
  return { type: "equals", expected, trim: true, ignoreCase };
}

/** Verifier: the result matches this pattern. */
export function matches(pattern: string, flags = ""): VerifierSpec {
  return { type: "regex", pattern, flags };
}

/** Verifier: the result is JSON and exactly this value. */
export function jsonValue(value: unknown): VerifierSpec {
  return { type: "json_schema", schema: { const: value } };
}

/** Verifier: these unit tests pass. */
export function unitTests(code: string): VerifierSpec {
  return { type: "tests", code };
}

/** What every coding prompt ends with. */
export const SOURCE_ONLY =
  "The result is JavaScript source that defines this function at the top level, without import or export.";
