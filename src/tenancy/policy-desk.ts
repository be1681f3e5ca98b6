/**
 * A tenant's pool and policy: what is in force, the next version of it, and the trail of those before.
 *
 * A change is made inside the market room's transaction; auctions that are open keep what they opened with.
 */
import { documentIssues } from "../market/check-document.ts";
import {
  changesBetween,
  OPERATOR_FIELDS,
  withChange,
  type PolicyChange,
  type PolicyDocument,
} from "../market/policy-document.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { MarketDesk } from "./market-desk.ts";
import type { TenantDoc } from "./market-store.ts";
import type {
  ChangedVersion,
  ChangeRefusal,
  PolicyApi,
  PolicyOrder,
  TenantPolicy,
  VersionPage,
} from "./policy-api.ts";
import type { PolicyMaker, PolicyVersion, PolicyVersions } from "./policy-versions.ts";
import { documentOf, policyOf, tenantPolicy, withDocument } from "./tenant-policy.ts";

export class PolicyDesk {
  readonly #desk: MarketDesk;
  readonly #versions: PolicyVersions;

  constructor(desk: MarketDesk, versions: PolicyVersions) {
    this.#desk = desk;
    this.#versions = versions;
  }

  agents(): Awaited<ReturnType<PolicyApi["agents"]>> {
    const tenant = this.#desk.mustTenant();
    const { pool, leftOut } = this.#desk.poolOf(tenant);
    return { pool, leftOut, policy: this.read(tenant).policy };
  }

  read(tenant: TenantDoc): TenantPolicy {
    return tenantPolicy(tenant, this.#desk.poolOf(tenant));
  }

  /** The same document once more makes no version. */
  change({ by, ifVersion, change }: PolicyOrder): Result<TenantPolicy, ChangeRefusal> {
    const maker = this.#maker(by, change);
    if (!maker.ok) return maker;
    const tenant = this.#desk.mustTenant();
    const { policyVersion: version } = tenant;
    if (ifVersion !== null && ifVersion !== version) return fail({ reason: "policy_changed", version });
    const before = documentOf(tenant);
    const checked = this.#checked(tenant, withChange(before, change));
    if (!checked.ok) return checked;
    const document = checked.value;
    if (changesBetween(before, document).length === 0) return ok(this.read(tenant));
    const next = { ...withDocument(tenant, document), policyVersion: version + 1 };
    this.#desk.store.putTenant(next);
    // What stood before any change was written down with none.
    this.#versions.add(unrecorded(tenant));
    const made = { atMs: this.#desk.now(), by: maker.value };
    this.#versions.add({ version: next.policyVersion, made, document });
    return ok(this.read(next));
  }

  #maker(by: string | null, change: PolicyChange): Result<PolicyMaker, ChangeRefusal> {
    if (by === null) return ok({ kind: "operator" });
    const key = this.#desk.store.keys.use(by, this.#desk.now());
    if (key === null) return fail({ reason: "unauthenticated" });
    const mayNot = OPERATOR_FIELDS.some((field) => change[field] !== undefined);
    if (mayNot || !key.scopes.includes("admin")) return fail({ reason: "forbidden" });
    return ok({ kind: "key", keyId: key.keyId });
  }

  /** The document with its policy's canonical name, if it makes sense for the tenant's pool. */
  #checked(tenant: TenantDoc, after: PolicyDocument): Result<PolicyDocument, ChangeRefusal> {
    const { auctionBidMs: bidMs, auctionJuryMs: juryMs } = this.#desk.config;
    const base = this.#desk.basePool(tenant);
    const issues = documentIssues({ before: documentOf(tenant), after, base, most: { bidMs, juryMs } });
    if (issues.length > 0) return fail({ reason: "invalid_policy", issues });
    const next = withDocument(tenant, after);
    const policy = policyOf(next, this.#desk.poolOf(next));
    return policy.ok ? ok({ ...after, name: policy.value.name }) : policy;
  }

  page(query: { readonly below: number | null; readonly limit: number }): VersionPage {
    // One more than the page has: what the last one changed is seen beside the one before it.
    const kept = this.#kept(query.below, query.limit + 1);
    const versions = kept.slice(0, query.limit).map((version, at) => {
      const { document: _document, ...changed } = withChanges(version, kept[at + 1]);
      return changed;
    });
    return { versions, below: kept.length > query.limit ? (versions.at(-1)?.version ?? null) : null };
  }

  find(version: number): ChangedVersion | null {
    const [found, before] = this.#kept(version + 1, 2);
    return found?.version === version ? withChanges(found, before) : null;
  }

  /** With the version in force, also where it was never written down. */
  #kept(below: number | null, limit: number): readonly PolicyVersion[] {
    const kept = this.#versions.page(below, limit);
    const tenant = this.#desk.mustTenant();
    const { policyVersion } = tenant;
    const isLooked = below === null || below > policyVersion;
    if (!isLooked || kept[0]?.version === policyVersion) return kept;
    return [unrecorded(tenant), ...kept].slice(0, limit);
  }
}

/** The version in force as far as it is known without having been written down. */
function unrecorded(tenant: TenantDoc): PolicyVersion {
  const { policyVersion: version, createdAtMs: atMs } = tenant;
  const made = version === 1 ? { atMs, by: { kind: "operator" } as const } : null;
  return { version, made, document: documentOf(tenant) };
}

function withChanges(version: PolicyVersion, before: PolicyVersion | undefined): ChangedVersion {
  const isNext = before !== undefined && before.version === version.version - 1;
  return { ...version, changes: isNext ? changesBetween(before.document, version.document) : null };
}
