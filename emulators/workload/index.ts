/**
 * The workload: tasks of our own in five difficulty bins, and the documents that its questions read.
 *
 * Data only. It knows nothing of models, markets or wires; the demo submits it, the house models look it up.
 */
import { codeBin1 } from "./code/bin-1.ts";
import { codeBin2 } from "./code/bin-2.ts";
import { codeBin3 } from "./code/bin-3.ts";
import { codeBin4 } from "./code/bin-4.ts";
import { codeBin5 } from "./code/bin-5.ts";
import { questionsBin1 } from "./questions/bin-1.ts";
import { questionsBin2 } from "./questions/bin-2.ts";
import { questionsBin3 } from "./questions/bin-3.ts";
import { questionsBin4 } from "./questions/bin-4.ts";
import { questionsBin5 } from "./questions/bin-5.ts";
import type { WorkloadTask } from "./task.ts";

export { documents } from "./documents/index.ts";
export type { Bin, PlanFragments, TaskKind, WorkloadTask } from "./task.ts";

/** Stands in prompts for the base URL of the documents, such as `http://127.0.0.1:8788/docs`. */
export const DOCS_PLACEHOLDER = "{{docs}}";

/** All tasks, easiest bin first. */
export const workload: readonly WorkloadTask[] = [
  ...codeBin1,
  ...questionsBin1,
  ...codeBin2,
  ...questionsBin2,
  ...codeBin3,
  ...questionsBin3,
  ...codeBin4,
  ...questionsBin4,
  ...codeBin5,
  ...questionsBin5,
];

/** The prompt as a tenant sends it, with the documents at `docsUrl` (without a slash at the end). */
export function promptAt(task: WorkloadTask, docsUrl: string): string {
  return task.prompt.replaceAll(DOCS_PLACEHOLDER, docsUrl);
}
