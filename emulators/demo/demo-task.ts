/** A task of a run: what is submitted, and the name that people see. */
import type { TaskInput } from "../../src/market/task.ts";

export interface DemoTask {
  /** Unique within the run: a workload id, `line 3`, or a recording's name. */
  readonly label: string;
  /** Difficulty bin of the workload; null elsewhere. */
  readonly bin: number | null;
  readonly input: TaskInput;
}
