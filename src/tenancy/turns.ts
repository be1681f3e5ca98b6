/**
 * Whose turn it is: which admitted tasks may begin their auctions, and which awarded ones their traces.
 *
 * Tasks wait in the order of admission, awards in the order in which they were decided; what waits for its key's limit lets
 * others pass. Called inside the market room's transactions: after each of them nothing waits that may begin, but for
 * tokens, which time refills, and a timer rings for.
 */
import type { Timers } from "../durable/timers.ts";
import type { KeyId, TaskId } from "../market/ids.ts";
import type { RateLimits } from "../market/rate-limit.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { MarketStore } from "./market-store.ts";
import type { OpenTasks } from "./open-tasks.ts";
import type { RateGate } from "./rate-gate.ts";
import type { MarketTask } from "./task-store.ts";

export const REFILL_TIMER = "token-refill";
/** Ours: how soon a client may look whether the queue has room again, where no better is known. */
const QUEUE_RETRY_MS = 5_000;

/** Nothing is admitted: it would have to wait, and as many wait as may. */
export interface QueueRefusal {
  readonly queued: number;
  readonly retryAfterMs: number;
}

export interface TurnsParts {
  readonly store: MarketStore;
  readonly timers: Timers;
  readonly rates: RateGate;
  readonly now: () => number;
  /** Traces that a tenant may run at a time, where nothing else is said of it. */
  readonly defaultMaxTraces: number;
  /** Its auction may begin: it is announced once this transaction stands. */
  readonly beginAuction: (task: MarketTask) => void;
  /** Its trace may begin: its room is to be told. */
  readonly beginTrace: (task: MarketTask) => void;
}

export class Turns {
  readonly #parts: TurnsParts;
  readonly #open: OpenTasks;
  /** When the first of those that wait may have its tokens; null: none waits for tokens; undefined: not known. */
  #refillAtMs: number | null | undefined = undefined;
  #begun: TaskId[] = [];

  constructor(parts: TurnsParts) {
    this.#parts = parts;
    this.#open = parts.store.tasks.open;
  }

  /** What was remembered of a transaction that did not stand. */
  forget(): void {
    this.#refillAtMs = undefined;
  }

