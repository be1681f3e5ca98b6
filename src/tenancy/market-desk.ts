/**
 * What the market room's transitions share: its tables, its clock, and the few moves that every transition makes.
 *
 * Called inside a transaction; leaves what others must learn to the outbox and the timers.
 */
import type { Config } from "../config.ts";
import type { Outbox } from "../durable/outbox.ts";
import type { Timers } from "../durable/timers.ts";
import type { Opening } from "../market/auction-record.ts";
import type { Award, StopEnd } from "../market/award.ts";
import type { TaskId } from "../market/ids.ts";
import { FIRST_LEASE, nextReminderMs } from "../market/lease.ts";
import { isFinal } from "../market/task.ts";
import { taskRow } from "./history-rows.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { MarketStore, MarketTask, TenantDoc } from "./market-store.ts";
import type { TaskRoomPort } from "./task-room-port.ts";

/** What this room owes to a task's room. */
export type ToTaskRoom =
  | { readonly kind: "open"; readonly opening: Opening }
  | { readonly kind: "award"; readonly award: Award }
  | { readonly kind: "stop"; readonly end: StopEnd };

/** Tells it. */
export async function tellRoom(room: TaskRoomPort, message: ToTaskRoom): Promise<void> {
  switch (message.kind) {
    case "open":
      return room.open(message.opening);
    case "award":
      return room.award(message.award);
    case "stop":
      return room.stop(message.end);
  }
}

export const AUCTION_TIMER = "auction-lease";

export interface MarketDeskParts {
  readonly config: Config;
  readonly store: MarketStore;
  readonly timers: Timers;
  readonly outbox: Outbox<ToTaskRoom>;
  readonly memory: MemoryStore;
}

export class MarketDesk {
  readonly config: Config;
  readonly store: MarketStore;
  readonly timers: Timers;
  readonly outbox: Outbox<ToTaskRoom>;
  readonly memory: MemoryStore;

  constructor(parts: MarketDeskParts) {
    this.config = parts.config;
    this.store = parts.store;
    this.timers = parts.timers;
    this.outbox = parts.outbox;
    this.memory = parts.memory;
  }

  now(): number {
    return this.config.source.now();
  }

  mustTenant(): TenantDoc {
    const tenant = this.store.tenant();
    if (tenant === null) throw new Error("this market room has no tenant");
    return tenant;
  }

  /** The task while it has no final state. */
  openTask(taskId: TaskId): MarketTask | null {
    const task = this.store.task(taskId);
    return task === null || isFinal(task.state) ? null : task;
  }

  /** Stores a task in its next state and writes its row for the history. */
  record(task: MarketTask): void {
    const next = { ...task, rowVersion: task.rowVersion + 1 };
    this.store.putTask(next);
    const { tenantId } = this.mustTenant();
    this.store.addHistory(taskRow(tenantId, next, this.store.charged(task.taskId)));
  }

  /**
   * Owes a message to the task's room. While somebody holds the auction, its opening is not pressing: the holder opens
   * the room itself, and should it die, the lapsed lease sends the opening before anybody else begins.
   */
  owe(task: MarketTask, message: ToTaskRoom): void {
    const held = message.kind === "open" && task.lease !== null;
    this.outbox.add(task.taskId, message, held ? { dueInMs: this.config.leaseMs } : {});
  }

  /** Asks the task's room to stop the work; until it reports, nothing new begins. False: the room does not know it. */
  stop(taskId: TaskId): boolean {
    const task = this.store.task(taskId);
    if (task === null) return false;
    if (!isFinal(task.state) && !task.stopping) {
      this.store.putTask({ ...task, stopping: true });
      this.owe(task, { kind: "stop", end: { state: "cancelled" } });
    }
    return true;
  }

  /** Once a task has come in: a tenant that is known as idle is known as such no longer. */
  tenantHasOpen(): void {
    if (!this.store.toldOpen()) this.recordTenant();
  }

  /**
   * When the history has taken rows: a tenant that lost its last open task is idle. Not in the transaction that ends the
   * task: where one task follows the other, both rows would be for nothing.
   */
  tenantMayBeIdle(): void {
    if (this.store.toldOpen() && !this.store.hasOpen()) this.recordTenant();
  }

  /** The tenant's row. */
  recordTenant(): void {
    const tenant = this.mustTenant();
    const openTasks = this.store.countOpen();
    this.store.putToldOpen(openTasks > 0);
    this.store.addHistory({
      table: "tenants",
      tenantId: tenant.tenantId,
      name: tenant.name,
      createdAtMs: tenant.createdAtMs,
      openTasks,
      version: this.store.count("tenant-row"),
    });
  }

  /** The auction's timer: when its holder is overdue, or when nobody has come for it. */
  timeAuction(task: MarketTask): void {
    const lease = task.lease ?? FIRST_LEASE;
    const dueAtMs = lease.heldUntilMs ?? this.now() + nextReminderMs(lease, this.config.pickupMs);
    this.timers.set(AUCTION_TIMER, task.taskId, dueAtMs);
  }

  /** `ordering: "strict"`: in the transaction that ends one auction, the next one gets its turn. */
  grantNext(): void {
    if (this.mustTenant().ordering !== "strict" || this.store.hasActiveAuction()) return;
    const next = this.store.nextWaiting();
    if (next === null) return;
    this.store.putTask({ ...next, state: "bidding", lease: FIRST_LEASE });
    // Due at once: the timer's handler announces the auction on the queue.
    this.timers.set(AUCTION_TIMER, next.taskId, this.now());
  }
}
