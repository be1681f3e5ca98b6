/**
 * Verdicts from outside, as the task's room sees them: the trace's holder gives its lease back, the task waits, and
 * whoever speaks first (the one that is waited for, the wait's end, a cancel) settles it. One timer, and nothing awake.
 *
 * A checker is asked under the trace's lease. A try is counted before it is sent; one that fails leaves the lease to
 * whoever takes the work up when the next is due.
 */
import { handOverLease } from "../market/lease.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { Verdict } from "../market/report.ts";
import type { Awaited } from "../market/verifier-spec.ts";
import type { TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";
import type { DeskAnswer } from "./task-room-api.ts";
import type { HeldTrace, TraceStage } from "./trace-stage.ts";
import {
  answerOf,
  MAX_CHECK_TRIES,
  RETRY_CHECK_AFTER_MS,
  standingOf,
  type AskedCheck,
  type CheckResult,
  type CheckTerms,
  type OutcomeOrder,
  type OutcomeRefusal,
  type OutcomeRequest,
  type ToldOutcome,
  type Waiting,
} from "./waiting.ts";

type WaitingTask = TaskDoc & { readonly waiting: Waiting };
type AskingTrace = HeldTrace & {
  readonly task: TaskDoc & { readonly waiting: Waiting & { readonly check: AskedCheck } };
};

const MS_PER_S = 1_000;

/** By whom a verdict is given that somebody outside was waited for. */
const VERIFIER: Readonly<Record<Awaited, string>> = { user: "user", checker: "http" };
const SILENCE: Readonly<Record<Awaited, string>> = {
  user: "nobody told the outcome in time",
  checker: "the checker told no outcome in time",
};
const TOLD_WITHOUT_EVIDENCE: Readonly<Record<Awaited, string>> = {
  user: "told by the tenant",
  checker: "told by the checker",
};

const NOT_ASKED: AskedCheck = { tries: 0, tokenHashes: [], nextTryAtMs: null, isTold: false };

export class VerificationStage {
  readonly #room: Room;
  readonly #trace: TraceStage;

  constructor(room: Room, trace: TraceStage) {
    this.#room = room;
    this.#trace = trace;
  }

  /** The holder has the result, and the verdict is the tenant's. Told again, or asked to stop: nobody waits. */
  waitForUser(generation: number): void {
    const held = this.#trace.held(generation);
    if (held === null) return;
    const { task, attempt } = held;
    const { verifier } = this.#room.mustOpening().spec;
    if (task.stop !== null) return this.#room.end(task, task.stop);
    if (verifier?.type !== "user" || task.result === null) throw new Error("nobody is to be waited for");
    const sinceMs = this.#room.now();
    const untilMs = sinceMs + verifier.timeoutS * MS_PER_S;
    this.#wait(task, { attempt, for: "user", sinceMs, untilMs });
    this.#tellWait(attempt, { for: "user", untilMs });
  }

  /** The lease is given back: what runs no more has no deadline of its agents' work. */
  #wait(task: TaskDoc, waiting: Waiting): void {
    const { generation: lastGeneration = task.lastGeneration ?? 0 } = task.lease ?? {};
    this.#room.journal.putTask({ ...task, state: "waiting", lease: null, lastGeneration, waiting });
    this.#room.clearTimer("deadline");
    this.#room.clearTimer("trace-lease");
    this.#room.setTimer("verification", waiting.untilMs);
  }

  /** Its place and its hold are others' meanwhile. */
  #tellWait(attempt: number, wait: Pick<Waiting, "for" | "untilMs">): void {
    this.#room.append({ type: "verification-waits", attempt, for: wait.for, untilMs: wait.untilMs });
    this.#room.tellWaits({ attempt });
  }

  // --- A checker ---

  /** A try is about to be sent, with this token. Its wait begins with the first, and the deadline does not count from then on. */
  beginCheck(
    generation: number,
    tokenHash: string,
  ): Result<CheckTerms, { readonly answer: Exclude<DeskAnswer, "continue"> }> {
    const held = this.#trace.held(generation);
    if (held === null) return fail({ answer: "lost" });
    if (held.task.stop !== null) return fail({ answer: "stop" });
    const { verifier, metadata } = this.#room.mustOpening().spec;
    if (verifier?.type !== "http" || held.task.result === null) throw new Error("nobody is to be asked");
    const sinceMs = held.task.waiting?.sinceMs ?? this.#room.now();
    const untilMs = sinceMs + verifier.timeoutS * MS_PER_S;
    const before = held.task.waiting?.check ?? NOT_ASKED;
    const { tries, tokenHashes } = before;
    const check = {
      ...before,
      tries: tries + 1,
      tokenHashes: [...tokenHashes, tokenHash],
      nextTryAtMs: null,
    };
    const waiting = { attempt: held.attempt, for: "checker", sinceMs, untilMs, check } as const;
    const task = { ...held.task, waiting } as const;
    if (tries >= MAX_CHECK_TRIES) {
      // Whoever asked has died each time.
      this.#giveUp({ ...task, waiting: { ...waiting, check: before } }, "no try came back");
      return fail({ answer: "lost" });
    }
    this.#room.clearTimer("deadline");
    this.#room.setTimer("verification", untilMs);
    this.#trace.extend({ ...held, task }, true);
    return ok({ sinceMs, untilMs, metadata });
  }

  commitCheck(generation: number, result: CheckResult): void {
    const held = this.#asking(generation);
    if (held === null) return;
    const { task, attempt } = held;
    if (task.stop !== null) return this.#room.end(task, task.stop);
    if (result.kind === "decided") return this.#settle(task, result, null);
    if (result.kind === "failed") return this.#retry(held, result.reason);
    const { waiting } = task;
    this.#wait(task, { ...waiting, check: { ...waiting.check, isTold: true } });
    if (!waiting.check.isTold) this.#tellWait(attempt, waiting);
  }

  #asking(generation: number): AskingTrace | null {
    const held = this.#trace.held(generation);
    const waiting = held?.task.waiting ?? null;
    const check = waiting?.check ?? null;
    if (held === null || waiting === null || check === null) return null;
    return { ...held, task: { ...held.task, waiting: { ...waiting, check } } };
  }

  /** The work waits for its next holder, who comes when it is due. */
  #retry({ task, lease, attempt }: AskingTrace, reason: string): void {
    const { waiting } = task;
    const { tries, isTold } = waiting.check;
    const afterMs = RETRY_CHECK_AFTER_MS[tries - 1];
    const retryAtMs = afterMs === undefined ? null : this.#room.now() + afterMs;
    this.#room.append({ type: "check-failed", attempt, tries, reason, retryAtMs });
    if (retryAtMs === null) return this.#giveUp(task, reason);
    const check = { ...waiting.check, nextTryAtMs: retryAtMs, isTold: true, lastFailure: reason };
    this.#room.journal.putTask({
      ...task,
      state: "waiting",
      lease: handOverLease(lease),
      waiting: { ...waiting, check },
    });
    this.#room.setTimer("trace-lease", retryAtMs);
    if (!isTold) this.#tellWait(attempt, waiting);
  }

  #giveUp(task: WaitingTask, reason: string): void {
    const tries = task.waiting.check?.tries ?? 0;
    const evidence = `the checker could not be asked, in ${tries} tries: ${reason}`;
    this.#settle(task, { outcome: "unknown", evidence }, null);
  }

  // --- Outcomes ---

  tell(order: OutcomeOrder): Result<ToldOutcome, OutcomeRefusal> {
    const { journal } = this.#room;
    if (journal.task() === null) return fail({ reason: "task_not_found" });
    const standing = standingOf(order, this.#room.openTask(), journal.allTold());
    if (!("settles" in standing)) return standing;
    const { settles: task } = standing;
    // Whoever asked it to stop was first.
    if (task.stop !== null) return fail({ reason: "not_waiting" });
    const { outcome, request } = order;
    const evidence = order.evidence ?? TOLD_WITHOUT_EVIDENCE[task.waiting.for];
    this.#settle(task, { outcome, evidence }, request);
    const { attempt } = task.waiting;
    return ok({ ...answerOf({ attempt, outcome, evidence, request }), replayed: false });
  }

  /** The wait's timer rang. Nobody has spoken: nobody knows. */
  onTimer(): void {
    const task = this.#room.openTask();
    if (task?.waiting == null) return this.#room.clearTimer("verification");
    const { waiting } = task;
    if (waiting.untilMs > this.#room.now()) return this.#room.setTimer("verification", waiting.untilMs);
    if (task.stop !== null) return this.#room.end(task, task.stop);
    const { lastFailure } = waiting.check ?? {};
    const why = lastFailure === undefined ? "" : `; when it was asked last, ${lastFailure}`;
    const evidence = `${SILENCE[waiting.for]}${why}`;
    this.#settle({ ...task, waiting }, { outcome: "unknown", evidence }, null);
  }

  #settle(
    task: WaitingTask,
    { outcome, evidence }: Pick<Verdict, "outcome" | "evidence">,
    request: OutcomeRequest | null,
  ): void {
    const { attempt, check } = task.waiting;
    const verdict: Verdict = { outcome, verifier: VERIFIER[task.waiting.for], evidence };
    const { tokenHashes } = check ?? {};
    this.#room.journal.putTold({
      attempt,
      outcome,
      evidence,
      request,
      ...(tokenHashes !== undefined && { tokenHashes }),
    });
    this.#room.append({ type: "verification-ended", attempt, ...verdict });
    this.#room.end({ ...task, verdict }, { state: "finished", outcome });
  }
}
