/** Admission: from a tenant's request to a place in its history (architecture, decision 1). Pure. */
import type { Opening } from "../market/auction-record.ts";
import type { Agent } from "../market/agent.ts";
import type { StartedCall } from "../market/call.ts";
import { FIRST_LEASE } from "../market/lease.ts";
import { calibratedBy, type Policy } from "../market/policy.ts";
import type { AdmitRequest } from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { MarketTask, TaskTerms } from "./task-store.ts";

export interface AdmissionContext {
  readonly tenant: TenantDoc;
  /** What the task's auction runs under. */
  readonly policy: Policy;
  /** Position in the tenant's history. */
  readonly sequence: number;
  /** The pool of tenants that have none of their own. */
  readonly environmentPool: readonly Agent[];
  /** True where the tenant's ordering is strict and another auction runs. */
  readonly mustWait: boolean;
  readonly nowMs: number;
  /** Until when the admitting Worker holds the auction. */
  readonly leaseUntilMs: number;
  /** The calls that count as started where somebody is given the auction and asks at once. */
  countFirstCalls(opening: OpeningTerms): readonly StartedCall[];
}

/** An opening before its first calls are counted. */
export type OpeningTerms = Omit<Opening, "firstCalls">;

export interface AdmittedTask {
  readonly task: MarketTask;
  readonly terms: TaskTerms;
  readonly opening: Opening;
}

/** The task, what its auction is cleared under, and its opening. */
export function admitTask(
  request: Pick<AdmitRequest, "taskId" | "auctionId" | "seed" | "spec" | "asksAtOnce">,
  context: AdmissionContext,
): AdmittedTask {
  const { tenant, policy, nowMs, sequence } = context;
  const pool = tenant.pool ?? context.environmentPool;
  const terms: TaskTerms = { auctionId: request.auctionId, pool, policy, seed: request.seed };
  const task: MarketTask = {
    taskId: request.taskId,
    sequence,
    state: context.mustWait ? "admitted" : "bidding",
    verifier: request.spec.verifier?.type ?? null,
    promptChars: request.spec.prompt.length,
    lease: context.mustWait ? null : { ...FIRST_LEASE, heldUntilMs: context.leaseUntilMs },
    attempt: 0,
    agentId: null,
    calibrates: calibratedBy(policy.rules),
    stopping: false,
    admittedAtMs: nowMs,
    end: null,
    endedAtMs: null,
    rowVersion: 1,
  };
  const opening: OpeningTerms = {
    taskId: request.taskId,
    tenantId: tenant.tenantId,
    ...terms,
    sequence,
    spec: request.spec,
    admittedAtMs: nowMs,
    deadlineAtMs: nowMs + request.spec.limits.deadlineS * 1_000,
  };
  // Calls that nobody has been given, or that whoever was given them records itself, are not counted here.
  const given = !context.mustWait && request.asksAtOnce;
  const firstCalls = given ? context.countFirstCalls(opening) : [];
  return { task, terms, opening: { ...opening, firstCalls } };
}
