/** Runs all seeds of a plan, some at a time, and the fits before them. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import type { StudyFit } from "./fit-arms.ts";
import { informativenessOf, type Plan } from "./plan.ts";
import type { SeedResult } from "./run-seed.ts";

export interface RunOptions {
  readonly workers: number;
  /** Told after each seed and each fit. */
  readonly progress: (line: string) => void;
}

/** Weights of the fitted arms, in the order of the grid. */
export async function fitStudy(
  plan: Pick<Plan, "quick">,
  { workers, progress }: RunOptions,
): Promise<readonly StudyFit[]> {
  const limit = pLimit(workers);
  return Promise.all(
    informativenessOf(plan).map((informativeness) =>
      limit(async () => {
        const fit = await inThread<StudyFit>("fit-worker.ts", { informativeness });
        progress(`weights fitted at b = ${informativeness}`);
        return fit;
      }),
    ),
  );
}

/** In the order of the plan's seeds. */
export async function runStudy(
  plan: Plan,
  { workers, progress }: RunOptions,
): Promise<readonly SeedResult[]> {
  const limit = pLimit(workers);
  let done = 0;
  return Promise.all(
    plan.seeds.map((seed) =>
      limit(async () => {
        const result = await inThread<SeedResult>("seed-worker.ts", { plan, seed });
        done += 1;
        progress(`seed ${seed}: ${done} of ${plan.seeds.length} done`);
        return result;
      }),
    ),
  );
}

async function inThread<T>(file: string, workerData: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(import.meta.dirname, file), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread of ${file} ended with ${code}`)));
  });
}
