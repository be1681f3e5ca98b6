/**
 * What a bidder knows of a strategy when it meets it again as its plan: whether it wrote it under this very seed, or at
 * least in this manner, and how much of what matters the plan names. From the text alone; the jury has its own reading.
 */
import { MANNER_SENTENCES, OWN_SENTENCES } from "../constants.ts";
import type { TaskView } from "../known-tasks.ts";
import { fragmentsOf } from "./fragments.ts";
import { FILLERS, VAGUE_GOALS } from "./phrases.ts";
import { type StrategyOrder, writeStrategy } from "./write-strategy.ts";

/** Letters, digits and signs without white space or case: survives layout and broken-up nonces. */
const bare = (text: string) => text.replace(/\s+/g, "").toLowerCase();

function sentences(text: string): string[] {
  return text
    .replace(/^\s*(?:\d+\.|-|[A-Z]\w+:)\s/gm, "")
    .split(/[\n;]|\.\s|\.$/)
    .map(bare)
    .filter((part) => part !== "");
}

/** True if most of the text's sentences are what `order` would have written. */
export function wroteStrategy(text: string, order: Omit<StrategyOrder, "maxTokens">): boolean {
  return ownShare(text, order) >= OWN_SENTENCES;
}

/** Share of the text's sentences that `order` would have written, in [0, 1]. */
export function ownShare(text: string, order: Omit<StrategyOrder, "maxTokens">): number {
  const own = new Set(sentences(writeStrategy({ ...order, maxTokens: null })));
  const given = sentences(text);
  return given.length === 0 ? 0 : given.filter((part) => own.has(part)).length / given.length;
}

/** Share of the task's fragments that a strategy names, in [0, 1]; null: it is not in a house model's manner. */
export function namedShare(text: string, task: TaskView): number | null {
  const { subGoals, pitfalls, checks } = fragmentsOf(task);
  const fragments = [...subGoals, ...pitfalls, ...checks].map(bare);
  const phrases = [...fragments, ...[...FILLERS, ...VAGUE_GOALS].map(bare)];
  const given = sentences(text);
  const inManner = given.filter((part) => phrases.some((phrase) => part.includes(phrase))).length;
  if (given.length === 0 || inManner / given.length < MANNER_SENTENCES) return null;
  const whole = bare(text);
  return fragments.filter((fragment) => whole.includes(fragment)).length / fragments.length;
}
