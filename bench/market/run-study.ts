/** Runs all seeds of a plan, some at a time. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import type { Plan } from "./plan.ts";
import type { SeedResult } from "./run-seed.ts";

export interface StudyOptions {
  readonly plan: Plan;
  readonly workers: number;
  /** Told after each seed. */
  readonly progress: (line: string) => void;
}

/** In the order of the plan's seeds. */
export async function runStudy({ plan, workers, progress }: StudyOptions): Promise<readonly SeedResult[]> {
  const limit = pLimit(workers);
  let done = 0;
  return Promise.all(
    plan.seeds.map((seed) =>
      limit(async () => {
        const result = await inThread(plan, seed);
        done += 1;
        progress(`seed ${seed}: ${done} of ${plan.seeds.length} done`);
        return result;
      }),
    ),
  );
}

async function inThread(plan: Plan, seed: number): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(import.meta.dirname, "seed-worker.ts"), { workerData: { plan, seed } });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread of seed ${seed} ended with ${code}`)));
  });
}
