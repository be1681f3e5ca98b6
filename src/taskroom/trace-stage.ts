/**
 * The trace as the task's room sees it: one holder at a time under a fencing generation, its calls, its end. Its steps are
 * `step-stage.ts`.
 */
import type { Award } from "../market/award.ts";
import { letterOf } from "../market/dead-letter.ts";
import type { TaskEventBody } from "../market/event.ts";
import type { CallFailure, EndedCall, StartedCall } from "../market/call.ts";
import {
  acquireLease,
  FIRST_LEASE,
  handOverLease,
  holdsLease,
  lapseLease,
  nextReminderMs,
  remindLease,
  renewLease,
  type Lease,
} from "../market/lease.ts";
import { calibratedBy } from "../market/policy.ts";
import type { Verdict } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { StepRetry } from "../market/step-retry.ts";
import type { FailureReason } from "../market/task.ts";
import { clearedEvent } from "./cleared-event.ts";
import { countFailure } from "./count-failure.ts";
import { hasRoomToGoOn } from "./has-room-for.ts";
import { wrapUpOf, type AwardDoc, type TaskDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import { continuesFrom, goOn } from "./next-attempt.ts";
import type { Room } from "./room.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { DeskAnswer, NextCall, StepStartAnswer, TraceCallTerms, TraceDesk } from "./task-room-api.ts";
import { noteCall } from "./note-call.ts";
import { traceLapsed } from "./step-event.ts";
import { traceDesk } from "./trace-desk.ts";

/** A trace that was taken up this often without a committed step is given up. */
const MAX_TRACE_LAPSES = 5;

export interface HeldTrace {
  readonly task: TaskDoc;
  readonly lease: Lease;
  readonly attempt: number;
  readonly award: AwardDoc;
}

export class TraceStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The market room's award; told again, it changes nothing. True where the trace is to be announced. */
  award(award: Award): boolean {
    const task = goOn(this.#room, award) ?? this.#room.openTask();
    if (task === null || (task.award !== null && task.award.attempt >= award.attempt)) return false;
    const { attempt, agentId, awardedAtMs, clearing, sale = null } = award;
    const { deadlineAtMs = null, capMicros = null, waits = false } = award;
    if (task.award === null) {
      if (task.quoted == null) this.#room.append(this.#decidedEvent(award));
      else this.#room.append({ type: "quote-accepted", agentId });
    }
    const passedOver = sale?.chosenBy === "market" ? sale.passedOver : [];
    this.#room.append({
      type: "task-awarded",
      attempt,
      agentId,
      ...(passedOver.length > 0 && { passedOver }),
    });
    if (deadlineAtMs !== null) this.#room.setTimer("deadline", deadlineAtMs);
    const messagesBefore = task.messages;
    const from = continuesFrom(award, task.award);
    const lease = firstLease(task);
    const awarded: TaskDoc = {
      ...task,
      state: "awarded",
      award: {
        attempt,
        agentId,
        awardedAtMs,
        clearing,
        sale,
        deadlineAtMs,
        capMicros,
        messagesBefore,
        ...(from !== undefined && { continuesFrom: from }),
      },
      result: null,
      verdict: null,
      failedCalls: 0,
      lease: waits ? null : lease,
      allowanceMicros: award.allowanceMicros ?? this.#room.allowanceMicros(),
    };
    // Asked to stop while the auction cleared: nobody holds the trace yet, so it ends here.
    if (task.stop !== null) {
      this.#room.end(awarded, task.stop);
      return false;
    }
    this.#room.journal.putTask(awarded);
    if (waits) this.#room.append({ type: "trace-queued", attempt });
    else this.#remind(lease);
    return !waits;
  }

  /** The market room has a place for the trace that waits; told again, it changes nothing. True: it is to be announced. */
  begin(attempt: number): boolean {
    const task = this.#room.openTask();
    // One that waits for its verdict has no lease either.
    if (task?.award?.attempt !== attempt || task.lease !== null || task.state !== "awarded") return false;
    const lease = firstLease(task);
    this.#room.journal.putTask({ ...task, lease });
    this.#room.append({ type: "trace-placed", attempt });
    this.#remind(lease);
    return true;
  }

  /** @param announced the generation that the holder's message names */
  take(attempt: number, announced: number): Result<TraceDesk, { readonly reason: "stale" | "busy" }> {
    const task = this.#room.openTask();
    if (task?.lease === null || task?.award?.attempt !== attempt) return fail({ reason: "stale" });
    const untilMs = this.#room.now() + this.#room.config.leaseMs;
    const taken = acquireLease(task.lease, announced, untilMs);
    if (!taken.ok) return taken;
    this.#room.giveUpCalls();
    const state = task.result === null ? "running" : "verifying";
    const held = { ...task, state, lease: taken.value, messages: task.messages + 1 } as const;
    this.#room.journal.putTask(held);
    this.#room.setTimer("trace-lease", untilMs);
    const desk = traceDesk(this.#room, held, attempt);
    const stepsSoFar = desk.steps.length;
    const { generation } = taken.value;
    this.#room.append({ type: "trace-taken-up", attempt, generation, stepsSoFar });
    return ok({ ...desk, generation });
  }

  renew(generation: number): DeskAnswer {
    const held = this.held(generation);
    if (held === null) return "lost";
    this.extend(held, false);
    return held.task.stop === null ? "continue" : "stop";
  }

  /** @param terms with why it may not be started; null: it may */
  startCall(
    generation: number,
    call: StartedCall,
    { refusal, wrapUp, leftOut, cut }: TraceCallTerms & { readonly refusal: SpendRefusal | null },
  ): StepStartAnswer {
    if (cut !== undefined) this.#room.bookCall(cut);
    const held = this.held(generation);
    if (held === null) return "lost";
    if (held.task.stop !== null) return "stop";
    if (refusal !== null) return refusal;
    const isStep = call.kind === "trace" && wrapUp === undefined;
    if (isStep && !hasRoomToGoOn(this.#room, held.award)) return "journal_limit";
    this.extend(this.#recordCall(held, call, { wrapUp, leftOut }), false);
    return "continue";
  }

  /** Behind a step that is committed; the trace as it is then. Null: the journal takes no other step. */
  startNext(held: HeldTrace, { call, terms }: NextCall): HeldTrace | null {
    return hasRoomToGoOn(this.#room, held.award) ? this.#recordCall(held, call, terms) : null;
  }

  #recordCall(held: HeldTrace, call: StartedCall, { wrapUp, leftOut }: TraceCallTerms): HeldTrace {
    this.#room.journal.startCall(call, held.attempt);
    const step = this.dueStep(held);
    return { ...held, task: noteCall(this.#room, held, { step, wrapUp, leftOut }) };
  }

  /** What follows the call; null: the trace has ended, or is another holder's. */
  failCall(generation: number, call: EndedCall, failure: CallFailure): StepRetry {
    const held = this.held(generation);
    this.#room.bookCall(call);
    if (held === null) return null;
    const { task } = held;
    if (task.stop !== null) {
      this.#room.end(task, task.stop);
      return null;
    }
    const { retry, counted } = countFailure(this.#room, held, { step: this.dueStep(held), failure });
    if (retry === null)
      this.#room.end(counted, { state: "failed", reason: wrapUpOf(task) ?? "agent_failed" });
    else this.extend({ ...held, task: counted }, false);
    return retry;
  }

  /** The verdict settles the task, unless somebody asked it to stop before: that decides. */
  commitVerdict(generation: number, verdict: Verdict): void {
    const held = this.held(generation);
    if (held === null) return;
    if (held.task.stop !== null) return this.#room.end(held.task, held.task.stop);
    const { outcome, verifier, evidence } = verdict;
    const { attempt } = held;
    this.#room.append({ type: "verification-ended", attempt, outcome, verifier, evidence });
    this.#room.end({ ...held.task, verdict }, { state: "finished", outcome });
  }

  /** `stopped`: the holder does not go on. Where nobody has asked for that, it gave itself up, and its lease runs out. */
  end(generation: number, call: EndedCall | null, reason: FailureReason | "stopped"): void {
    const held = this.held(generation);
    if (call !== null) this.#room.bookCall(reason === "stopped" ? { ...call, givenUp: true } : call);
    if (held === null) return;
    if (held.task.stop !== null) return this.#room.end(held.task, held.task.stop);
    if (reason !== "stopped") this.#room.end(held.task, { state: "failed", reason });
  }

  /** True where the trace is to be announced again. */
  handOver(generation: number): boolean {
    const held = this.held(generation);
    if (held === null) return false;
    if (held.task.stop !== null) {
      this.#room.end(held.task, held.task.stop);
      return false;
    }
    const lease = handOverLease(held.lease);
    this.#room.giveUpCalls();
    this.#room.journal.putTask({ ...held.task, lease });
    this.#remind(lease);
    return true;
  }

  /** The lease's timer rang. True where the trace is to be announced (again). */
  onTimer(): boolean {
    const task = this.#room.openTask();
    if (task?.lease == null) {
      this.#room.clearTimer("trace-lease");
      return false;
    }
    const lapsed = lapseLease(task.lease, this.#room.now());
    if (lapsed === null && task.lease.heldUntilMs !== null) {
      this.#room.setTimer("trace-lease", task.lease.heldUntilMs);
      return false;
    }
    const lease = lapsed ?? remindLease(task.lease);
    if (task.stop !== null) {
      this.#room.end({ ...task, lease }, task.stop);
      return false;
    }
    if (lease.lapses > MAX_TRACE_LAPSES) {
      const letter = letterOf(lease, {
        work: "trace",
        kind: "abandoned",
        attempt: task.award?.attempt ?? 0,
        nowMs: this.#room.now(),
      });
      this.#room.end({ ...task, lease }, { state: "failed", reason: "trace_abandoned" }, letter);
      return false;
    }
    if (lapsed !== null) {
      this.#room.append(traceLapsed(task, lapsed));
      this.#room.giveUpCalls();
    }
    this.#room.journal.putTask({ ...task, lease });
    this.#remind(lease);
    return true;
  }

  /** Whether this generation holds the trace, and is not to stop. */
  isHeld(generation: number): boolean {
    return this.held(generation)?.task.stop === null;
  }

  /** The trace as this generation holds it; null: it does not. */
  held(generation: number): HeldTrace | null {
    const task = this.#room.openTask();
    if (task?.award == null || task.lease === null || !holdsLease(task.lease, generation)) return null;
    const { award, lease } = task;
    return { task, lease, attempt: award.attempt, award };
  }

  /** The holder goes on for another lease. @param progress it has got somewhere: earlier lapses are forgotten */
  extend(held: HeldTrace, progress: boolean): void {
    const untilMs = this.#room.now() + this.#room.config.leaseMs;
    const lease = renewLease(held.lease, untilMs, progress);
    this.#room.journal.putTask({ ...held.task, lease });
    this.#room.setTimer("trace-lease", untilMs);
  }

  /** Work that waits is announced again, at growing distances. */
  #remind(lease: Lease): void {
    this.#room.setTimer("trace-lease", this.#room.now() + nextReminderMs(lease, this.#room.config.pickupMs));
  }

  /** The number of the step that comes next. */
  dueStep({ award }: HeldTrace): number {
    return this.#room.journal.countSteps(lineOf(award)) + 1;
  }

  /** How the award came about: by an auction, by a policy that holds none, or for a calibration. */
  #decidedEvent({ agentId, clearing }: Award): TaskEventBody {
    const calibrates = calibratedBy(this.#room.mustOpening().policy.rules);
    return calibrates === null ? clearedEvent(clearing) : { type: "calibration-opened", agentId, calibrates };
  }
}

/** Of an attempt: whoever held an earlier one holds it no more. */
function firstLease({ lastGeneration = 0 }: TaskDoc): Lease {
  return { ...FIRST_LEASE, generation: lastGeneration + 1 };
}
