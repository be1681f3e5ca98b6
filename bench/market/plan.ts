/** Which arms are run where on the grid. */
import {
  INFORMATIVENESS_GRID,
  MODERATE_GAIN,
  MODERATE_RECURRENCE,
  QUICK_INFORMATIVENESS,
  RECURRENCES,
  REFINEMENT_GAINS,
} from "./constants.ts";
import { ABLATIONS, ALONE } from "./arms.ts";
import type { StudyFit } from "./fit-arms.ts";

/** A point of the grid. Arms without memory do not depend on the gain; theirs is the moderate one. */
export interface Setting {
  readonly arm: string;
  readonly informativeness: number;
  readonly refinementGain: number;
  readonly recurrence: number;
}

export interface Plan {
  readonly seeds: readonly number[];
  readonly tasks: number;
  readonly quick: boolean;
  /** Weights of the fitted arms, one set for each informativeness. */
  readonly fits: readonly StudyFit[];
}

/** What one seed needs of it. */
export type SeedPlan = Omit<Plan, "seeds">;

/** Dealt in the shares in which `sale` awarded the same order's tasks. */
export const SAME_SHARES = "static-mix";

/**
 * `sale` under default and fitted weights at every gain and without memory, and the agents alone, of which static mixes
 * consist; at the moderate recurrence the other arms too.
 */
export function settingsOf({ quick }: Pick<Plan, "quick">, recurrence: number): Setting[] {
  const moderate = recurrence === MODERATE_RECURRENCE;
  const other = moderate ? [...ABLATIONS, "sale-mean", "sale-literal", "random", SAME_SHARES] : [];
  return informativenessOf({ quick }).flatMap((informativeness) => {
    const at = { informativeness, refinementGain: MODERATE_GAIN, recurrence };
    return [
      ...["sale", "sale-fitted"].flatMap((arm) =>
        REFINEMENT_GAINS.map((refinementGain) => ({ ...at, refinementGain, arm })),
      ),
      ...["sale-no-memory", "sale-fitted-no-memory", ...other, ...ALONE].map((arm) => ({ ...at, arm })),
    ];
  });
}

export const informativenessOf = ({ quick }: Pick<Plan, "quick">): readonly number[] =>
  quick ? QUICK_INFORMATIVENESS : INFORMATIVENESS_GRID;

export const recurrencesOf = ({ quick }: Pick<Plan, "quick">): readonly number[] =>
  quick ? [MODERATE_RECURRENCE, 1] : RECURRENCES;
