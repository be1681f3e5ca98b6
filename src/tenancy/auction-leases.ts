/**
 * Who holds an auction: taking it up, keeping it, losing it (architecture, decision 1). Called inside the market room's
 * transactions.
 */
import type { TaskId } from "../market/ids.ts";
import { burialOf, letterOf, type Burial, type WorkFailure } from "../market/dead-letter.ts";
import {
  acquireLease,
  failLease,
  holdsLease,
  isAbout,
  lapseLease,
  moveOn,
  nextReminderMs,
  remindLease,
  renewLease,
  type Lease,
} from "../market/lease.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { AUCTION_TIMER, type MarketDesk } from "./market-desk.ts";
import type { LeaseAnswer } from "./market-room-api.ts";
import type { MarketTask } from "./task-store.ts";

export interface FailedAuction {
  /** The generation that the holder's message names. */
  readonly announced: number;
  readonly failure: WorkFailure;
  /** When the queue brings the message again. */
  readonly retryInMs: number;
}

/** An auction that was taken up this often without clearing is given up. */
const MAX_AUCTION_LAPSES = 5;

export class AuctionLeases {
  readonly #desk: MarketDesk;

  constructor(desk: MarketDesk) {
    this.#desk = desk;
  }

  /**
   * A consumer takes up an auction whose lease lapsed or whose turn came.
   *
   * @param announced the generation that its message names
   * @returns the generation that it holds the auction under
   */
  take(taskId: TaskId, announced: number): Result<number, { readonly reason: "stale" | "busy" }> {
    const task = this.#bidding(taskId);
    if (task === null || task.lease === null) return fail({ reason: "stale" });
    const taken = acquireLease(task.lease, announced, this.#desk.now() + this.#desk.config.leaseMs);
    if (!taken.ok) return taken;
    this.#keep({ ...task, lease: taken.value });
    return ok(taken.value.generation);
  }

  /** The holder could not carry it out; whoever holds it no more has nothing to give back. */
  fail(taskId: TaskId, generation: number, { announced, failure, retryInMs }: FailedAuction): void {
    const task = this.#bidding(taskId);
    if (task === null || task.lease === null || !holdsLease(task.lease, generation)) return;
    const nowMs = this.#desk.now();
    const lease = failLease(task.lease, { announced, failure, nowMs });
    this.#desk.store.tasks.put({ ...task, lease });
    // Should the message get lost, the auction is announced again.
    const dueAtMs = nowMs + retryInMs + nextReminderMs(lease, this.#desk.config.pickupMs);
    this.#desk.timers.set(AUCTION_TIMER, taskId, dueAtMs);
  }

  /** A message about it is dead. `again`: it is to be announced under its next generation. */
  bury(taskId: TaskId, announced: number): Burial {
    const task = this.#bidding(taskId);
    if (task === null || task.lease === null || task.stopping) return "stale";
    const burial = burialOf(task.lease, isAbout(task.lease, announced));
    if (burial === "given_up") this.#giveUp(task, task.lease, "dead_lettered");
    if (burial === "again") this.#keep({ ...task, lease: moveOn(task.lease) });
    return burial;
  }

  /** The task's room ends the task, with every bill in, and reports. */
  #giveUp(task: MarketTask, lease: Lease, reason: "auction_abandoned" | "dead_lettered"): void {
    this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
    const letter = letterOf(lease, {
      work: "auction",
      kind: reason === "dead_lettered" ? "dead_letter" : "abandoned",
      attempt: 0,
      nowMs: this.#desk.now(),
    });
    this.#desk.store.tasks.put({ ...task, lease, stopping: true, letter });
    this.#desk.owe(task, { kind: "stop", end: { state: "failed", reason } });
  }

  renew(taskId: TaskId, generation: number): LeaseAnswer {
    const task = this.#desk.openTask(taskId);
    if (task === null || task.stopping) return "ended";
    if (task.lease === null || !holdsLease(task.lease, generation)) return "lost";
    const untilMs = this.#desk.now() + this.#desk.config.leaseMs;
    this.#keep({ ...task, lease: renewLease(task.lease, untilMs, false) });
    return "continue";
  }

  /**
   * The auction's timer rang: a lapsed auction waits under its next generation, one that nobody took still waits.
   * Returns the task whose auction is to be announced on the queue.
   */
  onTimer(taskId: TaskId): MarketTask | null {
    const task = this.#bidding(taskId);
    if (task === null || task.lease === null) {
      this.#desk.timers.clear(AUCTION_TIMER, taskId);
      return null;
    }
    const lapsed = lapseLease(task.lease, this.#desk.now());
    if (lapsed === null && task.lease.heldUntilMs !== null) {
      this.#desk.timeAuction(task);
      return null;
    }
    const lease = lapsed ?? remindLease(task.lease);
    if (lease.lapses > MAX_AUCTION_LAPSES) {
      this.#giveUp(task, lease, "auction_abandoned");
      return null;
    }
    const waiting = { ...task, lease };
    this.#keep(waiting);
    return waiting;
  }

  /** Makes the auction's timer anew where it got lost. What was given up has none: nobody is to take it up again. */
  wake(taskId: TaskId): void {
    const task = this.#bidding(taskId);
    if (task === null || task.lease === null || task.stopping) return;
    if (!this.#desk.timers.has(AUCTION_TIMER, taskId)) this.#desk.timeAuction(task);
  }

  #keep(task: MarketTask): void {
    this.#desk.store.tasks.put(task);
    this.#desk.timeAuction(task);
  }

  #bidding(taskId: TaskId): MarketTask | null {
    const task = this.#desk.openTask(taskId);
    return task?.state === "bidding" ? task : null;
  }
}
