/**
 * A task's transitions in the market room: admit, clear, award, settle (architecture, decision 1).
 *
 * Each is one transaction over the recorded facts; none of them waits for anything.
 */
import { clearingRecord } from "../market/auction-record.ts";
import type { Award, SaleRecord } from "../market/award.ts";
import { clearAuction, type Clearing } from "../market/clear.ts";
import { NO_ESCALATION } from "../market/escalation.ts";
import type { HistoryRow } from "../market/history-row.ts";
import type { AgentId, TaskId } from "../market/ids.ts";
import { holdsLease } from "../market/lease.ts";
import { withDeadline } from "../market/market-deadlines.ts";
import { usdToMicros, type Micros } from "../market/money.ts";
import { entryOf } from "../market/remember.ts";
import { hasQuorum, quorumOf } from "../market/panel.ts";
import { makePolicy, type CalibrationRules, type Policy } from "../market/policy.ts";
import type { EndReport } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { sell, standingsOf } from "../market/sale/sale.ts";
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
import { FrozenPolicies } from "./frozen-policies.ts";
import { Escalations, withTried } from "./escalations.ts";
import { auctionRows, endRows } from "./history-rows.ts";
import type { HoldRefusal } from "./ledger.ts";
import { AUCTION_TIMER, type MarketDesk } from "./market-desk.ts";
import type {
  AcceptRequest,
  AdmitRefusal,
  Admission,
  ClearOutcome,
  ClearRefusal,
  ClearRequest,
  QuoteRefusal,
} from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { PolicyRefusal } from "./policy-api.ts";
import { redrivenDeadline, type StuckDesk } from "./stuck-desk.ts";
import { QUOTE_TIMER, Sales, type ClearedAuction } from "./sales.ts";
import type { MarketTask, TaskTerms } from "./task-store.ts";
import { admittedTools } from "./tools/admitted-tools.ts";

/** What only the rooms above know. */
export interface AuctionParts {
  /** What an auction is expected to cost, call by call. */
  readonly planAuction: (terms: PlanTerms) => AuctionPlan;
}

/** How an award came about, and what belongs to it. */
interface Decided extends ClearedAuction {
  readonly terms: TaskTerms;
  /** Whose bid was sold. */
  readonly agentId: AgentId;
  /** Null: the clearing's winner's, as it cleared. */
  readonly sale: SaleRecord | null;
  /** Of an accepted quote. */
  readonly deadlineAtMs?: number;
  readonly capMicros?: Micros;
  /** It goes on with the steps of the attempt before; absent: it begins anew. */
  readonly continues?: boolean;
  /** Absent: its trace is to be held yet. */
  readonly allowanceMicros?: Micros;
  /** Whether the task's room is open: whoever clears has begun the auction there, and by that opened it. */
  readonly isOpen: boolean;
}

export class AuctionTransitions {
  readonly #desk: MarketDesk;
  readonly #plan: AuctionParts["planAuction"];
  readonly #sales: Sales;
  readonly #escalations: Escalations;
  readonly #stuck: StuckDesk;
  readonly #policies: FrozenPolicies;

  constructor(desk: MarketDesk, parts: AuctionParts, stuck: StuckDesk) {
    this.#desk = desk;
    this.#stuck = stuck;
    this.#plan = parts.planAuction;
    this.#policies = new FrozenPolicies((tenant) => desk.poolOf(tenant));
    this.#sales = new Sales(desk);
    this.#escalations = new Escalations(desk, this.#sales);
  }

