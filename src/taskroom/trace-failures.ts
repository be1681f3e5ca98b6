/**
 * Traces that fail in their holders' hands, and dead letters about them (`market/dead-letter.ts`).
 *
 * A holder that cannot go on says so and gives the trace back: the queue brings its message once more. A message that it
 * brings no more is a dead letter.
 */
import type { FailingLane } from "../durable/outbox.ts";
import { burialOf, letterOf, type Burial, type WorkFailure } from "../market/dead-letter.ts";
import { failLease, holdsLease, isAbout, moveOn, nextReminderMs } from "../market/lease.ts";
import type { Room } from "./room.ts";
import type { TraceHealth } from "./task-room-api.ts";

export interface FailedSlice {
  /** The generation that the holder's message names. */
  readonly announced: number;
  readonly failure: WorkFailure;
  /** When the queue brings the message again. */
  readonly retryInMs: number;
}

export class TraceFailures {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Whoever holds it no more has nothing to give back. */
  fail(generation: number, { announced, failure, retryInMs }: FailedSlice): void {
    const task = this.#room.openTask();
    if (task?.award == null || task.lease === null || !holdsLease(task.lease, generation)) return;
    if (task.stop !== null) return this.#room.end(task, task.stop);
    const lease = failLease(task.lease, { announced, failure, nowMs: this.#room.now() });
    this.#room.giveUpCalls();
    this.#room.journal.putTask({ ...task, lease });
    // Should the message get lost, the trace is announced again.
    const { pickupMs } = this.#room.config;
    this.#room.setTimer("trace-lease", this.#room.now() + retryInMs + nextReminderMs(lease, pickupMs));
  }

  /** A message of this attempt is dead. `again`: the trace is to be announced under its next generation. */
  bury(attempt: number, announced: number): Burial {
    const task = this.#room.openTask();
    if (task?.award?.attempt !== attempt || task.lease === null) return "stale";
    const burial = burialOf(task.lease, isAbout(task.lease, announced));
    if (burial === "stale") return burial;
    if (task.stop !== null) {
      this.#room.end(task, task.stop);
      return "stale";
    }
    const nowMs = this.#room.now();
    if (burial === "given_up") {
      const letter = letterOf(task.lease, { work: "trace", kind: "dead_letter", attempt, nowMs });
      this.#room.end(task, { state: "failed", reason: "dead_lettered" }, letter);
      return burial;
    }
    const lease = moveOn(task.lease);
    this.#room.journal.putTask({ ...task, lease });
    this.#room.setTimer("trace-lease", nowMs + nextReminderMs(lease, this.#room.config.pickupMs));
    return burial;
  }

  /** @param untold the lane to the market room, where it fails */
  health(untold: FailingLane | null): TraceHealth | null {
    const { lease = null } = this.#room.journal.task() ?? {};
    if (lease === null && untold === null) return null;
    const { lapses = 0, reminders = 0, failed } = lease ?? {};
    return {
      lapses,
      reminders,
      failures: failed?.times ?? 0,
      errorClass: failed?.latest.errorClass ?? null,
      sinceMs: failed?.sinceMs ?? untold?.sinceMs ?? null,
      untold,
    };
  }
}
