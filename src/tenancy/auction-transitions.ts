/**
 * A task's transitions in the market room: admit, take, renew, clear, lapse, settle (architecture, decision 1).
 *
 * Each is one transaction over the recorded facts; none of them waits for anything.
 */
import type { AuctionCommit } from "../market/auction-commit.ts";
import { clearingRecord } from "../market/auction-record.ts";
import type { Award } from "../market/award.ts";
import { clearAuction, type Clearing } from "../market/clear.ts";
import type { HistoryRow } from "../market/history-row.ts";
import type { TaskId } from "../market/ids.ts";
import { acquireLease, holdsLease, lapseLease, remindLease, renewLease } from "../market/lease.ts";
import { withDeadline } from "../market/market-deadlines.ts";
import { usdToMicros } from "../market/money.ts";
import { entryOf } from "../market/remember.ts";
import { makePolicy, type CalibrationRules, type Policy } from "../market/policy.ts";
import type { EndReport } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { isFinal, type TaskEnd } from "../market/task.ts";
import {
  admitTask,
  termsOf,
  type AdmissionContext,
  type AdmittedTask,
  type AuctionPlan,
  type PlanTerms,
  type RequestedTask,
} from "./admission.ts";
import { auctionRows, endRows } from "./history-rows.ts";
import type { HoldRefusal } from "./ledger.ts";
import { AUCTION_TIMER, type MarketDesk } from "./market-desk.ts";
import type {
  AdmitRefusal,
  AdmitRequest,
  Admission,
  ClearOutcome,
  ClearRefusal,
  ClearRequest,
  LeaseAnswer,
} from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { PolicyRefusal } from "./policy-api.ts";
import type { MarketTask, TaskTerms } from "./task-store.ts";
import { policyOf } from "./tenant-policy.ts";

/** An auction that was taken up this often without clearing is given up. */
const MAX_AUCTION_LAPSES = 5;
const MAX_POLICIES = 32;
const IDEMPOTENCY_MS = 24 * 60 * 60 * 1_000;

/** What only the rooms above know. */
export interface AuctionParts {
  /** What an auction is expected to cost, call by call. */
  readonly planAuction: (terms: PlanTerms) => AuctionPlan;
}

/** How an award came about, and what belongs to it. */
interface Decided {
  readonly terms: TaskTerms;
  readonly clearing: Clearing;
  readonly tail: AuctionCommit | null;
  /** Of its auction, for the history. */
  readonly rows: readonly HistoryRow[];
  /** Whether the task's room is open: whoever clears has begun the auction there, and by that opened it. */
  readonly isOpen: boolean;
}

export class AuctionTransitions {
  readonly #desk: MarketDesk;
  readonly #plan: AuctionParts["planAuction"];
  /** By the tenant's document as it is read: a changed one is another. */
  readonly #policies = new WeakMap<TenantDoc, Map<string, Policy>>();

  constructor(desk: MarketDesk, parts: AuctionParts) {
    this.#desk = desk;
    this.#plan = parts.planAuction;
  }

  /**
   * A place in the tenant's history, once per Idempotency-Key, with its bidding and judging held; the caller holds the
   * auction where it may begin.
   */
  admit(
    tenant: TenantDoc,
    request: Omit<AdmitRequest, "keyHash"> & RequestedTask,
  ): Result<Admission, AdmitRefusal> {
    const { store } = this.#desk;
    const nowMs = this.#desk.now();
    if (request.idempotency !== null) {
      const { key, bodyHash } = request.idempotency;
      const known = store.idempotent(key, nowMs);
      if (known !== null && known.bodyHash !== bodyHash) return fail({ reason: "idempotency_conflict" });
      if (known !== null) {
        const sequence = store.tasks.find(known.taskId)?.sequence ?? null;
        return ok({ taskId: known.taskId, sequence, auctionGeneration: null, opening: null, replayed: true });
      }
    }
    const policy = this.#policy(tenant, request.spec.policy ?? tenant.policyName);
    if (!policy.ok) return policy;
    const mustWait = tenant.ordering === "strict" && store.tasks.hasActiveAuction();
    const { spec, namesDeadline = true } = request;
    const bounded = withDeadline(spec, tenant.market.deadlines, namesDeadline);
    if (!bounded.ok) return bounded;
    const asked = { ...request, spec: bounded.value };
    const admitted = this.#enter(asked, this.#context(tenant, { policy: policy.value, mustWait }));
    if (!admitted.ok) return fail({ reason: "budget", refusal: admitted.failure });
    if (request.idempotency !== null) {
      const { key, bodyHash } = request.idempotency;
      store.rememberKey(key, bodyHash, request.taskId, nowMs + IDEMPOTENCY_MS);
    }
    const { task, opening } = admitted.value;
    if (task.lease !== null) this.#desk.timeAuction(task);
    const auctionGeneration = task.lease?.generation ?? null;
    const { taskId, sequence } = task;
    return ok({ taskId, sequence, auctionGeneration, opening, replayed: false });
  }

