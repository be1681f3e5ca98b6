/** Admission: from a tenant's request to a place in its history (architecture, decision 1). Pure. */
import type { Opening } from "../market/auction-record.ts";
import type { Agent } from "../market/agent.ts";
import type { StartedCall } from "../market/call.ts";
import type { KeyId } from "../market/ids.ts";
import { FIRST_LEASE } from "../market/lease.ts";
import { callDeadlines } from "../market/market-deadlines.ts";
import type { Micros } from "../market/money.ts";
import { calibratedBy, type Policy } from "../market/policy.ts";
import type { AllowedTool } from "../market/tools/tenant-tool.ts";
import { toolTokens } from "../market/tools/tool-tokens.ts";
import type { AdmitRequest } from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { MarketTask, TaskTerms } from "./task-store.ts";

/** The task that is asked for, and by whose key. */
export type RequestedTask = Pick<
  AdmitRequest,
  "taskId" | "auctionId" | "seed" | "spec" | "asksAtOnce" | "namesDeadline" | "quote"
> & {
  /** Null: nobody's key asked for it. */
  readonly keyId: KeyId | null;
  /** The tenant's own tools that it allows; absent: none. */
  readonly tools?: readonly AllowedTool[];
};

export interface AdmissionContext {
  readonly tenant: TenantDoc;
  /** What the task's auction runs under. */
  readonly policy: Policy;
  /** Whom its auction asks. */
  readonly pool: readonly Agent[];
  /** Its turn has not come (`turns.ts`), or nobody is given an auction to hold. */
  readonly mustWait: boolean;
  readonly nowMs: number;
  /** Until when the admitting Worker holds the auction. */
  readonly leaseUntilMs: number;
}

/** What the task's auction is planned from. */
export type PlanTerms = Pick<Opening, "spec" | "tools" | "pool" | "policy" | "seed">;

/** What is counted of an auction before it begins. */
export interface AuctionPlan {
  readonly firstCalls: readonly StartedCall[];
  /** What is to be held for it. */
  readonly holdMicros: Micros;
}

/** What the task's auction is cleared under. */
export function termsOf(
  request: Pick<RequestedTask, "auctionId" | "seed">,
  { policy, pool }: Pick<AdmissionContext, "policy" | "pool">,
): TaskTerms {
  return { auctionId: request.auctionId, pool, policy, seed: request.seed };
}

export interface AdmittedTask {
  readonly task: MarketTask;
  readonly terms: TaskTerms;
  readonly opening: Opening;
}

/**
 * The task, what its auction is cleared under, and its opening.
 *
 * @param place its position in the tenant's history, and what was planned and held for its auction
 */
export function admitTask(
  request: RequestedTask,
  context: AdmissionContext,
  place: { readonly sequence: number; readonly terms: TaskTerms; readonly plan: AuctionPlan },
): AdmittedTask {
  const { tenant, policy, nowMs } = context;
  const { quote = null, tools = [] } = request;
  const { maxCostUsd, deadlineS, maxSteps, maxOutputTokens } = request.spec.limits;
  const { sequence, terms, plan } = place;
  const task: MarketTask = {
    taskId: request.taskId,
    sequence,
    state: context.mustWait ? "admitted" : "bidding",
    verifier: request.spec.verifier?.type ?? null,
    promptChars: request.spec.prompt.length,
    ...(tools.length > 0 && { toolTokens: toolTokens(tools) }),
    lease: context.mustWait ? null : { ...FIRST_LEASE, heldUntilMs: context.leaseUntilMs },
    attempt: 0,
    agentId: null,
    calibrates: calibratedBy(policy.rules),
    stopping: false,
    // A Worker of the version before tells of no limit of cost.
    limits: { maxCostUsd: maxCostUsd ?? null, deadlineS, maxSteps, maxOutputTokens },
    ...(quote !== null && { quote: { ...quote, deadlineS, open: null } }),
    admittedAtMs: nowMs,
    end: null,
    endedAtMs: null,
    rowVersion: 1,
  };
  // Calls that nobody has been given, or that whoever was given them records itself, are not counted here.
  const given = !context.mustWait && request.asksAtOnce;
  const opening: Opening = {
    taskId: request.taskId,
    tenantId: tenant.tenantId,
    ...terms,
    sequence,
    spec: request.spec,
    ...(tools.length > 0 && { tools }),
    firstCalls: given ? plan.firstCalls : [],
    allowanceMicros: plan.holdMicros,
    ...callDeadlines(tenant.market.deadlines),
    admittedAtMs: nowMs,
    deadlineAtMs: nowMs + request.spec.limits.deadlineS * 1_000,
    ...(quote !== null && { quote }),
  };
  return { task, terms, opening };
}
