/**
 * What the market room's transitions share: its tables, its clock, and the few moves that every transition makes.
 *
 * Called inside a transaction; leaves what others must learn to the outbox and the timers.
 */
import type { Config } from "../config.ts";
import type { Outbox } from "../durable/outbox.ts";
import type { Timers } from "../durable/timers.ts";
import type { Opening } from "../market/auction-record.ts";
import type { Award, Redrive, StopEnd, Unsold } from "../market/award.ts";
import type { Agent, Pool } from "../market/agent.ts";
import type { HistoryRow, TaskRow } from "../market/history-row.ts";
import type { KeyId, TaskId } from "../market/ids.ts";
import { FIRST_LEASE, nextReminderMs } from "../market/lease.ts";
import { asMicros, totalTokens, type Micros } from "../market/money.ts";
import type { EndReport, SpentCall } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { forecastOf, type CallHolds, type Forecast } from "../market/sale/forecast.ts";
import type { QuotedAuction } from "../market/sale/quote.ts";
import { isFinal } from "../market/task.ts";
import { effectivePool, type EffectivePool } from "../market/tenant-market.ts";
import { taskRow } from "./history-rows.ts";
import type { HistoryStore } from "./history-store.ts";
import type { Budgets, HoldRefusal, Ledger } from "./ledger.ts";
import type { ParkedRow } from "./market-room-api.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { MarketStore, TenantDoc } from "./market-store.ts";
import type { LeanTask, MarketTask } from "./task-store.ts";
import { dayOf } from "./utc.ts";
import type { RateGate } from "./rate-gate.ts";
import type { TaskRoomPort } from "./task-room-port.ts";
import type { DeliveryDesk } from "./webhooks/delivery-desk.ts";
import { Turns } from "./turns.ts";

/** What this room owes to a task's room. */
export type ToTaskRoom =
  | { readonly kind: "open"; readonly opening: Opening }
  | { readonly kind: "award"; readonly award: Award }
  | { readonly kind: "quoted"; readonly quoted: QuotedAuction }
  | { readonly kind: "unsold"; readonly unsold: Unsold }
  /** The task, which had been given up, goes on. */
  | { readonly kind: "redrive"; readonly redrive: Redrive }
  /** The trace of this attempt, which was told to wait, may begin. */
  | { readonly kind: "begin-trace"; readonly attempt: number }
  | { readonly kind: "stop"; readonly end: StopEnd };

/** As it is stored: an opening without its pool and policy, which stay with the task, shared with others. */
export type OwedToTaskRoom =
  | Exclude<ToTaskRoom, { readonly kind: "open" }>
  | { readonly kind: "open"; readonly opening: Opening | Omit<Opening, "pool" | "policy"> };

/** Tells it, where there is anything to tell. */
export async function tellRoom(room: TaskRoomPort, message: ToTaskRoom | null): Promise<void> {
  switch (message?.kind) {
    case undefined:
      return;
    case "open":
      return room.open(message.opening);
    case "award":
      return room.award(message.award);
    case "quoted":
      return room.quoted(message.quoted);
    case "unsold":
      return room.unsold(message.unsold);
    case "redrive":
      return room.redrive(message.redrive);
    case "begin-trace":
      return room.beginTrace(message.attempt);
    case "stop":
      return room.stop(message.end);
  }
}

/** A trace that needs more is allowed so many times that, where the budgets have plenty. */
const AHEAD = 4;
/** What a trace gets of a budget that does not take its whole hold; the rest it asks for call by call. */
export const TRACE_SHARE = 0.5;

export const AUCTION_TIMER = "auction-lease";

export interface MarketDeskParts {
  readonly config: Config;
  readonly store: MarketStore;
  readonly timers: Timers;
  readonly outbox: Outbox<OwedToTaskRoom>;
  readonly memory: MemoryStore;
  readonly ledger: Ledger;
  readonly webhooks: Pick<DeliveryDesk, "taskEnded" | "hasPending">;
  readonly rates: RateGate;
}

