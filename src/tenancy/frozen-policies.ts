/** The policies that a tenant's tasks are admitted under, made once for all that share one. */
import type { Escalation } from "../market/escalation.ts";
import { withEscalation, type Policy } from "../market/policy.ts";
import { ok, type Result } from "../market/result.ts";
import type { EffectivePool } from "../market/tenant-market.ts";
import type { TenantDoc } from "./market-store.ts";
import type { PolicyRefusal } from "./policy-api.ts";
import { policyOf } from "./tenant-policy.ts";

const MAX_POLICIES = 32;

export class FrozenPolicies {
  readonly #poolOf: (tenant: TenantDoc) => EffectivePool;
  /** By the tenant's document as it is read: a changed one is another. */
  readonly #policies = new WeakMap<TenantDoc, Map<string, Policy>>();

  constructor(poolOf: (tenant: TenantDoc) => EffectivePool) {
    this.#poolOf = poolOf;
  }

  /** One object for each of a tenant's policies: tasks that share it share what is made of it. */
  of(tenant: TenantDoc, name: string, own: Escalation | null): Result<Policy, PolicyRefusal> {
    // A name is the client's, and may be anything: what is not stands before it.
    const attempts = own === null ? "its tenant's" : own.mode === "none" ? 1 : own.maxAttempts;
    const key = `${attempts} ${name}`;
    const known = this.#policies.get(tenant) ?? new Map<string, Policy>();
    this.#policies.set(tenant, known);
    const kept = known.get(key);
    if (kept !== undefined) return ok(kept);
    const policy = policyOf(tenant, this.#poolOf(tenant), name);
    if (!policy.ok) return policy;
    // Tasks name their policies: not every name is to be remembered for ever.
    if (known.size >= MAX_POLICIES) known.clear();
    const frozen = own === null ? policy.value : withEscalation(policy.value, own);
    known.set(key, frozen);
    return ok(frozen);
  }
}
