/** Which of the tasks a run submits, in which order. */
import { drawsFor } from "../house/draws.ts";

export interface Choice {
  /** Null: the order that they come in. */
  readonly seed: number | null;
  /** Null: all. */
  readonly only: number | null;
}

/** The same choice for the same seed. Some of them are taken evenly from the whole, so that every bin has its share. */
export function chooseTasks<Task>(tasks: readonly Task[], { seed, only }: Choice): readonly Task[] {
  const count = Math.min(only ?? tasks.length, tasks.length);
  const chosen = Array.from(
    { length: count },
    (_, at) => tasks[Math.floor((at * tasks.length) / count)] as Task,
  );
  if (seed === null) return chosen;
  const shuffled = drawsFor(seed, "order of the demo's tasks").shuffled(tasks);
  return shuffled.slice(0, count);
}
