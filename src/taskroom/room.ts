/**
 * What the stages of a task's room share: its journal, its clock, its way to tell the world, and the one way to end.
 *
 * The stages decide; this carries it out. Nothing here knows of leases.
 */
import type { Config } from "../config.ts";
import type { Outbox } from "../durable/outbox.ts";
import type { Timers } from "../durable/timers.ts";
import { addUsage, NO_USAGE, sumMicros, type Micros } from "../market/money.ts";
import { paidMicros } from "./paid.ts";
import type { EndedCall } from "../market/call.ts";
import { isGivenUp, type DeadLetter } from "../market/dead-letter.ts";
import { failureOf } from "../market/escalation.ts";
import type { TaskEvent, TaskEventBody } from "../market/event.ts";
import type { Opening } from "../market/auction-record.ts";
import { newId, type TaskId } from "../market/ids.ts";
import type { EndReport, SpentCall, TraceFigures } from "../market/report.ts";
import { contextBytesOf, handsOn, takeoverReasonOf } from "../market/takeover.ts";
import { toStep } from "../market/step.ts";
import { SUBMIT_TOOL } from "../market/submission.ts";
import { NOT_RUN } from "../market/wrap-up.ts";
import type { TaskEnd } from "../market/task.ts";
import type { EventStream } from "./event-stream.ts";
import type { AwardDoc, Journal, TaskDoc } from "./journal.ts";
import { lineOf, tookOver } from "./line.ts";
import { logCallOf, logEventOf } from "./task-log.ts";
import type { CallView } from "./task-room-api.ts";

/** What this room owes to the market room. */
export type ToMarketRoom =
  | { readonly kind: "spent"; readonly taskId: TaskId; readonly call: SpentCall }
  /** The attempt has its result, and waits for a verdict from outside. */
  | { readonly kind: "waits"; readonly taskId: TaskId; readonly attempt: number }
  | { readonly kind: "ended"; readonly report: EndReport };

/** The outbox has one lane: reports reach the market room in the order in which they were decided. */
export const MARKET_LANE = "market";

/** Bills that come within so long are told to the market room together. */
const GATHER_BILLS_MS = 1_000;

/** Timers of a task's room, one of each. */
export type TaskTimer = "deadline" | "stop" | "trace-lease" | "verification";

export interface RoomParts {
  readonly config: Config;
  readonly journal: Journal;
  readonly timers: Timers;
  readonly outbox: Outbox<ToMarketRoom>;
  readonly stream: EventStream;
  /** False once the room was erased. */
  isOpen(): boolean;
  transaction<T>(work: () => T): T;
  /** Keeps the object alive until the work is done. */
  background(work: Promise<void>): void;
}

export class Room {
  readonly config: Config;
  readonly journal: Journal;
  readonly #parts: RoomParts;
  #unsent: TaskEvent[] = [];
  #booked: { readonly call: CallView; readonly ended: EndedCall }[] = [];
  #billsOwed = false;
  #tellingBills = false;
  #leaving = false;

  constructor(parts: RoomParts) {
    this.config = parts.config;
    this.journal = parts.journal;
    this.#parts = parts;
  }

  now(): number {
    return this.config.source.now();
  }

  /** The task while it may still change: opened, and no end reported. */
  openTask(): TaskDoc | null {
    const task = this.journal.task();
    return task === null || task.report !== null ? null : task;
  }

  /** What all calls of the open task may cost; null: there is no limit. */
  allowanceMicros(): Micros | null {
    const task = this.openTask();
    if (task === null) return null;
    // A room of the version before keeps an opening's allowance, and does not know it for one.
    return task.allowanceMicros === undefined ? this.mustOpening().allowanceMicros : task.allowanceMicros;
  }

  /** The task's deadline, unless its award has one of its own: its time runs anew where it is redriven. */
  deadlineAtMs(): number {
    return this.journal.task()?.redriven?.deadlineAtMs ?? this.mustOpening().deadlineAtMs;
  }

  mustOpening(): Opening {
    const opening = this.journal.opening();
    if (opening === null) throw new Error("this task was never opened");
    return opening;
  }

  /** The task exists from here on. */
  open(opening: Opening): void {
    if (this.journal.task() !== null) return;
    this.journal.putOpening(opening);
    this.journal.putTask({
      state: "admitted",
      auctionGeneration: 0,
      award: null,
      lease: null,
      messages: 0,
      result: null,
      verdict: null,
      stop: null,
      report: null,
      end: null,
      endedAtMs: null,
      allowanceMicros: this.mustOpening().allowanceMicros,
    });
    // As the journal reads it: an opening from before first calls were counted has none.
    for (const call of this.mustOpening().firstCalls) this.journal.startCall(call, 0);
    this.append({ type: "task-admitted", taskId: opening.taskId, sequence: opening.sequence });
    this.setTimer("deadline", opening.deadlineAtMs);
  }

  append(body: TaskEventBody): void {
    this.#unsent.push(this.journal.append(body, this.now()));
  }

  setTimer(timer: TaskTimer, dueAtMs: number): void {
    this.#parts.timers.set(timer, "", dueAtMs);
  }

