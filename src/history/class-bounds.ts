/**
 * The classes that metrics count durations and steps in. What is counted keeps the bound that it was counted under: other
 * bounds hold from then on, and leave what there is where it was.
 */
const SECOND_MS = 1_000;

/** From a second to a week, in milliseconds: a task may wait that long for its checker. */
export const DURATION_BOUNDS_MS = [
  1, 2.5, 5, 10, 25, 60, 150, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400, 604_800,
].map((seconds) => seconds * SECOND_MS);

export const STEP_BOUNDS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Above every bound. */
export const BEYOND_ALL = Number.MAX_SAFE_INTEGER;

/** The least bound that the value does not pass. */
export function classOf(value: number, bounds: readonly number[]): number {
  return bounds.find((bound) => value <= bound) ?? BEYOND_ALL;
}
