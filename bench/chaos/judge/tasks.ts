/** Every task ends once; its events and steps have no gap; a listener hears the journal. */
import { isLastEvent, type TaskEvent } from "../../../src/market/event.ts";
import { FINAL_STATES } from "../../../src/market/task.ts";
import type { Evidence, StepSeen, TaskSeen } from "../evidence.ts";
import type { Find } from "./violation.ts";

const STATE_OF: Readonly<Record<string, string>> = {
  "task-finished": "finished",
  "task-failed": "failed",
  "task-cancelled": "cancelled",
  "task-not-sold": "no_sale",
};

export function judgeTasks(evidence: Evidence, find: Find): void {
  const seen = new Map(evidence.tasks.map((task) => [task.taskId, task]));
  for (const { key, taskIds, tenantId } of evidence.acknowledged) {
    const [first = "", ...others] = taskIds;
    if (others.some((id) => id !== first))
      find("asked-once-admitted-twice", key, `answered with ${[...new Set(taskIds)].join(", ")}`);
    const task = seen.get(first);
    if (task?.tenantId !== tenantId) find("task-not-ended", first, "acknowledged, and not there");
  }
  for (const task of evidence.tasks) judgeTask(task, find);
  for (const { taskId, seqs, types } of evidence.heard) {
    const events = seen.get(taskId)?.events ?? [];
    const same = seqs.every((seq, at) => events[at]?.seq === seq && events[at].type === types[at]);
    if (!same || seqs.length !== events.length)
      find("heard-differs", taskId, `heard ${seqs.join(" ")} of ${events.length} events`);
  }
}

function judgeTask({ taskId, state, events, steps }: TaskSeen, find: Find): void {
  const last = events.filter((event) => isLastEvent(event));
  if (!(FINAL_STATES as readonly string[]).includes(state) || last.length === 0)
    find("task-not-ended", taskId, `is ${state}, with ${last.length} last events`);
  else if (last.length > 1 || events.at(-1) !== last[0] || STATE_OF[last[0]?.type ?? ""] !== state)
    find("task-ended-twice", taskId, `is ${state}; last events: ${last.map(({ type }) => type).join(", ")}`);
  const gap = events.findIndex(({ seq }, at) => seq !== at + 1);
  if (gap >= 0) find("event-gap", taskId, `event ${gap + 1} has number ${events[gap]?.seq}`);
  judgeSteps(taskId, { events, steps }, find);
}

/** An attempt begins at 1, or goes on where the one before it stopped. */
function judgeSteps(
  taskId: string,
  { events, steps }: { readonly events: readonly TaskEvent[]; readonly steps: readonly StepSeen[] },
  find: Find,
): void {
  const told = events.flatMap((event) =>
    event.type === "step-committed" ? [`${event.attempt}/${event.step}`] : [],
  );
  const stored = steps.map(({ attempt, step }) => `${attempt}/${step}`);
  for (const list of [told, stored]) {
    const twice = list.find((name, at) => list.indexOf(name) !== at);
    if (twice !== undefined) find("step-committed-twice", taskId, `step ${twice}`);
  }
  if (told.join(" ") !== stored.join(" "))
    find("step-committed-twice", taskId, `events say ${told.join(" ")}, the trace ${stored.join(" ")}`);
  let before: StepSeen | null = null;
  for (const step of steps) {
    const goesOn = before !== null && step.step === before.step + 1;
    const isFirst = step.step === 1 && step.attempt !== before?.attempt;
    if (!goesOn && !isFirst) find("step-gap", taskId, `step ${step.attempt}/${step.step} does not follow`);
    before = step;
  }
}
