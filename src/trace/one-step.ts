/**
 * One step of a trace: record the call, ask the winner, commit its answer, run the tools that it asked for. Where the call
 * fails, the task's room says whether there is another one.
 */
import type { CallFailure, EndedCall } from "../market/call.ts";
import { cutStep } from "../market/last-step.ts";
import { NO_USAGE } from "../market/money.ts";
import { toStep, type AnsweredStep, type Step } from "../market/step.ts";
import { NO_ROOM, runsTools, submittedResult, withoutTools } from "../market/submission.ts";
import { workUntilMs, type WrapUpLimit } from "../market/wrap-up.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import { answerToolCalls, handedIn } from "./answer-tool-calls.ts";
import { beginCall, beginWrapUp, canShorten, refusedOnce, type BegunCall } from "./begin-call.ts";
import { mayGoOn } from "./may-go-on.ts";
import { isOlderRoom, timesOf, type PlannedCall, type Progress, type TraceRun } from "./trace-run.ts";
import { usable } from "./usable.ts";

/** What a call leads to: the next step, another call of the same one, a result to verify, or the end of this slice. */
export type Move =
  | {
      readonly next: "step";
      readonly step: Step;
      /** The limit for which only a wrap-up may follow; null: the trace goes on. */
      readonly wrapUp: WrapUpLimit | null;
      readonly callMs: number;
      /** The call for the step behind it; null: it is to be begun. */
      readonly begun: PlannedCall | null;
    }
  /** `answered`: with words that are of no use, and not with an error. */
  | {
      readonly next: "again";
      readonly answered: boolean;
      readonly refused: Progress["refused"];
      readonly wrapUp: WrapUpLimit | null;
      readonly callMs: number;
    }
  | { readonly next: "verify"; readonly result: string }
  | { readonly next: "leave" };

const LEAVE: Move = { next: "leave" };

/** Makes a call for the step that is due. A holder that must stop ends the task; one that has lost it just leaves. */
export async function oneStep(trace: TraceRun, progress: Progress): Promise<Move> {
  const begun = await beginCall(trace, progress);
  return begun === null ? LEAVE : makeCall(trace, progress, begun);
}

async function makeCall(trace: TraceRun, progress: Progress, begun: BegunCall): Promise<Move> {
  const { deps, desk, room, generation, heartbeat, live } = trace;
  const { callId, request, boundMicros, wrapUp, deadlineAtMs } = begun;
  const step = progress.steps.length + 1;
  const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - deps.config.source.now()));
  const signal = AbortSignal.any([heartbeat.signal, timeout]);
  const limits = { signal, deadlineAtMs, stallMs: deps.config.modelStallMs, text: live.of(step) };
  const answer = usable(await deps.models.step(desk.agent, request, limits), progress.steps);
  await live.settle();
  const how = answer.ok ? { finishReason: answer.value.finishReason } : { error: answer.failure.reason };
  const ended: EndedCall = { callId, bill: answer.bill, ms: answer.ms, ...how };
  if (!answer.ok) return afterFailure(trace, progress, { begun, ended, failure: answer.failure });
  // A provider that reported no usage leaves the call unconfirmed: it counts at its bound.
  const billed = answer.bill.status === "billed" ? answer.bill : { usage: NO_USAGE, costMicros: boundMicros };
  const answered: AnsweredStep = {
    step,
    text: answer.value.text,
    toolCalls: answer.value.toolCalls,
    assistant: answer.value.assistant,
    finishReason: answer.value.finishReason,
    usage: billed.usage,
    costMicros: billed.costMicros,
  };
  // What it has called beside its submission runs before that counts, where its room takes it then.
  const runsBefore = wrapUp === null && !isOlderRoom(trace) && runsTools(answered.toolCalls);
  const result = runsBefore ? null : submittedResult(answered);
  const committed = await room.commitAnswer(generation, ended, answered, result);
  if (wrapUp !== null && result === null) {
    // With the commit the task has ended; a room of the version before knows of no wrap-up, and is told.
    await room.endTrace(generation, null, wrapUp);
    return LEAVE;
  }
  if (committed === "submitted") return handedIn(answered);
  if (committed === "wrap_up" || committed === "wrap_up_cut") {
    // As the next holder would read it.
    const kept = committed === "wrap_up" ? answered : cutStep(answered);
    const closed = toStep(kept, withoutTools(kept.toolCalls, NO_ROOM));
    return { next: "step", step: closed, wrapUp: "journal_limit", callMs: answer.ms, begun: null };
  }
  if (!(await mayGoOn(trace, null, committed))) return LEAVE;
  if (result !== null) return { next: "verify", result };
  const times = timesOf(trace, { longestCallMs: Math.max(progress.longestCallMs, answer.ms) });
  const untilMs = times === null ? null : workUntilMs(times);
  const finished = await answerToolCalls(trace, answered, { progress, callMs: answer.ms, untilMs });
  if (finished === null) return LEAVE;
  return finished.next === "verify" ? finished : { ...finished, wrapUp: null, callMs: answer.ms };
}

interface FailedCall {
  readonly begun: BegunCall;
  readonly ended: EndedCall;
  readonly failure: CallFailure;
}

/** The task's room decides whether there is another call; the wait for it ends early for whoever is to stop. */
async function afterFailure(trace: TraceRun, progress: Progress, failed: FailedCall): Promise<Move> {
  const { deps, desk, room, generation, heartbeat } = trace;
  const { begun, ended, failure } = failed;
  const { signal } = heartbeat;
  if (signal.aborted) {
    await mayGoOn(trace, ended, signal.reason as DeskAnswer);
    return LEAVE;
  }
  const nowMs = deps.config.source.now();
  if (nowMs >= desk.deadlineAtMs) {
    await room.endTrace(generation, ended, "deadline");
    return LEAVE;
  }
  const times = timesOf(trace, progress);
  if (begun.wrapUp === null && times !== null && nowMs >= workUntilMs(times)) {
    const last = await beginWrapUp(trace, progress, { limit: "deadline", cut: ended });
    return last === null ? LEAVE : makeCall(trace, progress, last);
  }
  const tooLong = failure.reason === "context_refused";
  const told = tooLong ? refusal(trace, failure, canShorten(trace, progress, begun.wrapUp)) : failure;
  const next = await room.failTraceCall(generation, ended, told);
  if (next === null) return LEAVE;
  const counted = tooLong ? refusedOnce(progress) : progress;
  if (typeof next === "string") {
    const last = await beginWrapUp(trace, counted, { limit: next });
    return last === null ? LEAVE : makeCall(trace, counted, last);
  }
  await deps.sleep(next, signal);
  const goesOn = !signal.aborted || (await mayGoOn(trace, null, signal.reason as DeskAnswer));
  if (!goesOn) return LEAVE;
  const answered = failure.reason === "empty" || failure.reason === "malformed";
  return { next: "again", answered, refused: counted.refused, wrapUp: begun.wrapUp, callMs: ended.ms };
}

/** What was refused for its length, as its room knows it. @param mayPass it is made again shorter than it was */
function refusal(trace: TraceRun, failure: CallFailure, mayPass: boolean): CallFailure {
  return { ...failure, mayPass, ...(isOlderRoom(trace) && { reason: "provider_error" }) };
}
