/** A thread that fits the weights of one informativeness. */
import { parentPort, workerData } from "node:worker_threads";
import { loadSolver } from "../fit/solve.ts";
import { fitArms } from "./fit-arms.ts";
import { trainingWorld } from "./training.ts";

const { informativeness } = workerData as { readonly informativeness: number };
const fit = fitArms(await loadSolver(), trainingWorld(), informativeness);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.postMessage(fit);
