/** A tenant's policies: what a name stands for with its pool and weights, and the document that they come from. Pure. */
import { makePolicy, type Policy } from "../market/policy.ts";
import { DEFAULT_TENANT_LIMITS } from "../market/rate-limit.ts";
import type { PolicyDocument } from "../market/policy-document.ts";
import { parsePolicyName, printPolicyName } from "../market/policy-name.ts";
import { weightsOver } from "../market/pool-weights.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { OPEN_MARKET, shareCaps, type EffectivePool } from "../market/tenant-market.ts";
import type { TenantSettings } from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { PolicyRefusal, TenantPolicy } from "./policy-api.ts";

/** A tenant as it is set up: the paper's auction under default weights. */
export function newTenant(settings: TenantSettings, createdAtMs: number): TenantDoc {
  const { tenantId, name, ordering, pool, budget, locationHint = null } = settings;
  const inForce = { locationHint, suspendedAtMs: null, erasure: null };
  const policy = { policyVersion: 1, policyName: "sale", market: OPEN_MARKET };
  const weights = { weights: null, fit: null, meanWeights: null, meanFit: null };
  const limits = DEFAULT_TENANT_LIMITS;
  return { tenantId, name, ordering, pool, createdAtMs, budget, limits, ...inForce, ...policy, ...weights };
}

/** The policy that a tenant's auctions run under, or the one that a task names. */
export function policyOf(
  tenant: TenantDoc,
  { pool, leftOut }: Pick<EffectivePool, "pool" | "leftOut">,
  name = tenant.policyName,
): Result<Policy, PolicyRefusal> {
  if (pool.length === 0) return fail({ reason: "no_agents_left", leftOut });
  const choice = parsePolicyName(name, pool);
  if (!choice.ok) return fail({ reason: "unknown_policy", issue: choice.failure });
  const { rules, weights: source } = choice.value;
  if (source === "mean" && tenant.meanWeights === null) return fail({ reason: "no_mean_weights" });
  const own = { fitted: tenant.weights, default: null, mean: tenant.meanWeights }[source];
  const weights = own === null ? null : weightsOver(pool, own);
  const canonical = printPolicyName(choice.value);
  const { policyVersion: version, market } = tenant;
  const { escalation } = market;
  const sale = { ...shareCaps(pool, market), escalation };
  return ok(makePolicy({ name: canonical, rules, pool, version, weights, ...sale }));
}

export function documentOf(tenant: TenantDoc): PolicyDocument {
  const { policyName: name, weights, fit, meanWeights, meanFit, market } = tenant;
  return { name, weights, fit, meanWeights, meanFit, ...market };
}

/** The tenant under another document, still in its version. */
export function withDocument(tenant: TenantDoc, document: PolicyDocument): TenantDoc {
  const { name: policyName, weights, fit, meanWeights, meanFit, ...market } = document;
  return { ...tenant, policyName, weights, fit, meanWeights, meanFit, market };
}

/** The tenant's own policy with its weights, and how it stands with its pool. */
export function tenantPolicy(tenant: TenantDoc, effective: EffectivePool): TenantPolicy {
  const policy = policyOf(tenant, effective);
  const { policyVersion: version, weights, fit, meanWeights, meanFit } = tenant;
  const { pool, leftOut, ignored } = effective;
  const standing = {
    version,
    document: documentOf(tenant),
    refusal: policy.ok ? null : policy.failure,
    admitted: pool.map(({ id }) => id),
    leftOut,
    ignored,
  };
  return { policy: policy.ok ? policy.value : null, weights, fit, meanWeights, meanFit, standing };
}