  /**
   * A place in the tenant's history, with its bidding and judging held; the caller holds the auction where it may begin.
   */
  admit(tenant: TenantDoc, request: RequestedTask): Result<Admission, AdmitRefusal> {
    const policy = this.#policyOf(tenant, request);
    if (!policy.ok) return policy;
    const { spec, namesDeadline = true } = request;
    const bounded = withDeadline(spec, tenant.market.deadlines, namesDeadline);
    if (!bounded.ok) return bounded;
    const tools = admittedTools(this.#desk.store.registry, spec.tools);
    if (!tools.ok) return tools;
    const { verifier } = spec;
    const { pool } = this.#desk.poolOf(tenant);
    if (verifier?.type === "judge" && !hasQuorum(pool, verifier.panel))
      return fail({ reason: "too_few_judges", agents: pool.length, judges: quorumOf(verifier.panel) });
    const place = this.#desk.turns.place(request.keyId);
    if (!place.ok) return fail({ reason: "queue_full", ...place.failure });
    const mustWait = place.value === "waits";
    const asked = { ...request, spec: bounded.value, tools: tools.value };
    const admitted = this.#enter(asked, this.#context(tenant, { policy: policy.value, mustWait }));
    if (!admitted.ok) return fail({ reason: "budget", refusal: admitted.failure });
    const { task, opening } = admitted.value;
    if (task.lease === null) this.#desk.turns.waits(request.keyId);
    else this.#desk.timeAuction(task);
    const auctionGeneration = task.lease?.generation ?? null;
    const { taskId, sequence } = task;
    return ok({ taskId, sequence, auctionGeneration, opening, replayed: false });
  }

  /** As it is told to whoever asks again. */
  admittedBefore(taskId: TaskId): Admission {
    const sequence = this.#desk.store.tasks.find(taskId)?.sequence ?? null;
    return { taskId, sequence, auctionGeneration: null, opening: null, replayed: true };
  }

  /** Who accepts a bid of a quote has chosen it: nobody else is sold the task. */
  #policyOf(tenant: TenantDoc, { spec, quote = null }: RequestedTask): Result<Policy, PolicyRefusal> {
    // A Worker of the version before tells of no escalation.
    const own = quote === null ? (spec.escalation ?? null) : NO_ESCALATION;
    return this.#policies.of(tenant, spec.policy ?? tenant.policyName, own);
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
    const { winner: agentId } = cleared.value;
    this.#award(task, {
      terms,
      clearing: cleared.value,
      agentId,
      sale: null,
      tail: null,
      rows: [],
      isOpen: false,
    });
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
    const { taskId, keyId, spec, tools = [] } = request;
    const terms = termsOf(request, context);
    const plan = this.#plan({ ...terms, spec, tools });
    // A Worker of the version before tells of no limit.
    const capMicros = spec.limits.maxCostUsd == null ? null : usdToMicros(spec.limits.maxCostUsd);
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
    return ok(this.#sell(task, terms, request, { clearing: cleared.value, tail: request.tail, rows }));
  }

  #sell(task: MarketTask, terms: TaskTerms, request: ClearRequest, cleared: ClearedAuction): ClearOutcome {
    const saleTerms = this.#sales.termsOf(task, terms, request);
    const sold = sell(standingsOf(cleared.clearing), saleTerms);
    if (!sold.ok) return this.#sales.refuse(task, cleared, sold.failure);
    if (task.quote != null) return this.#sales.offer(task, cleared, saleTerms);
    const { standing, passedOver } = sold.value;
    const sale: SaleRecord = { round: standing.round, chosenBy: "market", passedOver };
    const { clearing } = cleared;
    return this.#award(this.#escalations.opened(task, terms, { clearing, request }), {
      ...cleared,
      terms,
      agentId: standing.agentId,
      sale: passedOver.length === 0 ? null : sale,
      isOpen: true,
    });
  }

  /** A bid of a quote, accepted by its tenant: its award, once. Who names no agent takes the one that was accepted. */
  accept(
    tenant: TenantDoc,
    request: Pick<AcceptRequest, "taskId" | "agentId">,
  ): Result<AgentId, QuoteRefusal> {
    const { taskId, agentId: asked } = request;
    const task = this.#desk.store.tasks.find(taskId);
    if (task?.quote == null) return fail({ reason: "quote_not_found" });
    if (task.agentId !== null) {
      const isOther = asked !== null && asked !== task.agentId;
      return isOther ? fail({ reason: "quote_accepted", agentId: task.agentId }) : ok(task.agentId);
    }
    if (tenant.suspendedAtMs !== null) return fail({ reason: "tenant_suspended" });
    const terms = this.#desk.store.tasks.terms(taskId);
    const accepted = this.#sales.accept(task, terms, asked);
    if (!accepted.ok) return accepted;
    const { task: next, ...decided } = accepted.value;
    this.#award(next, { ...decided, terms, tail: null, rows: [], isOpen: false });
    return ok(decided.agentId);
  }

  /** Its room has the quote, and has told what the auction has cost: nothing else is spent until a bid is accepted. */
  quoteTold(taskId: TaskId): void {
    if (this.#desk.store.tasks.find(taskId)?.state === "quoted") this.#desk.ledger.release(taskId);
  }

  /** The timer of a quote rang. */
  expireQuote(taskId: TaskId): void {
    const task = this.#desk.store.tasks.find(taskId);
    if (task === null) this.#desk.timers.clear(QUOTE_TIMER, taskId);
    else this.#sales.expire(task);
  }

  #award(task: MarketTask, decided: Decided): ClearOutcome {
    const { terms, clearing, agentId, sale, tail, rows, isOpen } = decided;
    const { deadlineAtMs = redrivenDeadline(task), capMicros = null, continues = false } = decided;
    const attempt = task.attempt + 1;
    const agent = terms.pool.find(({ id }) => id === agentId);
    if (agent === undefined) throw new Error("the clearing names no agent of the pool");
    const { allowanceMicros = this.#desk.holdForTrace(task.taskId, agent) } = decided;
    const awardedAtMs = this.#desk.now();
    const waits = this.#desk.turns.traceWaits(task);
    const heldBackSinceMs = waits ? awardedAtMs : null;
    const award: Award = {
      attempt,
      agentId,
      clearing,
      sale,
      awardedAtMs,
      tail,
      allowanceMicros,
      waits,
      ...(deadlineAtMs !== null && { deadlineAtMs }),
      ...(capMicros !== null && { capMicros }),
      ...(continues && { continues }),
    };
    // A calibration run is the operator's, and nobody competed for it.
    if (terms.policy.rules.kind !== "calibration") this.#desk.store.awards.record(agentId);
    this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
    this.#desk.oweAward(task, award, isOpen);
    const awarded = { ...withTried(task, award), attempt, agentId, heldBackSinceMs };
    this.#desk.record({ ...awarded, state: "awarded", lease: null }, rows);
    this.#desk.turns.grant();
    return { state: "awarded", attempt, agentId };
  }

  /**
   * The attempt's rows, and the task's final state, or where another agent is to try, its award. Told again, it answers the
   * same.
   *
   * @returns null: the task goes on
   */
  settle(report: EndReport): TaskEnd | null {
    const task = this.#desk.store.tasks.find(report.taskId);
    // Settled before, and gone from the room since: what was reported then stands.
    if (task === null) return report.end;
    if (task.end !== null) return task.end;
    // Of the end that the task was redriven from: that stands in its journal, and nothing follows from it any more.
    if (report.redrivenAtMs !== task.redrivenAtMs) return report.end;
    // Settled before, and escalated: no other attempt than the latest can end. One that had no award yet ends the task.
    if (report.attempt > 0 && report.attempt < task.attempt) {
      this.#escalations.tellAgain(task);
      return null;
    }
    const nowMs = this.#desk.now();
    if (task.lease !== null) {
      this.#desk.timers.clear(AUCTION_TIMER, task.taskId);
      // Its room is open: it has just reported.
      this.#desk.outbox.drop(task.taskId, "open");
    }
    this.#desk.memory.settle(report);
    this.#desk.store.traces.add(report);
    this.#desk.countTools(report);
    const rows = endRows(this.#desk.mustTenant().tenantId, report, nowMs);
    const next = this.#escalations.next(task, report);
    if (next !== null) {
      const { task: between, ...decided } = next;
      this.#award(between, { ...decided, tail: null, rows, isOpen: false });
      return null;
    }
    rows.push(...this.#stuck.givenUp(task, report));
    this.#desk.ledger.release(task.taskId);
    if (task.quote != null) this.#desk.timers.clear(QUOTE_TIMER, task.taskId);
    const ended = { ...task, ...(task.escalation != null && { escalation: null }) };
    // Its award did not reach its room in time: nobody has worked at it.
    const nobody = report.attempt === 0 ? { attempt: 0, agentId: null } : {};
    const { end } = report;
    const settled = { ...ended, ...nobody, state: end.state, lease: null, end, endedAtMs: nowMs };
    this.#desk.record(settled, rows);
    this.#desk.turns.grant();
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
}
