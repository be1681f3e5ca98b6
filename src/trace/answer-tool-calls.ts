/**
 * The tool calls of one step, answered side by side and committed together.
 *
 * At least once: a holder that dies in here is followed by one that runs the same calls with the same idempotency keys.
 */
import { beginningWithin } from "../market/cut-text.ts";
import { MAX_OUTCOME_BYTES } from "../market/journal-limits.ts";
import {
  MAX_CALLS_PER_STEP,
  toStep,
  type AnsweredStep,
  type Step,
  type ToolOutcome,
} from "../market/step.ts";
import { isSubmitted, SUBMIT_TOOL, submittedResult, withSubmission } from "../market/submission.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { planStep, startedCall } from "./begin-call.ts";
import { mayGoOn } from "./may-go-on.ts";
import { withStep, type PlannedCall, type Progress, type TraceRun } from "./trace-run.ts";
import { runTool } from "./tools/run-tool.ts";

/** A step whose calls are answered: the trace goes on behind it, or has ended with its result. */
export type FinishedStep =
  | {
      readonly next: "step";
      readonly step: Step;
      /** The call for the step behind it, which was started with its commit; null: none was. */
      readonly begun: PlannedCall | null;
    }
  | HandedIn;
interface HandedIn {
  readonly next: "verify";
  readonly result: string;
}

/** Where a step stands. */
interface Around {
  readonly progress: Progress;
  readonly callMs: number;
  readonly untilMs: number | null;
  readonly attempt?: number;
}

/**
 * The finished step, or null where the trace may not go on. A submission among its calls waits for the others. Where nothing
 * is in the way of the call for the next step, it is started with the same commit: a commit of its own would cost every step
 * a request and a transaction more.
 *
 * @param progress before the step, which took a call of `callMs`
 * @param attempt the one that the step was answered in; default: this one
 * @param untilMs when tools are cut off, in milliseconds since 1970: what comes then belongs to the wrap-up; null: never
 */
export async function answerToolCalls(
  trace: TraceRun,
  answered: AnsweredStep,
  { progress, callMs, untilMs, attempt = trace.desk.attempt }: Around,
): Promise<FinishedStep | null> {
  const { deps, desk, room, generation, heartbeat, live, tools } = trace;
  if (answered.toolCalls.length === 0) return { next: "step", step: toStep(answered, []), begun: null };
  const timeUp = timeUpAt(untilMs, deps.config.source.now());
  const signal = AbortSignal.any([heartbeat.signal, timeUp]);
  const running = new Set(
    answered.toolCalls.filter(({ name }) => name !== SUBMIT_TOOL).slice(0, MAX_CALLS_PER_STEP),
  );
  const ran = await Promise.all(
    answered.toolCalls.map(async (call, index): Promise<ToolOutcome | null> => {
      if (call.name === SUBMIT_TOOL) return null;
      if (!running.has(call)) {
        const message = `At most ${MAX_CALLS_PER_STEP} tool calls run in one step; ask again for this one.`;
        return { ok: false, error: { code: "too_many_calls", message } };
      }
      const outcome = await runTool(tools, call, {
        idempotencyKey: `${desk.taskId}-${attempt}-${answered.step}-${index}`,
        signal,
      });
      return boundForJournal(timeUp.aborted ? outOfTime(outcome) : outcome);
    }),
  );
  // Cut off by a lease that is (or seems) lost: the step stays pending, and its next holder runs the tools.
  if (heartbeat.signal.aborted && heartbeat.signal.reason === "lost") return null;
  const outcomes = withSubmission(answered.toolCalls, ran);
  const step = toStep(answered, outcomes);
  const planned = isSubmitted(answered.toolCalls, outcomes)
    ? null
    : planNext(trace, withStep(progress, { step, callMs }));
  const next = planned === null ? [] : [{ call: startedCall(trace, planned), terms: planned.terms }];
  const committed = live.heed(await room.commitTools(generation, answered.step, outcomes, ...next));
  if (committed === "submitted") return handedIn(answered);
  if (committed === "begun") return { next: "step", step, begun: planned };
  return (await mayGoOn(trace, null, committed)) ? { next: "step", step, begun: null } : null;
}

/** Null: the slice ends here, or what comes next is not just the next step. */
function planNext(trace: TraceRun, progress: Progress): PlannedCall | null {
  const { deps, heartbeat, untilMs } = trace;
  if (heartbeat.signal.aborted || deps.config.source.now() >= untilMs) return null;
  try {
    const planned = planStep(trace, progress);
    return typeof planned === "string" ? null : planned;
  } catch {
    // It fails again where the call is begun by itself, and its tools' answers are committed then.
    return null;
  }
}

/** @throws Error where the step hands nothing in */
export function handedIn(answered: AnsweredStep): HandedIn {
  const result = submittedResult(answered);
  if (result === null) throw new Error("a submission was taken that is none");
  return { next: "verify", result };
}

function timeUpAt(untilMs: number | null, nowMs: number): AbortSignal {
  return untilMs === null ? new AbortController().signal : AbortSignal.timeout(Math.max(1, untilMs - nowMs));
}

function outOfTime(outcome: ToolOutcome): ToolOutcome {
  if (outcome.ok || outcome.error.code !== "cancelled") return outcome;
  return { ok: false, error: { code: "timed_out", message: "cut off: the task's time is almost over" } };
}

/** A step's answers are one row of the journal: text that JSON must escape is cut further than the tools cut it. */
export function boundForJournal(outcome: ToolOutcome): ToolOutcome {
  if (utf8Bytes(JSON.stringify(outcome)) <= MAX_OUTCOME_BYTES) return outcome;
  if (outcome.ok) return { ok: true, output: cut(outcome.output) };
  const { code, message } = outcome.error;
  return { ok: false, error: { code, message: cut(message) } };
}

/** More than an outcome takes beside what is kept of its text. */
const FRAME_BYTES = 1_000;

function cut(text: string): string {
  return `${beginningWithin(text, MAX_OUTCOME_BYTES - FRAME_BYTES)}\n[cut: too many control characters]`;
}