  /** One object for each of a tenant's policies: tasks that share it share what is made of it. */
  #policy(tenant: TenantDoc, name: string): Result<Policy, PolicyRefusal> {
    const known = this.#policies.get(tenant) ?? new Map<string, Policy>();
    this.#policies.set(tenant, known);
    const kept = known.get(name);
    if (kept !== undefined) return ok(kept);
    const policy = policyOf(tenant, this.#desk.poolOf(tenant), name);
    if (!policy.ok) return policy;
    // Tasks name their policies: not every name is to be remembered for ever.
    if (known.size >= MAX_POLICIES) known.clear();
    known.set(name, policy.value);
    return policy;
  }

  /** A task whose rules hold no auction and need no Worker to say so: admitted and awarded in one. */
  admitAwarded(tenant: TenantDoc, request: RequestedTask, rules: CalibrationRules): void {
    const { pool } = this.#desk.poolOf(tenant);
    const { policyVersion: version, weights } = tenant;
    const policy = makePolicy({ name: rules.kind, rules, pool, version, weights });
    // Nobody is given an auction to hold, and without one nothing is held before the award.
    const admitted = this.#enter(request, this.#context(tenant, { policy, mustWait: true }));
    if (!admitted.ok) throw new Error("what costs nothing fits every budget");
    const { task, terms } = admitted.value;
    const cleared = clearAuction(clearingRecord(terms, { bids: [], verdicts: [] }));
    if (!cleared.ok) throw new Error("the rules name no agent of the pool");
    this.#award(task, { terms, clearing: cleared.value, tail: null, rows: [], isOpen: false });
  }

