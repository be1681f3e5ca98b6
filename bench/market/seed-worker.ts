/** A thread that runs one seed: cores share a run without sharing a cache. */
import { parentPort, workerData } from "node:worker_threads";
import type { SeedPlan } from "./plan.ts";
import { runSeed } from "./run-seed.ts";

const { plan, seed } = workerData as { readonly plan: SeedPlan; readonly seed: number };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.postMessage(runSeed(plan, seed));
