/** What the market room offers about its tenant's pool and policy (over RPC: plain data in and out). */
import type { Pool } from "../market/agent.ts";
import type { DocumentIssue } from "../market/check-document.ts";
import type { AgentId } from "../market/ids.ts";
import type { FieldChange, PolicyChange, PolicyDocument, PolicyWeights } from "../market/policy-document.ts";
import type { Policy } from "../market/policy.ts";
import type { Result } from "../market/result.ts";
import type { LeftOut } from "../market/tenant-market.ts";
import type { PolicyMaker, PolicyVersion } from "./policy-versions.ts";

/** Why no auction can be held under a policy. */
export type PolicyRefusal =
  /** What is wrong with the name in this tenant's pool, and what is accepted: one sentence. */
  | { readonly reason: "unknown_policy"; readonly issue: string }
  /** It asks for weights fitted to the mean, and the tenant has none. */
  | { readonly reason: "no_mean_weights" }
  /** Its rules leave every agent out. */
  | { readonly reason: "no_agents_left"; readonly leftOut: readonly LeftOut[] };

/** The policy of tasks that name none, and the weights that a policy may score with. */
export interface TenantPolicy extends PolicyWeights {
  /** Null: the pool has changed, and the policy does not fit it any more. */
  readonly policy: Policy | null;
  /** Absent from a room of the version before. */
  readonly standing?: PolicyStanding;
}

/** The whole document, and how it stands with the pool as it is now. */
export interface PolicyStanding {
  readonly version: number;
  readonly document: PolicyDocument;
  /** Why there is no policy; null: there is. */
  readonly refusal: PolicyRefusal | null;
  readonly admitted: readonly AgentId[];
  readonly leftOut: readonly LeftOut[];
  /** Ids in the document that name no agent. */
  readonly ignored: readonly AgentId[];
}

export interface PolicyOrder {
  /** Hash of the key that asks, whose scope must be `admin`; null: the operator does. */
  readonly by: string | null;
  /** The version that the change was made from; null: whichever stands. */
  readonly ifVersion: number | null;
  readonly change: PolicyChange;
}

export type ChangeRefusal =
  | PolicyRefusal
  | { readonly reason: "unauthenticated" | "forbidden" | "tenant_not_found" }
  | { readonly reason: "policy_changed"; readonly version: number }
  | { readonly reason: "invalid_policy"; readonly issues: readonly DocumentIssue[] };

/** A version beside the one before it; its changes are null where that is not kept. */
export interface ChangedVersion extends PolicyVersion {
  readonly changes: readonly FieldChange[] | null;
}

export interface VersionPage {
  readonly versions: readonly {
    readonly version: number;
    readonly made: { readonly atMs: number; readonly by: PolicyMaker } | null;
    readonly changes: readonly FieldChange[] | null;
  }[];
  /** What the next page is below; null: there is none. */
  readonly below: number | null;
}

export interface PolicyApi {
  /** Whom the next auction asks, and who is left out; `leftOut` is absent from a room of the version before. */
  agents(): Promise<{
    readonly pool: Pool;
    readonly policy: Policy | null;
    readonly leftOut?: readonly LeftOut[];
  }>;
  /** The operator's change, as a Worker of the version before asks for it. */
  setPolicy(
    change: PolicyChange,
  ): Promise<Result<TenantPolicy, ChangeRefusal | { readonly reason: "unknown_tenant" }>>;
  /** Stores the next version of the policy, where anything changes; effective from the next auction. */
  changePolicy(order: PolicyOrder): Promise<Result<TenantPolicy, ChangeRefusal>>;
  /** Null where there is no such tenant. */
  readPolicy(): Promise<TenantPolicy | null>;
  /** Newest first; null where there is no such tenant. */
  policyVersions(query: {
    readonly below: number | null;
    readonly limit: number;
  }): Promise<VersionPage | null>;
  /** Null where there is no such tenant or version. */
  policyVersion(version: number): Promise<ChangedVersion | null>;
}
