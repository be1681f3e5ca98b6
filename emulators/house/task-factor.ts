/** The difficulty of a task beyond its bin, shared by all agents, where no seed is common to them. */
import { BINS } from "./constants.ts";
import { workload } from "../workload/index.ts";
import { drawsFor, hash32 } from "./draws.ts";

/** Standard normal quantile by Winitzki's approximation of the inverse error function; error below 0.005. */
function normalQuantile(p: number): number {
  const x = 2 * p - 1;
  const a = 0.147;
  const log = Math.log(1 - x * x);
  const half = 2 / (Math.PI * a) + log / 2;
  return Math.SQRT2 * Math.sign(x) * Math.sqrt(Math.sqrt(half * half - log / a) - half);
}

/** A bin has few tasks, so their factors are quantiles dealt out by hash, scaled to unit variance: averages hold. */
function quantilesOfBin(ids: readonly string[]): readonly (readonly [string, number])[] {
  const order = ids.toSorted((a, b) => hash32(a) - hash32(b));
  const raw = order.map((_, index) => normalQuantile((index + 0.5) / order.length));
  const scale = Math.sqrt(raw.reduce((sum, z) => sum + z * z, 0) / raw.length) || 1;
  return order.map((id, index) => [id, (raw[index] as number) / scale] as const);
}

const factors = new Map(
  BINS.flatMap((bin) => quantilesOfBin(workload.filter((task) => task.bin === bin).map((task) => task.id))),
);

/** Standard normal over tasks, fixed for each. */
export function taskFactor(taskKey: string): number {
  return factors.get(taskKey) ?? drawsFor(taskKey, "task factor").normal();
}