  #context(
    tenant: TenantDoc,
    { policy, mustWait }: { readonly policy: Policy; readonly mustWait: boolean },
  ): AdmissionContext {
    const { config } = this.#desk;
    const nowMs = this.#desk.now();
    const leaseUntilMs = nowMs + config.leaseMs;
    return { tenant, policy, pool: this.#desk.poolOf(tenant).pool, mustWait, nowMs, leaseUntilMs };
  }

  /** Nothing is entered, and no number is taken, where the budgets do not take what its auction may cost. */
  #enter(request: RequestedTask, context: AdmissionContext): Result<AdmittedTask, HoldRefusal> {
    const { store, ledger } = this.#desk;
    const { taskId, keyId, spec } = request;
    const terms = termsOf(request, context);
    const plan = this.#plan({ ...terms, spec });
    // A Worker of the version before tells of no limit.
    const { maxCostUsd } = spec.limits;
    const capMicros = maxCostUsd == null ? null : usdToMicros(maxCostUsd);
    const account = { taskId, keyId, capMicros, holdMicros: plan.holdMicros };
    const opened = ledger.open(account, this.#desk.budgets(keyId));
    if (!opened.ok) return opened;
    const admitted = admitTask(request, context, { sequence: store.tasks.nextSequence(), terms, plan });
    const { task, opening } = admitted;
    store.tasks.add(task, terms);
    this.#desk.tenantHasOpen();
    this.#desk.oweOpening(task, opening);
    return ok(admitted);
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

  /** The decision: who wins, by the recorded figures alone. */
  clear(request: ClearRequest): Result<ClearOutcome, ClearRefusal> {
    const task = this.#desk.store.tasks.find(request.taskId);
    if (task === null) return fail({ reason: "unknown_task" });
    if (isFinal(task.state) || task.stopping) return fail({ reason: "ended" });
    // The answer to an earlier clear may have been lost: the award stands, and is told again.
    if (task.agentId !== null) return ok({ state: "awarded", attempt: task.attempt, agentId: task.agentId });
    if (task.lease === null || !holdsLease(task.lease, request.generation)) return fail({ reason: "lost" });
    const terms = this.#desk.store.tasks.terms(task.taskId);
    const cleared = clearAuction(clearingRecord(terms, request));
    const rows = this.#auctionRows({ task, terms, request, clearing: cleared.ok ? cleared.value : null });
    if (!cleared.ok) {
      // The task's room is open. It ends the task, with every bill in, and reports.
      this.#desk.outbox.drop(task.taskId, "open");
      this.#desk.store.history.add(rows);
      return ok({ state: "failed", reason: cleared.failure.reason });
    }
    this.#remember(terms, request, cleared.value);
    const { tail } = request;
    return ok(this.#award(task, { terms, clearing: cleared.value, tail, rows, isOpen: true }));
  }

  #award(task: MarketTask, { terms, clearing, tail, rows, isOpen }: Decided): ClearOutcome {
    const attempt = task.attempt + 1;
    const agentId = clearing.winner;
    const agent = terms.pool.find(({ id }) => id === agentId);
    if (agent === undefined) throw new Error("the clearing names no agent of the pool");
    const allowanceMicros = this.#desk.holdForTrace(task.taskId, agent);
    const award: Award = { attempt, agentId, clearing, awardedAtMs: this.#desk.now(), tail, allowanceMicros };
    // A calibration run is the operator's, and nobody competed for it.
    if (terms.policy.rules.kind !== "calibration") this.#desk.store.awards.record(agentId);
    this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
    this.#desk.oweAward(task, award, isOpen);
    this.#desk.record({ ...task, state: "awarded", lease: null, attempt, agentId }, rows);
    this.#desk.grantNext();
    return { state: "awarded", attempt, agentId };
  }

  /** Its final state, its rows, its auction's turn. Told again, it answers the same. */
  settle(report: EndReport): TaskEnd {
    const task = this.#desk.store.tasks.find(report.taskId);
    // Settled before, and gone from the room since: what was reported then stands.
    if (task === null) return report.end;
    if (task.end !== null) return task.end;
    const nowMs = this.#desk.now();
    if (task.lease !== null) {
      this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
      // Its room is open: it has just reported.
      this.#desk.outbox.drop(task.taskId, "open");
    }
    this.#desk.memory.settle(report);
    this.#desk.ledger.release(task.taskId);
    // One that was never begun says nothing of what they cost.
    if (report.trace !== null && report.trace.steps > 0)
      this.#desk.ledger.addTraceCost(report.trace.agentId, report.trace.costMicros);
    const { tenantId } = this.#desk.mustTenant();
    const settled = { ...task, state: report.end.state, lease: null, end: report.end, endedAtMs: nowMs };
    this.#desk.record(settled, endRows(tenantId, report, nowMs));
    if (task.state === "bidding") this.#desk.grantNext();
    return report.end;
  }

  /** Every cleared auction; the outcome follows. Without a vector it is kept, and not found by retrieval. */
  #remember({ auctionId }: TaskTerms, request: ClearRequest, clearing: Clearing): void {
    const { taskId, task, bids, verdicts, vector } = request;
    const entry = entryOf({ auctionId, taskId, task, bids, verdicts, clearing });
    if (entry !== null) this.#desk.memory.put(entry, vector);
  }

  #auctionRows(cleared: {
    readonly task: MarketTask;
    readonly terms: TaskTerms;
    readonly request: ClearRequest;
    readonly clearing: Clearing | null;
  }): HistoryRow[] {
    const { tenantId } = this.#desk.mustTenant();
    const { task, terms, clearing } = cleared;
    const { bids, verdicts } = cleared.request;
    const clearedAtMs = this.#desk.now();
    return auctionRows({ tenantId, task, terms, bids, verdicts, clearing, clearedAtMs });
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