export class MarketDesk {
  readonly config: Config;
  readonly store: MarketStore;
  readonly timers: Timers;
  readonly outbox: Outbox<OwedToTaskRoom>;
  readonly memory: MemoryStore;
  readonly ledger: Ledger;
  readonly #webhooks: MarketDeskParts["webhooks"];
  readonly turns: Turns;
  readonly #rates: RateGate;
  readonly #pools = new WeakMap<TenantDoc, EffectivePool>();

  constructor(parts: MarketDeskParts) {
    this.config = parts.config;
    this.store = parts.store;
    this.timers = parts.timers;
    this.outbox = parts.outbox;
    this.memory = parts.memory;
    this.ledger = parts.ledger;
    this.#webhooks = parts.webhooks;
    this.#rates = parts.rates;
    this.turns = new Turns({
      ...parts,
      now: () => this.now(),
      defaultMaxTraces: parts.config.maxTraces,
      beginAuction: (task) => this.#beginAuction(task),
      beginTrace: (task) => this.owe(task, { kind: "begin-trace", attempt: task.attempt }),
    });
  }

  now(): number {
    return this.config.source.now();
  }

  mustTenant(): TenantDoc {
    const tenant = this.store.tenant();
    if (tenant === null) throw new Error("this market room has no tenant");
    return tenant;
  }

  /** Whom the tenant's next auction asks: one object as long as the tenant's document is the same. */
  poolOf(tenant: TenantDoc): EffectivePool {
    const known = this.#pools.get(tenant);
    if (known !== undefined) return known;
    const pool = effectivePool(this.basePool(tenant), tenant.market);
    this.#pools.set(tenant, pool);
    return pool;
  }

  /** What the tenant's rules about its pool begin with. */
  basePool(tenant: TenantDoc): Pool {
    return tenant.pool ?? this.config.pool;
  }

  /** The task while it has no final state. */
  openTask(taskId: TaskId): MarketTask | null {
    const task = this.store.tasks.find(taskId);
    return task === null || isFinal(task.state) ? null : task;
  }

  /** What a hold of this account's tasks must fit. */
  budgets(keyId: KeyId | null): Budgets {
    return { tenant: this.mustTenant().budget, key: keyId === null ? null : this.store.keys.budget(keyId) };
  }

  /** Of the agent's next trace. @param holds what its calls are held at, where that counts */
  forecast(agent: Agent, holds?: CallHolds): Forecast {
    return forecastOf(agent, this.store.traces.of(agent.id), holds);
  }

  /** The bid's own cap, as far as the budgets take it; returns what all calls of the task may cost from now on. */
  holdForTrace(taskId: TaskId, agent: Agent): Micros {
    const account = this.#account(taskId);
    const wanted = this.forecast(agent).capMicros;
    const budgets = this.budgets(account.keyId);
    const refusal = this.ledger.hold(taskId, wanted, budgets);
    if (refusal !== null) {
      // Its own limit is shared with nobody; of a budget, others are to have something, too.
      const share = refusal.scope === "task" ? 1 : TRACE_SHARE;
      this.ledger.hold(taskId, asMicros(Math.floor(share * refusal.leftMicros)), budgets);
    }
    return this.allowance(taskId);
  }

  /**
   * Lets the task's calls cost so much in all, if its budgets take it.
   *
   * @returns what they may cost now: more where there is plenty, so that not every call must ask
   */
  allow(taskId: TaskId, totalMicros: Micros): Result<Micros, HoldRefusal> {
    const task = this.openTask(taskId);
    const account = this.#account(taskId);
    const allowed = this.allowance(taskId);
    if (totalMicros <= allowed) return ok(allowed);
    const more = asMicros(totalMicros - allowed);
    const budgets = this.budgets(account.keyId);
    // Settled, it has nothing left to spend.
    if (task === null)
      return fail({ scope: "task", limit: "task", askedMicros: more, leftMicros: asMicros(0) });
    if (this.ledger.holdAhead(taskId, asMicros(AHEAD * more), budgets)) return ok(this.allowance(taskId));
    const refusal = this.ledger.hold(taskId, more, budgets);
    return refusal === null ? ok(this.allowance(taskId)) : fail(refusal);
  }