  /** The place of a task that is admitted now. Those before it go first. */
  place(account: KeyId | null): Result<"begins" | "waits", QueueRefusal> {
    // Only time lets anybody begin between two transactions.
    if (this.#refillAtMs === undefined || this.#isRefillDue()) this.grant();
    const mayBegin = this.#tenantMayBegin() && this.#accountMayBegin(account);
    const refusal = this.#queueRefusal(account, mayBegin);
    return refusal === null ? ok(mayBegin ? "begins" : "waits") : fail(refusal);
  }

  /**
   * Null: there is room in the queue, or no need of it. Auctions under way become awards, and whatever has no place for
   * its trace waits then: it is in the queue from its admission on.
   */
  #queueRefusal(account: KeyId | null, mayBegin: boolean): QueueRefusal | null {
    const places = Math.max(0, this.maxTraces() - this.#open.count("tracing"));
    const heldBack = this.#open.count("held-back");
    const toCome = this.#open.count("bidding") + heldBack;
    const queued = this.#open.count("waiting") + Math.max(heldBack, toCome - places);
    if ((mayBegin && toCome < places) || queued < this.#tenant().limits.maxQueued) return null;
    return { queued, retryAfterMs: Math.max(QUEUE_RETRY_MS, this.#parts.rates.debtMs(account)) };
  }

  /** Why no bid of a quote of this account can be accepted now; null: its trace begins, or has room to wait. */
  acceptRefusal(account: KeyId | null): QueueRefusal | null {
    return this.#queueRefusal(account, this.#mayRun(account));
  }

  /**
   * Whether the trace of a task that is awarded now waits for a place. Those before it go first. A task whose auction was
   * under way has its turn; what was not, such as a quote, takes one.
   */
  traceWaits({ taskId, state }: MarketTask): boolean {
    this.#grantTraces();
    if (!this.#hasTracePlace()) return true;
    return state !== "bidding" && !this.#mayRun(this.#open.accountOf(taskId));
  }

  #hasTracePlace(): boolean {
    return this.#open.count("tracing") < this.maxTraces();
  }

  maxTraces(): number {
    return this.#tenant().limits.maxTraces ?? this.#parts.defaultMaxTraces;
  }

  /** Whatever may begin begins. */
  grant(): void {
    this.#grantTraces();
    this.#grantAuctions();
  }

  /** The limits were changed, or the refill's timer rang. */
  changed(): void {
    this.#parts.timers.clear(REFILL_TIMER, "");
    this.#refillAtMs = undefined;
    this.grant();
  }

  /** A task of this account was admitted, and waits. */
  waits(account: KeyId | null): void {
    this.#timeRefill([account]);
  }

  #isRefillDue(): boolean {
    return this.#refillAtMs != null && this.#refillAtMs <= this.#parts.now();
  }

  /** Tasks whose traces were let begin, for whoever tells their rooms at once; what is not told, the outbox's timer tells. */
  takeBegun(): readonly TaskId[] {
    const begun = this.#begun;
    if (begun.length > 0) this.#begun = [];
    return begun;
  }

  #grantTraces(): void {
    const full = new Set<KeyId | null>();
    for (const [taskId, account] of this.#open.inOrder("held-back")) {
      if (!this.#hasTracePlace()) return;
      if (full.has(account)) continue;
      if (!this.#mayRun(account)) {
        full.add(account);
        continue;
      }
      const task = { ...this.#task(taskId), heldBackSinceMs: null };
      this.#parts.store.tasks.put(task);
      this.#parts.beginTrace(task);
      this.#begun.push(taskId);
    }
  }

  #grantAuctions(): void {
    if (this.#open.count("waiting") === 0) return;
    // Whoever is at its limit stays there while others begin.
    const full = new Set<KeyId | null>();
    for (const [taskId, account] of this.#open.inOrder("waiting")) {
      if (full.has(account)) continue;
      if (!this.#tenantMayBegin()) break;
      if (this.#accountMayBegin(account)) this.#parts.beginAuction(this.#task(taskId));
      else full.add(account);
    }
    this.#timeRefill(Array.from(this.#open.inOrder("waiting"), ([, account]) => account));
  }

  #tenantMayBegin(): boolean {
    const { ordering, limits } = this.#tenant();
    if (ordering === "strict" && this.#open.count("bidding") > 0) return false;
    return hasRoom(limits, this.#open.running()) && this.#parts.rates.debtMs(null) === 0;
  }

  /** Whether one more may be under way, beside those that are and do not wait with their awards. */
  #mayRun(account: KeyId | null): boolean {
    const open = this.#open;
    if (!hasRoom(this.#tenant().limits, open.running() - open.count("held-back"))) return false;
    const own = account === null ? null : this.#parts.store.keys.limits(account);
    if (account === null || own === null || own.concurrentTasks === null) return true;
    return hasRoom(own, open.runningOf(account) - open.countOf("held-back", account));
  }

  /** Of its own limits; the tenant's are asked before. */
  #accountMayBegin(account: KeyId | null): boolean {
    if (account === null) return true;
    const limits = this.#parts.store.keys.limits(account);
    if (limits === null) return true;
    return hasRoom(limits, this.#open.runningOf(account)) && this.#parts.rates.debtMs(account) === 0;
  }

  /** For the first of those that wait whose tokens are refilled: what else it waits for ends in a transaction of its own. */
  #timeRefill(waiting: readonly (KeyId | null)[]): void {
    const { rates, now } = this.#parts;
    const debts = Array.from(new Set(waiting), (account) => rates.debtMs(account)).filter((ms) => ms > 0);
    this.#refillAtMs ??= null;
    if (debts.length === 0) return;
    const dueAtMs = now() + Math.min(...debts);
    if (this.#refillAtMs !== null && this.#refillAtMs <= dueAtMs) return;
    this.#parts.timers.set(REFILL_TIMER, "", dueAtMs);
    this.#refillAtMs = dueAtMs;
  }

  #tenant() {
    const tenant = this.#parts.store.tenant();
    if (tenant === null) throw new Error("this market room has no tenant");
    return tenant;
  }

  #task(taskId: TaskId): MarketTask {
    const task = this.#parts.store.tasks.find(taskId);
    if (task === null) throw new Error(`${taskId} is not in this room`);
    return task;
  }
}

function hasRoom({ concurrentTasks }: RateLimits, running: number): boolean {
  return concurrentTasks === null || running < concurrentTasks;
}
