/** Means over seeds with Student's intervals. Seeds are independent; arms are paired within a seed. */
import { INTERVAL_Z } from "./constants.ts";

export interface Estimate {
  readonly mean: number;
  /** Ends of the 95 % interval; equal to the mean where there is a single seed. */
  readonly low: number;
  readonly high: number;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Quantile of Student's t at the level of `INTERVAL_Z` (Cornish-Fisher; error below 1 % from 3 degrees of freedom). */
export function studentQuantile(degrees: number): number {
  const z = INTERVAL_Z;
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}

export function estimate(values: readonly number[]): Estimate {
  const centre = mean(values);
  if (values.length < 2) return { mean: centre, low: centre, high: centre };
  const degrees = values.length - 1;
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / degrees;
  const half = studentQuantile(degrees) * Math.sqrt(variance / values.length);
  return { mean: centre, low: centre - half, high: centre + half };
}

/** Estimate of the differences a - b, seed by seed. */
export function pairedDifference(a: readonly number[], b: readonly number[]): Estimate {
  if (a.length !== b.length) throw new Error("not paired: different numbers of seeds");
  return estimate(a.map((value, i) => value - (b[i] as number)));
}