  /** What ran for the task's attempt beside models. */
  countTools({ taskId, trace, toolCalls = 0 }: EndReport): void {
    if (trace === null) return;
    const { keyId } = this.#account(taskId);
    this.store.tools.add({ day: dayOf(this.now()), keyId, agentId: trace.agentId, calls: toolCalls });
  }

  /** Books calls of a task. After its end, and while it waits for its verdict, nothing stays held for it, whatever comes back for a bound. */
  spend(taskId: TaskId, calls: readonly SpentCall[]): void {
    const { keyId } = this.#account(taskId);
    const budgets = this.budgets(keyId);
    const booked = calls.filter((call) => this.ledger.spend(taskId, call, budgets));
    this.#rates.drawTokens(keyId, sumTokens(booked));
    const task = this.openTask(taskId);
    if (task === null || task.state === "waiting") this.ledger.release(taskId);
  }

  #account(taskId: TaskId): NonNullable<ReturnType<Ledger["account"]>> {
    const account = this.ledger.account(taskId);
    if (account === null) throw new Error(`no account of ${taskId}`);
    return account;
  }

  /** What all calls of the task may cost now. */
  allowance(taskId: TaskId): Micros {
    const { heldMicros, chargedMicros } = this.#account(taskId);
    return asMicros(heldMicros + chargedMicros);
  }

  /**
   * Stores a task in its next state, of which the history is told, after others that belong to the transition; and of a
   * final one, the tenant's webhooks.
   */
  record(task: MarketTask, others: readonly HistoryRow[]): void {
    this.store.tasks.record({ ...task, rowVersion: task.rowVersion + 1 }, others);
    if (isFinal(task.state)) this.#webhooks.taskEnded(task, () => this.#rowOf(task));
  }

  historyBatch(limit: number): ReturnType<HistoryStore["batch"]> {
    return this.store.history.batch(limit, (taskId) => this.#rowOfHeld(taskId));
  }

  /** The history has taken these rows, and refused those. */
  historyWritten(written: readonly number[], parked: readonly ParkedRow[]): void {
    const { history } = this.store;
    history.remove(written);
    for (const { id, error } of parked) history.park(id, error, (taskId) => this.#rowOfHeld(taskId));
    history.removeOutdated(Math.max(0, ...written, ...parked.map(({ id }) => id)));
    this.#tenantMayBeIdle();
    this.store.tasks.forgetSettled();
  }

  #rowOfHeld(taskId: TaskId): TaskRow | null {
    const task = this.store.tasks.find(taskId);
    return task === null ? null : this.#rowOf(task);
  }

  /** Rows of all tasks that the room holds, newest first. */
  heldTasks(): TaskRow[] {
    return this.store.tasks.all().map((task) => this.#rowOf(task));
  }

  /** As the task stands. */
  #rowOf(task: LeanTask): TaskRow {
    return taskRow(this.mustTenant().tenantId, task, this.ledger.charged(task.taskId));
  }

  /** Owes a message to the task's room. */
  owe({ taskId }: MarketTask, message: OwedToTaskRoom): void {
    this.outbox.add(taskId, message);
  }

  /**
   * Owes its opening to the task's room. While somebody holds the auction, that is not pressing: the holder opens the
   * room itself, and should it die, the auction's timer sends the opening before anybody else begins.
   */
  oweOpening({ taskId, lease }: MarketTask, { pool: _pool, policy: _policy, ...opening }: Opening): void {
    this.outbox.add(taskId, { kind: "open", opening }, lease === null ? {} : { dueInMs: null });
  }

  /** Owes an award to the task's room; one that is open need not be told to open any more. */
  oweAward(task: MarketTask, award: Award, isOpen: boolean): void {
    if (isOpen) this.oweInPlaceOfOpening(task, { kind: "award", award });
    else this.owe(task, { kind: "award", award });
  }

  /** Owes a message to a task's room that is open: whoever clears has begun the auction there, and by that opened it. */
  oweInPlaceOfOpening({ taskId }: MarketTask, message: OwedToTaskRoom): void {
    this.outbox.replace(taskId, "open", message);
  }

  /** As it is told; null: the task has left this room, and there is nobody to tell. */
  toTell(taskId: TaskId, message: OwedToTaskRoom): ToTaskRoom | null {
    if (message.kind !== "open") return message;
    const { opening } = message;
    // From before openings were stored without what they share.
    if ("pool" in opening) return { kind: "open", opening };
    const terms = this.store.tasks.findTerms(taskId);
    return terms === null ? null : { kind: "open", opening: { ...opening, ...terms } };
  }

  /** Asks the task's room to stop the work; until it reports, nothing new begins. False: the room does not know it. */
  stop(taskId: TaskId): boolean {
    const task = this.store.tasks.find(taskId);
    if (task === null) return false;
    if (!isFinal(task.state) && !task.stopping) {
      this.store.tasks.put({ ...task, stopping: true });
      this.owe(task, { kind: "stop", end: { state: "cancelled" } });
    }
    return true;
  }

  /** Once a task has come in: a tenant that is known as idle is known as such no longer. */
  tenantHasOpen(): void {
    if (this.store.told() !== "open") this.recordTenant();
  }

  /**
   * Now that the history has taken rows: a tenant that lost its last open task is idle. Not in the transaction that ends the
   * task: where one task follows the other, both rows would be for nothing.
   */
  #tenantMayBeIdle(): void {
    if (this.store.told() === "open" && !this.store.tasks.hasOpen()) this.recordTenant();
  }

  /**
   * Deliveries of webhooks have come to wait, or do no more: of a tenant without open tasks that is told, or its room would
   * not be woken, should its alarm get lost.
   */
  deliveriesChanged(): void {
    const told = this.store.told();
    if (told === "open" || (told === "deliveries") === this.#webhooks.hasPending()) return;
    this.recordTenant();
  }

  /** The tenant's row. */
  recordTenant(): void {
    const tenant = this.mustTenant();
    const openTasks = this.store.tasks.countOpen();
    const waits = openTasks === 0 && this.#webhooks.hasPending();
    this.store.putTold(openTasks > 0 ? "open" : waits ? "deliveries" : "nothing");
    const { tenantId, name, createdAtMs } = tenant;
    const version = this.store.nextTenantVersion();
    this.store.history.replaceTenant();
    this.store.history.add([{ table: "tenants", tenantId, name, createdAtMs, openTasks, waits, version }]);
  }

  /** The auction's timer: when its holder is overdue, or when nobody has come for it. */
  timeAuction(task: MarketTask): void {
    const lease = task.lease ?? FIRST_LEASE;
    const dueAtMs = lease.heldUntilMs ?? this.now() + nextReminderMs(lease, this.config.pickupMs);
    this.timers.set(AUCTION_TIMER, task.taskId, dueAtMs);
  }

  #beginAuction(task: MarketTask): void {
    // One that was given up before had holders: none of them may pass for one of the next.
    const { generation = 0 } = task.letter ?? {};
    const lease = { ...FIRST_LEASE, generation: generation + 1 };
    this.store.tasks.put({ ...task, state: "bidding", lease });
    // Due at once: the timer's handler announces the auction on the queue.
    this.timers.set(AUCTION_TIMER, task.taskId, this.now());
  }
}

/** Of those whose provider told them. */
function sumTokens(calls: readonly SpentCall[]): number {
  return calls.reduce((sum, { usage }) => sum + (usage == null ? 0 : totalTokens(usage)), 0);
}
