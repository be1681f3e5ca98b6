/**
 * Begins a step's call: as the next step, or where a limit leaves no other, as the wrap-up (`market/wrap-up.ts`).
 *
 * A step is begun only where the wrap-up behind it is kept back, too: in steps, in money, in time, in the journal.
 */
import { fitContext, type FittedContext } from "../agents/fit-context.ts";
import { stepOutputTokens } from "../agents/output-limits.ts";
import { withShortEnd } from "../agents/shorten-answers.ts";
import type { EndedCall, StartedCall } from "../market/call.ts";
import { newId } from "../market/ids.ts";
import { ZERO_MICROS } from "../market/money.ts";
import { workUntilMs, wrapUpFromMs, type WrapUpLimit } from "../market/wrap-up.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { StepStartAnswer, TraceCallTerms } from "../taskroom/task-room-api.ts";
import { mayGoOn } from "./may-go-on.ts";
import { stepRequest } from "./step-request.ts";
import { timesOf, type PlannedCall, type Progress, type TraceRun } from "./trace-run.ts";

/** A call that is recorded as started. */
export interface BegunCall extends Omit<PlannedCall, "terms"> {
  /** Null: the trace goes on. */
  readonly wrapUp: WrapUpLimit | null;
  /** When it is cut off, in milliseconds since 1970. */
  readonly deadlineAtMs: number;
}

/** Null: none may be begun, and this holder has done what is to be done about it. */
export async function beginCall(trace: TraceRun, progress: Progress): Promise<BegunCall | null> {
  const planned = progress.begun ?? planStep(trace, progress);
  if (typeof planned === "string") return beginWrapUp(trace, progress, { limit: planned });
  if (progress.begun === null) {
    const answer = await start(trace, planned);
    if (isRefusal(answer)) return beginWrapUp(trace, progress, { limit: answer });
    if (!(await mayGoOn(trace, null, answer))) return null;
  }
  const times = timesOf(trace, progress);
  const untilMs = times === null ? trace.desk.deadlineAtMs : workUntilMs(times);
  return { ...planned, wrapUp: null, deadlineAtMs: callUntilMs(trace, untilMs) };
}

/** The call for the step that is due, or the limit for which it is the wrap-up. */
export function planStep(trace: TraceRun, progress: Progress): PlannedCall | WrapUpLimit {
  const limit = progress.wrapUp ?? limitReached(trace, progress);
  if (limit !== null) return limit;
  const { deps, desk } = trace;
  const fitted = fittedRequest(trace, progress, null);
  if (isOverWindow(trace, fitted)) return "context_limit";
  return planCall(trace, fitted, {
    // Before the first step there is no work that could be thrown away. Whatever else is to be paid once the trace has
    // its result is to be kept back here, too.
    reserveMicros:
      progress.steps.length === 0 ? ZERO_MICROS : deps.models.wrapUpBound(desk.agent, fitted.request),
  });
}

/** @param cut the step's own call, where the limit has cut it off */
export async function beginWrapUp(
  trace: TraceRun,
  progress: Progress,
  { limit, cut }: { readonly limit: WrapUpLimit; readonly cut?: EndedCall },
): Promise<BegunCall | null> {
  const { desk, room, generation } = trace;
  const fitted = fittedRequest(trace, progress, limit);
  if (isOverWindow(trace, fitted)) {
    await room.endTrace(generation, cut ?? null, "context_limit");
    return null;
  }
  const terms: TraceCallTerms = { wrapUp: limit, ...(cut !== undefined && { cut }) };
  let planned = planCall(trace, fitted, terms);
  let answer = await start(trace, planned);
  if (isRefusal(answer)) {
    // What was kept back counts with short answers of the latest tools: longer ones have used it up.
    planned = planCall(trace, { ...fitted, request: withShortEnd(fitted.request) }, terms);
    answer = await start(trace, planned);
  }
  if (isRefusal(answer)) {
    await room.endTrace(generation, null, answer);
    return null;
  }
  if (!(await mayGoOn(trace, null, answer))) return null;
  return { ...planned, wrapUp: limit, deadlineAtMs: callUntilMs(trace, desk.deadlineAtMs) };
}

/** Whether it would be asked for with less, had its call been refused as too long once more. */
export function canShorten(trace: TraceRun, progress: Progress, wrapUp: WrapUpLimit | null): boolean {
  const [now, then] = [progress, refusedOnce(progress)].map((at) => fittedRequest(trace, at, wrapUp).leftOut);
  return (now?.characters ?? 0) < (then?.characters ?? 0);
}

/** Once a call for the step that is due was refused as too long. */
export function refusedOnce(progress: Progress): Progress {
  return { ...progress, refused: [...progress.refused, progress.steps.length + 1] };
}

function fittedRequest(trace: TraceRun, progress: Progress, wrapUp: WrapUpLimit | null): FittedContext {
  return fitContext(trace.desk.agent, stepRequest(trace, progress, wrapUp), progress.refused);
}

function isRefusal(answer: StepStartAnswer): answer is SpendRefusal | "journal_limit" {
  return answer === "cost_limit" || answer === "budget" || answer === "journal_limit";
}

/**
 * The limit that leaves one step; null: none does so far. What a call may cost is the task's room to say, and what its
 * journal takes.
 */
function limitReached(trace: TraceRun, progress: Progress): WrapUpLimit | null {
  const { deps, desk } = trace;
  if (progress.steps.length + 1 >= desk.limits.maxSteps) return "step_limit";
  const times = timesOf(trace, progress);
  return times !== null && deps.config.source.now() >= wrapUpFromMs(times) ? "deadline" : null;
}

function planCall(
  { deps, desk }: TraceRun,
  { request, leftOut }: FittedContext,
  terms: TraceCallTerms,
): PlannedCall {
  return {
    callId: newId("cal", deps.config.source),
    request,
    boundMicros: deps.models.stepBound(desk.agent, request),
    terms: leftOut.outputs === 0 ? terms : { ...terms, leftOut },
  };
}

/** As its room records it. */
export function startedCall({ desk }: TraceRun, { callId, boundMicros }: PlannedCall): StartedCall {
  return { callId, kind: "trace", agentId: desk.agent.id, boundMicros };
}

async function start(trace: TraceRun, planned: PlannedCall): Promise<StepStartAnswer> {
  const { room, generation, live } = trace;
  const call = startedCall(trace, planned);
  return live.heed(await room.startTraceCall(generation, call, planned.terms, "listeners"));
}

/** True where the provider would refuse the request, whatever its tokens are. */
function isOverWindow({ desk }: TraceRun, { request, leastTokens }: FittedContext): boolean {
  return leastTokens + stepOutputTokens(desk.agent, request) > desk.agent.contextTokens;
}

function callUntilMs({ deps }: TraceRun, untilMs: number): number {
  const { source, modelCallMs } = deps.config;
  return Math.min(source.now() + modelCallMs, untilMs);
}
