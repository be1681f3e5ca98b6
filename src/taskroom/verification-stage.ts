/**
 * Verdicts from outside, as the task's room sees them: the trace's holder gives its lease back, the task waits, and
 * whoever speaks first (the one that is waited for, the wait's end, a cancel) settles it. One timer, and nothing awake.
 */
import { fail, ok, type Result } from "../market/result.ts";
import type { Verdict } from "../market/report.ts";
import type { Awaited } from "../market/verifier-spec.ts";
import type { TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";
import {
  answerOf,
  standingOf,
  type OutcomeOrder,
  type OutcomeRefusal,
  type OutcomeRequest,
  type ToldOutcome,
  type Waiting,
} from "./waiting.ts";

/** What a trace's holder is, where its generation still is. */
interface Holder {
  readonly task: TaskDoc;
  readonly attempt: number;
}

type WaitingTask = TaskDoc & { readonly waiting: Waiting };

const MS_PER_S = 1_000;

/** By whom a verdict is given that somebody outside was waited for. */
const VERIFIER: Readonly<Record<Awaited, string>> = { user: "user", checker: "http" };
const SILENCE: Readonly<Record<Awaited, string>> = {
  user: "nobody told the outcome in time",
  checker: "the checker did not answer in time",
};
const TOLD_WITHOUT_EVIDENCE: Readonly<Record<Awaited, string>> = {
  user: "told by the tenant",
  checker: "told by the checker",
};

export class VerificationStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The holder has the result, and the verdict is the tenant's. Told again, or asked to stop: nobody waits. */
  waitForUser(held: Holder | null): void {
    if (held === null) return;
    const { task, attempt } = held;
    const { verifier } = this.#room.mustOpening().spec;
    if (task.stop !== null) return this.#room.end(task, task.stop);
    if (verifier?.type !== "user" || task.result === null) throw new Error("nobody is to be waited for");
    const sinceMs = this.#room.now();
    const untilMs = sinceMs + verifier.timeoutS * MS_PER_S;
    this.#wait(task, { attempt, for: "user", sinceMs, untilMs });
  }

  /** The lease is given back: what runs no more has no place, no hold and no deadline of its agents' work. */
  #wait(task: TaskDoc, waiting: Waiting): void {
    const { generation: lastGeneration = task.lastGeneration ?? 0 } = task.lease ?? {};
    this.#room.journal.putTask({ ...task, state: "waiting", lease: null, lastGeneration, waiting });
    const { attempt, untilMs } = waiting;
    this.#room.append({ type: "verification-waits", attempt, for: waiting.for, untilMs });
    this.#room.clearTimer("deadline");
    this.#room.clearTimer("trace-lease");
    this.#room.setTimer("verification", untilMs);
    this.#room.tellWaits(waiting);
  }

  tell(order: OutcomeOrder): Result<ToldOutcome, OutcomeRefusal> {
    const { journal } = this.#room;
    if (journal.task() === null) return fail({ reason: "task_not_found" });
    const standing = standingOf(order, this.#room.openTask(), journal.allTold());
    if (!("settles" in standing)) return standing;
    const { settles: task } = standing;
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
    this.#settle({ ...task, waiting }, { outcome: "unknown", evidence: SILENCE[waiting.for] }, null);
  }

  #settle(
    task: WaitingTask,
    { outcome, evidence }: Pick<Verdict, "outcome" | "evidence">,
    request: OutcomeRequest | null,
  ): void {
    const { attempt } = task.waiting;
    const verdict: Verdict = { outcome, verifier: VERIFIER[task.waiting.for], evidence };
    this.#room.journal.putTold({ attempt, outcome, evidence, request });
    this.#room.append({ type: "verification-ended", attempt, ...verdict });
    this.#room.end({ ...task, verdict }, { state: "finished", outcome });
  }
}
