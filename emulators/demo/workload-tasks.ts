/** The workload as a run's tasks. */
import { promptAt, workload } from "../workload/index.ts";
import type { DemoTask } from "./demo-task.ts";

/** @param docsUrl where the emulators serve the workload's documents, without a slash at the end */
export function workloadTasks(docsUrl: string): readonly DemoTask[] {
  return workload.map((task) => ({
    label: task.id,
    bin: task.bin,
    input: {
      prompt: promptAt(task, docsUrl),
      verifier: task.verifier,
      metadata: { workload: task.id, bin: String(task.bin) },
    },
  }));
}
