/**
 * What a model makes of contrastive pairs: how much better its next plan is than its first.
 *
 * Read from the texts alone. A pair teaches as far as its past task resembles this one; pairs beyond the first teach
 * less and less; a pair on something else teaches nothing.
 */
import { LESSON_FLOOR, LESSONS_FOR_MOST, REFINEMENT_STEP } from "../constants.ts";
import type { Lesson } from "../read-prompt.ts";

/** Letters in which two words must agree. */
const WORD_LETTERS = 6;

function words(text: string): ReadonlySet<string> {
  const long = text.toLowerCase().match(/[a-z]{4,}/g) ?? [];
  return new Set(long.map((word) => word.slice(0, WORD_LETTERS)));
}

/** Share of words that two texts have in common (Dice), in [0, 1]. */
export function sharedWords(a: string, b: string): number {
  const [left, right] = [words(a), words(b)];
  if (left.size + right.size === 0) return 0;
  const shared = [...left].filter((word) => right.has(word)).length;
  return (2 * shared) / (left.size + right.size);
}

/** What ends the beginning of a longer text. */
const CUT = "…";

/** How far a past task bears on this one, in [0, 1]. Of one that is cut, the beginnings are compared. */
function relevance(task: string, { pastTask, losing, winning }: Lesson): number {
  if (losing === winning) return 0;
  const shown = pastTask.endsWith(CUT) ? task.slice(0, pastTask.length) : task;
  return Math.max(0, (sharedWords(shown, pastTask) - LESSON_FLOOR) / (1 - LESSON_FLOOR));
}

export interface GainOrder {
  readonly task: string;
  readonly lessons: readonly Lesson[];
  /** Gain that many pairs on the very same task approach. */
  readonly most: number;
}

/** What the pairs add to q, in steps of `REFINEMENT_STEP`. */
export function gainFrom({ task, lessons, most }: GainOrder): number {
  const learned = lessons.reduce((sum, lesson) => sum + relevance(task, lesson), 0);
  const gain = most * (1 - Math.exp(-learned / LESSONS_FOR_MOST));
  return Math.round(gain / REFINEMENT_STEP) * REFINEMENT_STEP;
}
