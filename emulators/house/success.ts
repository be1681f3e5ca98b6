/**
 * Whether a trace succeeds: logit P = a(size, bin, b) + b (q - mean q) / sd + a factor shared by all agents on the task.
 *
 * a is found numerically so that the average over q and the shared factor equals the published shape, for every b.
 */
import {
  type Bin,
  type HouseSize,
  LARGEST_PASS_RATE,
  QUALITY_SD,
  SHARED_FACTOR_SD,
  SMALLEST_SHARE,
} from "./constants.ts";
import { drawsFor } from "./draws.ts";
import { meanQuality, sizeRank } from "./quality.ts";
import { taskFactor } from "./task-factor.ts";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** Average pass rate to reach: the largest's published shape, the smallest's share of it, the others evenly in log price. */
export function targetPassRate(size: HouseSize, bin: Bin): number {
  const share = SMALLEST_SHARE[bin];
  return LARGEST_PASS_RATE[bin] * (share + (1 - share) * sizeRank(size));
}

/** E[logistic(a + s Z)] for standard normal Z, by the trapezoid rule on [-6, 6]; error below 1e-6 for s up to 5. */
function meanLogistic(a: number, s: number): number {
  let sum = 0;
  let weights = 0;
  for (let z = -6; z <= 6.0001; z += 0.1) {
    const weight = Math.exp((-z * z) / 2);
    sum += weight * logistic(a + s * z);
    weights += weight;
  }
  return sum / weights;
}

const intercepts = new Map<string, number>();

/** a(size, bin, b) by bisection; kept, since it depends on nothing else. */
function intercept(size: HouseSize, bin: Bin, informativeness: number): number {
  const key = `${size.id} ${bin} ${informativeness}`;
  const kept = intercepts.get(key);
  if (kept !== undefined) return kept;
  const spread = Math.hypot(informativeness, SHARED_FACTOR_SD);
  const target = targetPassRate(size, bin);
  let low = -40;
  let high = 40;
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (meanLogistic(middle, spread) < target) low = middle;
    else high = middle;
  }
  intercepts.set(key, low);
  return low;
}

export interface SuccessKey {
  readonly seed: number;
  readonly taskKey: string;
  readonly size: HouseSize;
  readonly bin: Bin;
  /** Seed of the factor shared by all agents; null: the task's own fixed factor. Default: `seed`. */
  readonly sharedSeed?: number | null;
  /** q of the plan that the trace follows, in [0, 1]. */
  readonly quality: number;
  /** b, in logits per standard deviation of q. */
  readonly informativeness: number;
}

/** P(pass) given the plan and the task's shared factor, in (0, 1). */
export function passChance(key: SuccessKey): number {
  const { seed, sharedSeed = seed, taskKey, size, bin, quality, informativeness } = key;
  const factor =
    sharedSeed === null ? taskFactor(taskKey) : drawsFor(sharedSeed, taskKey, "shared factor").normal();
  const z = (quality - meanQuality(size, bin)) / QUALITY_SD;
  return logistic(intercept(size, bin, informativeness) + informativeness * z + SHARED_FACTOR_SD * factor);
}

/** Whether the trace passes. The plan moves the chance, not the draw: a better plan never turns a pass into a fail. */
export function drawSuccess(key: SuccessKey): boolean {
  return drawsFor(key.seed, key.taskKey, key.size.id, "success").uniform() < passChance(key);
}