  /** Where there is none: one that stands keeps its time. */
  ensureTimer(timer: TaskTimer, dueAtMs: number): void {
    this.#parts.timers.ensure(timer, "", dueAtMs);
  }

  clearTimer(timer: TaskTimer): void {
    this.#parts.timers.clear(timer, "");
  }

  /** One transaction; listeners hear of its events once it stands. */
  transact<T>(work: () => T): T {
    this.#unsent = [];
    this.#booked = [];
    const result = this.#parts.transaction(work);
    for (const event of this.#unsent) this.#parts.stream.broadcast(event);
    this.#log();
    this.#unsent = [];
    this.#booked = [];
    return result;
  }

  #log(): void {
    if (this.#booked.length === 0 && this.#unsent.length === 0) return;
    const opening = this.mustOpening();
    for (const { call, ended } of this.#booked) logCallOf(opening, call, ended);
    for (const event of this.#unsent) logEventOf(opening, event);
  }

  /**
   * One transaction, then the alarm follows and what the room owes leaves. Only an end, or a wait, is waited for:
   * bills reach the market room while the work goes on.
   */
  async commit<T>(work: () => T): Promise<T> {
    this.#leaving = false;
    const result = this.transact(work);
    const leaving = this.#leaving;
    // Before anything else is waited for: what was decided must be taken up again if this object dies now.
    this.#parts.timers.arm();
    if (leaving) await this.#parts.outbox.flush(MARKET_LANE);
    else if (this.#billsOwed && !this.#tellingBills) this.#parts.background(this.#tellBills());
    return result;
  }

  /** Bills gather for a moment: while an auction's answers come in, its market room has better things to do. */
  async #tellBills(): Promise<void> {
    this.#tellingBills = true;
    await new Promise<void>((resolve) => void setTimeout(resolve, GATHER_BILLS_MS));
    this.#tellingBills = false;
    this.#billsOwed = false;
    if (this.#parts.isOpen()) await this.#parts.outbox.flush(MARKET_LANE);
  }

  /** The market room holds more for the task. */
  allow(micros: Micros): void {
    const task = this.openTask();
    const allowed = this.allowanceMicros();
    if (task === null || allowed === null || allowed >= micros) return;
    this.journal.putTask({ ...task, allowanceMicros: micros });
  }

  /**
   * Calls of a holder that is given up, as soon as that is decided: another one does their work again, and the house pays
   * for them, at their bound until their bills come after all.
   */
  giveUpCalls(): void {
    for (const { callId, status } of this.journal.calls()) {
      if (status !== "started") continue;
      this.journal.giveUpCall(callId);
      this.bookCall({ callId, bill: { status: "unconfirmed" }, ms: 0 });
    }
  }

  /** Books a call that ended; what counts of it is reported to the market room. Twice is once, and ended is ended. */
  bookCall(ended: EndedCall): void {
    if (!this.#takesBills()) return;
    if (ended.givenUp === true && this.#isDoneAgain()) this.journal.giveUpCall(ended.callId);
    const call = this.journal.endCall(ended);
    if (call === null) return;
    this.#billsOwed = true;
    this.#booked.push({ call, ended });
    const bill = {
      kind: "spent",
      taskId: this.mustOpening().taskId,
      call: spentCall(call, this.now()),
    } as const;
    // Should the object die before it is told. Not before the lease that is renewed with it: the alarm would be moved for
    // every call of a trace, and to no end.
    this.#parts.outbox.add(MARKET_LANE, bill, { dueInMs: this.config.leaseMs });
  }

  /** Of work that is to stop, nobody does anything again, but where it is given up and an operator may have it go on. */
  #isDoneAgain(): boolean {
    const stop = this.openTask()?.stop;
    return stop === null || (stop !== undefined && isGivenUp(stop));
  }

  /** An attempt that its verifier failed, or its agent left, may not be the last: until that is known, its task's bills count. */
  #takesBills(): boolean {
    const task = this.journal.task();
    if (task === null || task.end !== null) return false;
    const { report } = task;
    if (report === null) return true;
    return report.mayGoOn === true && (failureOf(report) !== null || takeoverReasonOf(report) !== null);
  }

  /** Nobody waits for them any more: they count at their bounds, until their bills come after all. */
  bookOpenCalls(): void {
    for (const { callId, status } of this.journal.calls()) {
      if (status === "started") this.bookCall({ callId, bill: { status: "unconfirmed" }, ms: 0 });
    }
  }

  /**
   * The one way to end: open calls count at their bound, the work's lease is void, the end is reported. Of work that is
   * given up, whoever had begun them is gone, and another agent or a redrive may do it again: the house pays for them.
   * The task's final state is the market room's answer to the report.
   *
   * @param letter why its work is given up; null: it is not
   */
  end(task: TaskDoc, end: TaskEnd, letter: DeadLetter | null = null): void {
    if (isGivenUp(end)) this.giveUpCalls();
    else this.bookOpenCalls();
    const report: EndReport = {
      taskId: this.mustOpening().taskId,
      attempt: task.award?.attempt ?? 0,
      end,
      verdict: task.verdict,
      toolCalls: this.#countToolCalls(task),
      trace: this.#traceFigures(task),
      mayGoOn: task.stop === null,
      ...this.#handsOn(task, end),
      ...(letter !== null && { letter }),
      ...(task.redriven !== undefined && { redrivenAtMs: task.redriven.atMs }),
    };
    this.#leaving = true;
    const { generation: lastGeneration = task.lastGeneration ?? 0 } = task.lease ?? {};
    this.journal.putTask({ ...task, lease: null, lastGeneration, waiting: null, report });
    this.#parts.outbox.add(MARKET_LANE, { kind: "ended", report });
    this.clearTimer("deadline");
    this.clearTimer("stop");
    this.clearTimer("trace-lease");
    this.clearTimer("verification");
  }

  /**
   * Nothing runs for the task until somebody outside has spoken: its place and its hold are others' meanwhile. What its
   * calls came to is told before.
   */
  tellWaits({ attempt }: Pick<AwardDoc, "attempt">): void {
    this.bookOpenCalls();
    this.#leaving = true;
    this.#parts.outbox.add(MARKET_LANE, { kind: "waits", taskId: this.mustOpening().taskId, attempt });
  }

  /** A result stands for itself: what holders die of then is its verification, and no other agent's work. */
  #handsOn({ award, result, stop }: TaskDoc, end: TaskEnd): Partial<EndReport> {
    if (award === null) return {};
    const continues = tookOver(award) ? { continues: true } : {};
    if (stop !== null || result !== null) return continues;
    if (end.state !== "failed" || !handsOn(end.reason, this.journal.countSteps(award.attempt)))
      return continues;
    return { ...continues, handsOn: true, contextBytes: contextBytesOf(this.journal.steps(lineOf(award))) };
  }

  /** Whether the report waits for its answer: the award of a later attempt is one, too. */
  isReported({ attempt, redrivenAtMs }: EndReport): boolean {
    const task = this.journal.task();
    if (task?.report == null || task.end !== null) return false;
    return task.report.attempt === attempt && task.report.redrivenAtMs === redrivenAtMs;
  }

  /** The market room has settled what was reported, though its answer has not come: it is what was reported. */
  finaliseReported(): void {
    const { report = null } = this.journal.task() ?? {};
    if (report !== null) this.finalise(report, report.end);
  }

  /** The market room's answer to the report: the final state. */
  finalise(report: EndReport, end: TaskEnd): void {
    const task = this.journal.task();
    if (task === null || !this.isReported(report)) return;
    const endedAtMs = this.now();
    this.journal.putTask({ ...task, state: end.state, end, endedAtMs });
    const costMicros = this.journal.committedMicros();
    switch (end.state) {
      case "finished":
        return this.append({ type: "task-finished", outcome: end.outcome, costMicros });
      case "failed":
        return this.append({ type: "task-failed", reason: end.reason, costMicros });
      case "cancelled":
        return this.append({ type: "task-cancelled", costMicros });
      case "no_sale": {
        const { reason, relaxation } = end;
        return this.append({ type: "task-not-sold", reason, relaxation, costMicros });
      }
    }
  }

  /** Those that ran: handing a result in is none. */
  #countToolCalls({ award }: TaskDoc): number {
    if (award === null) return 0;
    const calls = this.journal
      .steps(award.attempt)
      .flatMap(({ answered, outcomes }) => (outcomes === null ? [] : toStep(answered, outcomes).toolCalls));
    const ran = calls.filter(({ outcome }) => outcome.ok || outcome.error.code !== NOT_RUN);
    return ran.filter(({ name }) => name !== SUBMIT_TOOL).length;
  }

  #traceFigures(task: TaskDoc): TraceFigures | null {
    if (task.award === null) return null;
    // A judge's call is the verifier's, and says nothing of what the agent's traces cost.
    const calls = this.journal
      .calls()
      .filter((call) => call.attempt === task.award?.attempt && call.kind !== "judge");
    return {
      traceId: newId("trc", this.config.source),
      attempt: task.award.attempt,
      agentId: task.award.agentId,
      steps: this.journal.countSteps(task.award.attempt),
      messages: task.messages - (task.award.messagesBefore ?? 0),
      usage: calls.reduce((sum, call) => addUsage(sum, call.usage ?? NO_USAGE), NO_USAGE),
      costMicros: sumMicros(calls.map(paidMicros)),
      awardedAtMs: task.award.awardedAtMs,
      // What somebody outside took for the verdict says nothing of the agent.
      endedAtMs: task.waiting?.sinceMs ?? this.now(),
    };
  }
}

function spentCall(call: CallView, endedAtMs: number): SpentCall {
  return {
    callId: call.callId,
    kind: call.kind,
    agentId: call.agentId,
    attempt: call.attempt,
    status: call.status === "started" ? "unconfirmed" : call.status,
    micros: call.costMicros,
    usage: call.usage,
    boundMicros: call.boundMicros,
    payer: call.payer,
    ...(call.prices !== null && { prices: call.prices }),
    endedAtMs,
  };
}
