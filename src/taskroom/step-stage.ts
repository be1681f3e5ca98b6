/**
 * The steps of a trace, committed one by one by its holder.
 *
 * A step is committed twice: with the model's answer, so that the model is not asked again, and with its tools'
 * answers. Between the two a holder may die; the next one runs the tools again, with the same idempotency keys. A result
 * ends the trace with the commit that nothing of its step is left to do after.
 */
import type { EndedCall } from "../market/call.ts";
import { cutStep, lastStep } from "../market/last-step.ts";
import type { AnsweredStep, ToolOutcome } from "../market/step.ts";
import {
  isSubmitted,
  NO_ROOM,
  NOT_RUN_AT_END,
  runsTools,
  submittedResult,
  withoutTools,
} from "../market/submission.ts";
import type { Allowance } from "./allowance.ts";
import { hasRoomAnswered, hasRoomFor } from "./has-room-for.ts";
import { wrapUpOf } from "./journal.ts";
import { lineOf } from "./line.ts";
import { noteCall } from "./note-call.ts";
import type { Room } from "./room.ts";
import { stepCommitted } from "./step-event.ts";
import type { NextCall, StepAnswered, ToolsAnswered } from "./task-room-api.ts";
import type { HeldTrace, TraceStage } from "./trace-stage.ts";

export class StepStage {
  readonly #room: Room;
  readonly #trace: TraceStage;
  readonly #allowance: Allowance;

  constructor(room: Room, trace: TraceStage, allowance: Allowance) {
    this.#room = room;
    this.#trace = trace;
    this.#allowance = allowance;
  }

  /** @param given the result with which the trace ends here; null: whatever the answer says has its tools run before */
  commitAnswer(generation: number, call: EndedCall, step: AnsweredStep, given: string | null): StepAnswered {
    const held = this.#trace.held(generation);
    this.#room.bookCall(call);
    if (held === null) return "lost";
    const due = this.#trace.dueStep(held);
    if (step.step !== due) throw new Error(`step ${step.step} does not follow: ${due} is due`);
    const goesOn = given === null && wrapUpOf(held.task) === null && held.task.stop === null;
    if (goesOn && hasRoomFor(this.#room, held.award, step)) return this.#goOn(held, step);
    // Where nothing runs any more, a submission need not wait for anything.
    const result = given ?? (runsTools(step.toolCalls) ? submittedResult(step) : null);
    if (goesOn && result === null) return this.#close(held, step);
    const answer = this.#end(held, step, result);
    return answer === "submitted" && given !== null ? "continue" : answer;
  }

  #goOn(held: HeldTrace, step: AnsweredStep): StepAnswered {
    const outcomes = step.toolCalls.length > 0 ? null : [];
    this.#room.journal.addStep(held.attempt, step, outcomes);
    if (outcomes !== null) this.#room.append(stepCommitted(held.attempt, step, outcomes));
    this.#trace.extend(withoutFailures(held), true);
    return "continue";
  }

  /**
   * Its tools do not run: with what they would answer, there might be no room for the wrap-up. Of a step for which there is
   * none without them either, the beginning is kept.
   */
  #close(held: HeldTrace, step: AnsweredStep): StepAnswered {
    const whole = { step, outcomes: withoutTools(step.toolCalls, NO_ROOM) };
    const isWhole = hasRoomAnswered(this.#room, held.award, whole);
    const closed = isWhole ? whole : { step: cutStep(step), outcomes: [] };
    if (!hasRoomAnswered(this.#room, held.award, closed)) {
      this.#room.end(held.task, { state: "failed", reason: "journal_limit" });
      return "lost";
    }
    this.#room.journal.addStep(held.attempt, closed.step, closed.outcomes);
    this.#room.append(stepCommitted(held.attempt, closed.step, closed.outcomes));
    const asked = { step: step.step + 1, wrapUp: "journal_limit", leftOut: undefined } as const;
    this.#trace.extend(withoutFailures({ ...held, task: noteCall(this.#room, held, asked) }), true);
    return isWhole ? "wrap_up" : "wrap_up_cut";
  }

  /** No step comes behind this one: it has the result, or its task ends without one. */
  #end(held: HeldTrace, step: AnsweredStep, result: string | null): StepAnswered {
    const { journal } = this.#room;
    const { stop } = held.task;
    const end = stop ?? ({ state: "failed", reason: wrapUpOf(held.task) ?? "journal_limit" } as const);
    const outcomes = withoutTools(step.toolCalls, NOT_RUN_AT_END);
    const last = lastStep({ step, outcomes }, journal.stepBytes(lineOf(held.award)));
    if (last === null) {
      this.#room.end(held.task, end);
      return "lost";
    }
    journal.addStep(held.attempt, last.step, last.outcomes);
    this.#room.append(stepCommitted(held.attempt, last.step, last.outcomes));
    if (result !== null) this.#endWith(held, step.step, result);
    else this.#room.end(held.task, end);
    return stop !== null || result === null ? "stop" : "submitted";
  }

  /**
   * With its tools' answers, a submission among its calls may have been taken.
   *
   * @param next what the holder goes on with, where nothing is in its way; absent: it will see
   */
  commitTools(
    generation: number,
    step: number,
    outcomes: readonly ToolOutcome[],
    next?: NextCall,
  ): ToolsAnswered {
    const held = this.#trace.held(generation);
    if (held === null) return "lost";
    const pending = this.#room.journal.lastStep(lineOf(held.award));
    if (pending?.answered.step !== step || pending.outcomes !== null) {
      throw new Error(`step ${step} does not wait for its tools`);
    }
    const { attempt, answered } = pending;
    this.#room.journal.setOutcomes(attempt, step, outcomes);
    // Of the attempt that asked for it, whichever has run its tools.
    this.#room.append(stepCommitted(attempt, answered, outcomes));
    const result = isSubmitted(answered.toolCalls, outcomes) ? submittedResult(answered) : null;
    if (result !== null) {
      this.#endWith(held, step, result);
      return held.task.stop === null ? "submitted" : "stop";
    }
    const begun = next === undefined ? null : this.#startNext(held, next);
    this.#trace.extend(begun ?? held, true);
    if (held.task.stop !== null) return "stop";
    return begun === null ? "continue" : "begun";
  }

  #startNext(held: HeldTrace, next: NextCall): HeldTrace | null {
    const mayStart =
      held.task.stop === null &&
      wrapUpOf(held.task) === null &&
      this.#allowance.allows([next.call], next.terms.reserveMicros);
    return mayStart ? this.#trace.startNext(held, next) : null;
  }

  #endWith(held: HeldTrace, step: number, result: string): void {
    this.#room.append({ type: "trace-ended", attempt: held.attempt, steps: step });
    const verifying = { ...held.task, state: "verifying", result } as const;
    this.#trace.extend(withoutFailures({ ...held, task: verifying }), true);
  }
}

function withoutFailures(held: HeldTrace): HeldTrace {
  return { ...held, task: { ...held.task, failedCalls: 0 } };
}
