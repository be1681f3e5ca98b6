/**
 * What is done once is paid for once: a step of a trace, a judge's word.
 *
 * No call says which step it was made for, so they are counted by attempts: each call that is the tenant's must stand for
 * something in the room's own record. That is a step, a call that is told as failed, the one that a deadline cut off for the
 * wrap-up, or the last one of a trace that came to no result: it was stopped, or its answer waits for its tools. So a step
 * of an attempt without a result may be paid twice unseen, once.
 */
import type { CallSeen, Evidence, TaskSeen } from "../evidence.ts";
import type { Find } from "./violation.ts";

export function judgePaidOnce({ tasks }: Evidence, find: Find): void {
  for (const task of tasks) {
    const paid = task.calls.filter(({ payer }) => payer === "tenant");
    judgeSteps(
      task,
      paid.filter(({ kind }) => kind === "trace"),
      find,
    );
    judgeJudges(
      task,
      paid.filter(({ kind }) => kind === "judge"),
      find,
    );
  }
}

function judgeSteps({ taskId, steps, events }: TaskSeen, paid: readonly CallSeen[], find: Find): void {
  for (const attempt of new Set(paid.map((call) => call.attempt))) {
    const calls = paid.filter((call) => call.attempt === attempt).length;
    const made = steps.filter((step) => step.attempt === attempt).length;
    const told = events.filter((event) => "attempt" in event && event.attempt === attempt);
    const failed = told.filter(({ type }) => type === "call-failed").length;
    const wasCut = told.some((event) => event.type === "wrap-up-asked" && event.limit === "deadline");
    const hasResult = told.some(({ type }) => type === "trace-ended");
    if (calls > made + failed + Number(wasCut) + Number(!hasResult))
      find(
        "work-paid-twice",
        `${taskId} ${attempt}`,
        `${calls} calls are the tenant's; ${made} steps, ${failed} failed`,
      );
  }
}

/** A panel asks nobody twice: not for the attempt that was sold, and not where that is redriven. */
function judgeJudges({ taskId, events }: TaskSeen, paid: readonly CallSeen[], find: Find): void {
  const sold = events.flatMap((event) => (event.type === "task-awarded" ? [event.attempt] : []));
  const asked = new Set<string>();
  for (const { attempt, agentId, callId } of paid) {
    const panel = Math.max(0, ...sold.filter((one) => one <= attempt));
    const name = `${panel} ${agentId}`;
    if (asked.has(name))
      find("work-paid-twice", callId, `${agentId} has judged attempt ${panel} of ${taskId}`);
    asked.add(name);
  }
}
