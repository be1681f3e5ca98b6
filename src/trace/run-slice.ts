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
import { workUntilMs } from "../market/wrap-up.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import { answerToolCalls } from "./answer-tool-calls.ts";
import { LiveText } from "./live-text.ts";
import { oneStep, type Move } from "./one-step.ts";
import { timesOf, withStep, type Progress, type TraceDeps, type TraceRun } from "./trace-run.ts";
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
  const live = new LiveText((piece) => room.tellText(generation, piece));
  const renew = async () => live.heed(await room.renewTrace(generation, "listeners"));
  const heartbeat = startHeartbeat(deps.config.leaseMs, renew);
  try {
    const opened = await deps.openTools({ desk, room, generation, signal: heartbeat.signal });
    try {
      const untilMs = deps.config.source.now() + deps.config.sliceMs;
      await run({ deps, room, desk, generation, untilMs, heartbeat, live, tools: opened.tools });
    } finally {
      await opened.close();
    }
  } finally {
    heartbeat.end();
  }
}

async function run(trace: TraceRun): Promise<void> {
  const { deps, desk, room, generation, untilMs } = trace;
  const found = await takenUp(trace);
  let { progress, result } = found;
  for (let asked = 0; result === null; asked++) {
    if (progress === null) return;
    const isOver = asked > 0 && progress.begun === null && deps.config.source.now() >= untilMs;
    if (isOver) return room.handOver(generation);
    // Of a trace from before there were wrap-ups.
    if (progress.steps.length >= desk.limits.maxSteps) return room.endTrace(generation, null, "step_limit");
    const move = await oneStep(trace, progress);
    if (move.next === "verify") result = move.result;
    else progress = after(progress, move);
  }
  await settleResult(trace, result);
}

/** Where a trace stands: `progress` null, it may not go on; `result` not null, it has ended with that. */
interface Standing {
  readonly progress: Progress | null;
  readonly result: string | null;
}

/** Where the holder before has left the trace, with its last step's tools answered. */
async function takenUp(trace: TraceRun): Promise<Standing> {
  const { steps, pending, pendingAttempt, wrapUp = null, longestCallMs = 0, refused = [] } = trace.desk;
  const progress: Progress = { steps, redraws: 0, refused, wrapUp, longestCallMs, begun: null };
  if (pending === null) return { progress, result: trace.desk.result };
  const times = timesOf(trace, progress);
  const untilMs = times === null ? null : workUntilMs(times);
  const attempt = pendingAttempt === undefined ? {} : { attempt: pendingAttempt };
  const finished = await answerToolCalls(trace, pending, { progress, callMs: 0, untilMs, ...attempt });
  if (finished === null) return { progress: null, result: null };
  if (finished.next === "verify") return { progress, result: finished.result };
  const { step, begun } = finished;
  return { progress: { ...withStep(progress, { step, callMs: 0 }), begun }, result: null };
}

function after(progress: Progress, move: Exclude<Move, { readonly next: "verify" }>): Progress | null {
  if (move.next === "leave") return null;
  const { wrapUp, callMs } = move;
  if (move.next === "step")
    return { ...withStep(progress, { step: move.step, callMs }), wrapUp, begun: move.begun };
  return {
    ...progress,
    redraws: progress.redraws + Number(move.answered),
    refused: move.refused,
    wrapUp,
    longestCallMs: Math.max(progress.longestCallMs, callMs),
    begun: null,
  };
}
