/** Shows a run while it goes: a live view on a terminal, a line per event of interest anywhere else. */
import type { Colors } from "picocolors/types.js";
import type { TaskEvent } from "../../src/market/event.ts";
import type { DemoTask } from "./demo-task.ts";
import { eventLine } from "./event-line.ts";
import { liveFrame } from "./live-frame.ts";
import { startLiveScreen, type LiveScreen } from "./live-screen.ts";
import { afterEvent, queuedTask, submitted, type TaskView } from "./task-view.ts";

export interface Reporter {
  submitted(label: string, taskId: string): void;
  event(label: string, event: TaskEvent): void;
  /** The view of a task as it stands. */
  view(label: string): TaskView;
  stop(): void;
}

export interface ReporterOptions {
  readonly out: NodeJS.WriteStream;
  /** False also on a terminal that cannot move its cursor. */
  readonly live: boolean;
  readonly colours: Colors;
}

export function startReporter(tasks: readonly DemoTask[], { out, live, colours }: ReporterOptions): Reporter {
  const views = new Map(tasks.map(({ label, bin }) => [label, queuedTask(label, bin)]));
  const startedAt = performance.now();
  const frame = () =>
    liveFrame([...views.values()], {
      columns: out.columns ?? 80,
      rows: out.rows ?? 24,
      colours,
      elapsedMs: performance.now() - startedAt,
    });
  const screen: LiveScreen | null = live ? startLiveScreen(out, frame) : null;
  const view = (label: string): TaskView => {
    const found = views.get(label);
    if (found === undefined) throw new Error(`no task ${label} in this run`);
    return found;
  };
  return {
    view,
    submitted: (label, taskId) => void views.set(label, submitted(view(label), taskId)),
    event: (label, event) => {
      const before = view(label);
      const after = afterEvent(before, event);
      views.set(label, after);
      const text = screen === null && after !== before ? eventLine(after, event) : null;
      if (text !== null) out.write(`${text}\n`);
    },
    stop: () => screen?.stop(),
  };
}
