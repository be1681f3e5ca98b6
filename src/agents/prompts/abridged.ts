/** A long task as a juror sees it: its beginning and its end, where what is wanted and what must hold mostly stand. */

/**
 * Ours. Every juror is shown the task in every round, so that a long one costs its length eight times with four jurors. Three
 * of four issues of real repositories, and every task of the workload, are shorter than this. Bidders see all of it.
 */
export const MAX_JURY_TASK_CHARS = 2_000;
/** Ours: share of what is shown that is the beginning. */
const BEGINNING = 0.7;

/** The text itself where it is not too long; else how much is missing stands in its middle. */
export function abridged(text: string, maxChars = MAX_JURY_TASK_CHARS): string {
  const left = text.length - maxChars;
  if (left <= 0) return text;
  const beginning = Math.round(BEGINNING * maxChars);
  const parts = [
    text.slice(0, beginning),
    `[${left} characters are left out here]`,
    text.slice(beginning + left),
  ];
  return parts.join("\n").toWellFormed();
}
