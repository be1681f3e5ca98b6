/**
 * A task that had been given up goes on: the market room has reopened it (`tenancy/stuck-desk.ts`).
 *
 * What is committed stands and is not paid again: the trace goes on after its last step, an auction asks for what is
 * missing. The end that was told stays in the journal, and what comes follows it.
 */
import type { Redrive } from "../market/award.ts";
import { FIRST_LEASE, nextReminderMs } from "../market/lease.ts";
import type { AwardDoc, TaskDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";

export class RedriveStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Told again, it changes nothing. True: the trace is to be announced. */
  redrive(redrive: Redrive): boolean {
    const { journal } = this.#room;
    const { attempt, redrivenAtMs, deadlineAtMs, allowanceMicros, waits } = redrive;
    if ((journal.task()?.redriven?.atMs ?? 0) >= redrivenAtMs) return false;
    this.#room.finaliseReported();
    const ended = journal.task();
    if (ended === null || ended.end === null) throw new Error("redriven before it ended");
    const stepsSoFar = ended.award === null ? 0 : journal.countSteps(lineOf(ended.award));
    this.#room.append({ type: "task-redriven", attempt: attempt ?? 0, stepsSoFar });
    this.#room.setTimer("deadline", deadlineAtMs);
    const open: TaskDoc = {
      ...ended,
      stop: null,
      report: null,
      end: null,
      endedAtMs: null,
      verdict: null,
      failedCalls: 0,
      allowanceMicros,
      redriven: { atMs: redrivenAtMs, deadlineAtMs },
    };
    if (attempt === null) {
      journal.putTask({ ...open, state: "admitted" });
      return false;
    }
    if (ended.award === null) throw new Error("a trace is redriven that was never awarded");
    const lease = { ...FIRST_LEASE, generation: (ended.lastGeneration ?? 0) + 1 };
    const award: AwardDoc = {
      ...ended.award,
      attempt,
      continuesFrom: lineOf(ended.award).from,
      soldAttempt: ended.award.soldAttempt ?? ended.award.attempt,
      awardedAtMs: redrivenAtMs,
      deadlineAtMs,
      messagesBefore: ended.messages,
    };
    journal.putTask({ ...open, state: "awarded", award, lease: waits ? null : lease });
    if (waits) this.#room.append({ type: "trace-queued", attempt });
    else
      this.#room.setTimer(
        "trace-lease",
        this.#room.now() + nextReminderMs(lease, this.#room.config.pickupMs),
      );
    return !waits;
  }
}
