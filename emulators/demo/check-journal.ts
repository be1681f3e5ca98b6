/** Whether a task's journal, its trace and its bill tell one story. Pure. */
import { isLastEvent } from "../../src/market/event.ts";
import type { ApiCall } from "./api.ts";
import type { EndedTask } from "./run-tasks.ts";

/** What does not fit, in words; empty when all of it does. */
export function checkJournal(ended: EndedTask): string[] {
  if (ended.task === null || ended.trace === null) return [ended.error ?? "the API was not asked"];
  const { task, trace, events } = ended;
  const problems: string[] = [];
  if (task.state !== "finished")
    problems.push(`ended ${task.state}${task.failureReason === null ? "" : ` (${task.failureReason})`}`);
  events.forEach((event, at) => {
    if (event.seq !== at + 1) problems.push(`event ${at + 1} of the stream has number ${event.seq}`);
  });
  const last = events.at(-1);
  if (last === undefined || !isLastEvent(last)) problems.push("the stream has no last event");

  const callsMicros = trace.calls.reduce((sum, call) => sum + countedMicros(call), 0);
  if (callsMicros !== task.costMicros) {
    problems.push(`costs ${task.costMicros} micro-USD, but its calls add up to ${callsMicros}`);
  }
  const { embedMicros, bidMicros, juryMicros, refineMicros, traceMicros, judgeMicros } = task.costs;
  const parts = embedMicros + bidMicros + juryMicros + refineMicros + traceMicros + judgeMicros;
  if (parts !== task.costMicros) {
    problems.push(
      `costs ${task.costMicros} micro-USD, but embedding, bids, jury, refinement, trace and judges add up to ${parts}`,
    );
  }
  const committed = events.filter((event) => event.type === "step-committed").length;
  if (committed !== trace.steps.length)
    problems.push(`${committed} steps in the journal, ${trace.steps.length} in the trace`);
  return problems;
}

/** What a call counts: its bill, or its bound as long as no bill came. */
function countedMicros(call: ApiCall): number {
  if (call.status === "refused") return 0;
  return call.costMicros ?? call.boundMicros;
}
