/** A tenant's policies: what a name stands for with its pool and weights, and what a change makes of them. Pure. */
import type { Agent } from "../market/agent.ts";
import { makePolicy, type Policy } from "../market/policy.ts";
import { DEFAULT_TENANT_LIMITS } from "../market/rate-limit.ts";
import { parsePolicyName, printPolicyName } from "../market/policy-name.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { PolicyChange, PolicyRefusal, TenantPolicy, TenantSettings } from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";

/** A tenant as it is set up: the paper's auction under default weights. */
export function newTenant(settings: TenantSettings, createdAtMs: number): TenantDoc {
  const { tenantId, name, ordering, pool, budget, locationHint = null } = settings;
  const inForce = { locationHint, suspendedAtMs: null, erasure: null };
  const policy = { policyVersion: 1, policyName: "sale" };
  const weights = { weights: null, fit: null, meanWeights: null, meanFit: null };
  const limits = DEFAULT_TENANT_LIMITS;
  return { tenantId, name, ordering, pool, createdAtMs, budget, limits, ...inForce, ...policy, ...weights };
}

/** The policy that a tenant's auctions run under, or the one that a task names. */
export function policyOf(
  tenant: TenantDoc,
  pool: readonly Agent[],
  name = tenant.policyName,
): Result<Policy, PolicyRefusal> {
  const choice = parsePolicyName(name, pool);
  if (!choice.ok) return fail({ reason: "unknown_policy", issue: choice.failure });
  const { rules, weights: source } = choice.value;
  if (source === "mean" && tenant.meanWeights === null) return fail({ reason: "no_mean_weights" });
  const weights = { fitted: tenant.weights, default: null, mean: tenant.meanWeights }[source];
  const canonical = printPolicyName(choice.value);
  return ok(makePolicy({ name: canonical, rules, pool, version: tenant.policyVersion, weights }));
}

/** The tenant under a changed policy, its next version. Weights that come without figures have none. */
export function withPolicy(tenant: TenantDoc, { name, ...change }: PolicyChange): TenantDoc {
  return {
    ...tenant,
    ...(change.weights !== undefined && { fit: null }),
    ...(change.meanWeights !== undefined && { meanFit: null }),
    ...change,
    policyName: name ?? tenant.policyName,
    policyVersion: tenant.policyVersion + 1,
  };
}

/** The tenant's own policy with its weights. @throws Error where its pool has changed and the policy does not fit it */
export function tenantPolicy(tenant: TenantDoc, pool: readonly Agent[]): TenantPolicy {
  const policy = policyOf(tenant, pool);
  if (!policy.ok) throw new Error(`policy ${tenant.policyName} does not fit the pool`);
  const { weights, fit, meanWeights, meanFit } = tenant;
  return { policy: policy.value, weights, fit, meanWeights, meanFit };
}
