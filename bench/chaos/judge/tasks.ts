/** Every task ends once; its events and steps have no gap; a listener hears the journal. */
import { isLastEvent, type TaskEvent } from "../../../src/market/event.ts";
import { FINAL_STATES } from "../../../src/market/task.ts";
import type { Evidence, Heard, StepSeen, TaskSeen } from "../evidence.ts";
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
  for (const { taskId, seqs, types, shown } of evidence.heard) {
    const { events = [], steps = [] } = seen.get(taskId) ?? {};
    const same = seqs.every((seq, at) => events[at]?.seq === seq && events[at].type === types[at]);
    // Who listened to an end does not hear that its task was redriven later.
    const isWhole = seqs.length === events.length || events[seqs.length]?.type === "task-redriven";
    if (shown !== null) judgeText(taskId, { shown, steps, types }, find);
    if (!same || !isWhole)
      find("heard-differs", taskId, `heard ${seqs.join(" ")} of ${events.length} events`);
  }
}

function judgeTask({ taskId, state, events, steps }: TaskSeen, find: Find): void {
  const lives = livesOf(events);
  for (const life of lives.slice(0, -1)) judgeGivenUp(taskId, life, find);
  const lastLife = lives.at(-1) ?? [];
  const last = lastLife.filter((event) => isLastEvent(event));
  if (!(FINAL_STATES as readonly string[]).includes(state) || last.length === 0)
    find("task-not-ended", taskId, `is ${state}, with ${last.length} last events`);
  else if (last.length > 1 || events.at(-1) !== last[0] || STATE_OF[last[0]?.type ?? ""] !== state)
    find("task-ended-twice", taskId, `is ${state}; last events: ${last.map(({ type }) => type).join(", ")}`);
  const gap = events.findIndex(({ seq }, at) => seq !== at + 1);
  if (gap >= 0) find("event-gap", taskId, `event ${gap + 1} has number ${events[gap]?.seq}`);
  judgeSteps(taskId, { events, steps }, find);
}

/** A task that is redriven goes on after its end: events up to there, and from there on. */
function livesOf(events: readonly TaskEvent[]): TaskEvent[][] {
  const lives: TaskEvent[][] = [[]];
  for (const event of events) {
    if (event.type === "task-redriven") lives.push([]);
    lives.at(-1)?.push(event);
  }
  return lives;
}

/** Only what was given up is redriven, once it has ended. */
function judgeGivenUp(taskId: string, life: readonly TaskEvent[], find: Find): void {
  const [last, ...more] = life.filter((event) => isLastEvent(event));
  const isGivenUp = last?.type === "task-failed" && GIVEN_UP.has(last.reason);
  if (!isGivenUp || more.length > 0 || life.at(-1) !== last)
    find(
      "task-ended-twice",
      taskId,
      `redriven after ${life.at(-1)?.type}, with ${more.length + 1} last events`,
    );
}

const GIVEN_UP: ReadonlySet<string> = new Set(["dead_lettered", "trace_abandoned", "auction_abandoned"]);

/** A listener to text has shown every committed step's, once, over all of its connections. */
function judgeText(
  taskId: string,
  heard: Pick<TaskSeen, "steps"> & {
    readonly types: readonly string[];
    readonly shown: NonNullable<Heard["shown"]>;
  },
  find: Find,
): void {
  const { shown, steps, types } = heard;
  const committed = types.filter((type) => type === "step-committed").length;
  for (let at = 0; at < Math.max(committed, shown.length); at += 1) {
    const [mine, stored] = [shown[at], steps[at]];
    const same =
      mine?.attempt === stored?.attempt && mine?.step === stored?.step && mine?.text === stored?.text;
    if (!same)
      find(
        "text-differs",
        taskId,
        `step ${stored?.attempt}/${stored?.step} was shown as ${JSON.stringify(mine)}`,
      );
  }
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
