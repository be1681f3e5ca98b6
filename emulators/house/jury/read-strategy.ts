/**
 * What a juror sees in a strategy: how much of it fits the task, which pitfalls, checks and tools it names, how much of
 * it says nothing. Reads text alone, anybody's; shares no code and no word list with the bidders.
 */

import { CLAUSE_FIT, IMPRESSION_ENOUGH, STEM_LETTERS } from "../constants.ts";

/** Shares and counts, each in [0, 1] after scaling. */
export interface Impression {
  /** Clauses about this task, up to as many as matter. */
  readonly substance: number;
  /** Share of clauses that are about this task. */
  readonly focus: number;
  /** Clauses on what could go wrong here. */
  readonly caution: number;
  /** Clauses on how a mistake would be noticed. */
  readonly control: number;
  /** A tool is named together with a use. */
  readonly tooling: number;
}

const STOP = new Set(
  "the and for are was its with that this from into than then each one not but all any can has have will would should which when what where there their them they also only every must until after before again such more most make see use run".split(
    " ",
  ),
);

const CAUTION =
  /\b(?:watch|wrong|mistakes?|careful|pitfalls?|edge cases?|risks?|overlook|fails?|mind|beware|traps?|avoid|forget|instead of|never)\b/i;
const CONTROL =
  /\b(?:verify|check|checks|test|tests|confirm|compare|recount|recompute|expect|notice|before submitting|sanity|make sure|parse)\b/i;
const TOOL = /\b(?:run_javascript|http|fetch|javascript|sandbox|browser|tool)\b/i;
const VAGUE_TOOL = /\b(?:whenever|might|probably|see what happens|powerful|several times|helpful)\b/i;

function stems(text: string): string[] {
  const words = text.toLowerCase().match(/[a-z_][a-z_]+|\d+/g) ?? [];
  return words
    .filter((word) => (word.length > 2 || /\d/.test(word)) && !STOP.has(word))
    .map((word) => word.slice(0, STEM_LETTERS));
}

const upTo = (count: number, most: number) => Math.min(1, count / most);

/** Sentences and their parts, without list marks. */
function clauses(strategy: string): string[] {
  return strategy
    .split(/[\n;]|\.\s|\.$/)
    .map((part) => part.replace(/^\s*(?:\d+[.)]|[-*])\s+/, "").trim())
    .filter((part) => part.length > 3);
}

/** A juror's impression of one strategy for one task. */
export function readStrategy(task: string, strategy: string): Impression {
  const taskStems = new Set(stems(task));
  const parts = clauses(strategy);
  const fitting = parts.filter((part) => {
    const telling = stems(part);
    const hits = telling.filter((stem) => taskStems.has(stem)).length;
    return hits >= 2 && hits / telling.length >= CLAUSE_FIT;
  });
  const tools = parts.filter((part) => TOOL.test(part) && !VAGUE_TOOL.test(part));
  return {
    substance: upTo(fitting.length, IMPRESSION_ENOUGH.substance),
    focus: parts.length === 0 ? 0 : fitting.length / parts.length,
    caution: upTo(parts.filter((part) => CAUTION.test(part)).length, IMPRESSION_ENOUGH.caution),
    control: upTo(parts.filter((part) => CONTROL.test(part)).length, IMPRESSION_ENOUGH.control),
    tooling: tools.length > 0 ? 1 : 0,
  };
}
