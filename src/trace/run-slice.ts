/**
 * One slice of a trace: take the lease, go step by step, give the trace back (architecture, decision 2).
 *
 * A slice lasts until its time is up and makes at least one model call. All state is in the task's room: whatever
 * dies here, the next holder goes on from the last commit.
 */
import { startHeartbeat } from "../auction/heartbeat.ts";
import { logError } from "../log.ts";
import { failureOfError } from "../market/dead-letter.ts";
import type { TraceMessage } from "../market/message.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import { answerToolCalls } from "./answer-tool-calls.ts";
import { oneStep } from "./one-step.ts";
import type { TraceDeps, TraceRun } from "./trace-run.ts";
import { settleResult } from "./settle-result.ts";

/**
 * Runs one slice; returns at once where the message is stale or another holder works.
 *
 * @param retryInMs when the queue brings the message again, should this fail; default: at once
 * @throws what went wrong, once the trace is given back: the message is to come again
 */
export async function runSlice(deps: TraceDeps, message: TraceMessage, retryInMs = 0): Promise<void> {
  const room = deps.config.taskRoom<TaskRoomApi>(message.tenantId, message.taskId);
  const taken = await room.takeTrace(message.attempt, message.generation);
  if (!taken.ok) return;
  const desk = taken.value;
  const { generation = message.generation } = desk;
  try {
    await holdSlice(deps, { room, desk, generation });
  } catch (error) {
    const failed = { announced: message.generation, failure: failureOfError(error), retryInMs };
    // Where that cannot be told either, the lease lapses.
    await room.failTrace(generation, failed).catch((untold: unknown) => {
      logError("slice-failure-untold", untold, { taskId: message.taskId });
    });
    throw error;
  }
}

/** With the trace's lease held. */
async function holdSlice(
  deps: TraceDeps,
  { room, desk, generation }: Pick<TraceRun, "room" | "desk" | "generation">,
): Promise<void> {
  const heartbeat = startHeartbeat(deps.config.leaseMs, () => room.renewTrace(generation));
  try {
    const opened = await deps.openTools({ desk, room, generation, signal: heartbeat.signal });
    try {
      await run({ deps, room, desk, generation, heartbeat, tools: opened.tools });
    } finally {
      await opened.close();
    }
  } finally {
    heartbeat.end();
  }
}

async function run(trace: TraceRun): Promise<void> {
  const { deps, desk, room, generation } = trace;
  const untilMs = deps.config.source.now() + deps.config.sliceMs;
  const steps = [...desk.steps];
  if (desk.pending !== null) {
    const finished = await answerToolCalls(trace, desk.pending, desk.pendingAttempt);
    if (finished === null) return;
    steps.push(finished);
  }
  let result = desk.result;
  let redraws = 0;
  for (let asked = 0; result === null; asked++) {
    if (asked > 0 && deps.config.source.now() >= untilMs) return room.handOver(generation);
    if (steps.length >= desk.limits.maxSteps) {
      return room.endTrace(generation, null, "step_limit");
    }
    const move = await oneStep(trace, steps, redraws);
    if (move.next === "leave") return;
    if (move.next === "verify") result = move.result;
    if (move.next === "step") steps.push(move.step);
    if (move.next === "again") redraws += Number(move.answered);
    else redraws = 0;
  }
  await settleResult(trace, result);
}
