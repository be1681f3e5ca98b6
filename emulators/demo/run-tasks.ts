/** Submits tasks and follows each to its end, a bounded number at a time. */
import pLimit from "p-limit";
import type { TaskEvent } from "../../src/market/event.ts";
import { readSettledTask, readTrace, submitTask, type Access, type ApiTask, type ApiTrace } from "./api.ts";
import type { DemoTask } from "./demo-task.ts";
import { followEvents } from "./follow-events.ts";

export interface RunListener {
  submitted(label: string, taskId: string): void;
  event(label: string, event: TaskEvent): void;
}

/** What the API says of a task after its last event. */
export interface EndedTask {
  readonly label: string;
  readonly bin: number | null;
  readonly events: readonly TaskEvent[];
  /** Wall time from submission to the last event. */
  readonly ms: number;
  /** Null where the API could not be asked; `error` says why. */
  readonly task: ApiTask | null;
  readonly trace: ApiTrace | null;
  readonly error: string | null;
}

/** The market room settles a moment after the task's last event. */
const SETTLE_WAIT_MS = 30_000;

export interface RunOptions {
  readonly access: Access;
  readonly concurrency: number;
  readonly listener: RunListener;
}

/** Every task's end, in the order of the tasks. One that cannot be followed does not stop the others. */
export async function runTasks(tasks: readonly DemoTask[], options: RunOptions): Promise<EndedTask[]> {
  const limit = pLimit(options.concurrency);
  return Promise.all(tasks.map((task) => limit(() => runTask(task, options))));
}

async function runTask(task: DemoTask, { access, listener }: RunOptions): Promise<EndedTask> {
  const { label, bin } = task;
  const startedAt = performance.now();
  const events: TaskEvent[] = [];
  const elapsed = () => Math.round(performance.now() - startedAt);
  try {
    const taskId = await submitTask(access, task.input);
    listener.submitted(label, taskId);
    for await (const event of followEvents({ access, taskId })) {
      events.push(event);
      listener.event(label, event);
    }
    const ms = elapsed();
    const settled = await readSettledTask(access, taskId, SETTLE_WAIT_MS);
    return { label, bin, events, ms, task: settled, trace: await readTrace(access, taskId), error: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { label, bin, events, ms: elapsed(), task: null, trace: null, error: message };
  }
}
