/**
 * Who holds an auction: taking it up, keeping it, losing it (architecture, decision 1). Called inside the market room's
 * transactions.
 */
import type { TaskId } from "../market/ids.ts";
import { acquireLease, holdsLease, lapseLease, remindLease, renewLease } from "../market/lease.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { AUCTION_TIMER, type MarketDesk } from "./market-desk.ts";
import type { LeaseAnswer } from "./market-room-api.ts";
import type { MarketTask } from "./task-store.ts";

/** An auction that was taken up this often without clearing is given up. */
const MAX_AUCTION_LAPSES = 5;

export class AuctionLeases {
  readonly #desk: MarketDesk;

  constructor(desk: MarketDesk) {
    this.#desk = desk;
  }

  /** A consumer takes up an auction whose lease lapsed or whose turn came. */
  take(taskId: TaskId, generation: number): Result<null, { readonly reason: "stale" | "busy" }> {
    const task = this.#bidding(taskId);
    if (task === null || task.lease === null) return fail({ reason: "stale" });
    const taken = acquireLease(task.lease, generation, this.#desk.now() + this.#desk.config.leaseMs);
    if (!taken.ok) return taken;
    this.#keep({ ...task, lease: taken.value });
    return ok(null);
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
      this.#desk.timers.clear(AUCTION_TIMER, taskId);
      this.#desk.store.tasks.put({ ...task, lease, stopping: true });
      const end = { state: "failed", reason: "auction_abandoned" } as const;
      this.#desk.owe(task, { kind: "stop", end });
      return null;
    }
    const waiting = { ...task, lease };
    this.#keep(waiting);
    return waiting;
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
