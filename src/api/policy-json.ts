/** A policy, its document and its versions as JSON, and what is wrong with a change of it. */
import { agentInput, usdPrices, type Agent } from "../market/agent.ts";
import { ERROR_TABLE } from "../market/error-table.ts";
import {
  OPERATOR_FIELDS,
  type FieldChange,
  type PolicyDocument,
  type PolicyField,
} from "../market/policy-document.ts";
import type { OwnPrice } from "../market/tenant-market.ts";
import type { ChangeRefusal, PolicyRefusal, TenantPolicy, VersionPage } from "../tenancy/policy-api.ts";
import { unauthenticated } from "./credentials.ts";
import { Problem, type Issue } from "./problem.ts";

/** Names of secrets and addresses of endpoints are the operator's and stay inside. */
export type Viewer = "operator" | "tenant";

export function policyJson(found: TenantPolicy, viewer: Viewer): object {
  const { policy, weights, fit, meanWeights, meanFit, standing } = found;
  const { version = null, document: { name } = { name: null } } = standing ?? {};
  return {
    object: "policy",
    ...(policy ?? { name, version, rules: null, weights: null, maxStrategyTokens: null }),
    fitted: weights === null ? null : { weights, fit },
    fittedToMean: meanWeights === null ? null : { weights: meanWeights, fit: meanFit },
    ...(standing !== undefined && {
      document: documentJson(standing.document, viewer),
      admitted: standing.admitted,
      leftOut: standing.leftOut,
      ignored: standing.ignored,
      // Why the next task is refused; null: it is not.
      problem: standing.refusal === null ? null : refusalJson(standing.refusal),
    }),
  };
}

function refusalJson(refusal: PolicyRefusal): object {
  const { message } = ERROR_TABLE[refusal.reason];
  return { code: refusal.reason, message, issues: refusalIssues(refusal, "name") };
}

/** As a body that sets it again: putting an old document takes the policy back to it. */
export function documentJson(document: PolicyDocument, viewer: Viewer): object {
  const hidden: readonly PolicyField[] = viewer === "operator" ? [] : OPERATOR_FIELDS;
  const shown = (Object.keys(document) as PolicyField[]).filter((field) => !hidden.includes(field));
  return Object.fromEntries(shown.map((field) => [field, fieldJson(field, document[field], viewer)]));
}

function fieldJson(field: PolicyField, value: unknown, viewer: Viewer): unknown {
  if (field === "agents") {
    // SAFETY: the document's own field.
    const agents = value as readonly Agent[];
    return viewer === "operator" ? agents.map(agentInput) : agents.map(({ id }) => id);
  }
  if (field === "prices") {
    // SAFETY: the document's own field.
    const own = Object.entries(value as Readonly<Record<string, OwnPrice>>);
    return Object.fromEntries(
      own.map(([id, { prices, priceSource: source }]) => [id, { ...usdPrices(prices), source }]),
    );
  }
  return value;
}

type ShownVersion = VersionPage["versions"][number] & { readonly document?: PolicyDocument };

export function versionJson({ version, made, changes, document }: ShownVersion, viewer: Viewer): object {
  const by = made?.by;
  return {
    object: "policy_version",
    version,
    createdAt: made === null ? null : new Date(made.atMs).toISOString(),
    by: by === undefined ? null : by.kind === "key" ? { type: "key", id: by.keyId } : { type: "operator" },
    changes: changes === null ? null : changes.map((change) => changeJson(change, viewer)),
    ...(document !== undefined && { document: documentJson(document, viewer) }),
  };
}

function changeJson({ field, before, after }: FieldChange, viewer: Viewer): object {
  return { field, before: fieldJson(field, before, viewer), after: fieldJson(field, after, viewer) };
}

/** A policy that no auction can be held under; `path` is where the client named it. */
export function policyProblem(refusal: PolicyRefusal, path: string): Problem {
  return new Problem(refusal.reason, { issues: refusalIssues(refusal, path) });
}

function refusalIssues(refusal: PolicyRefusal, path: string): Issue[] {
  switch (refusal.reason) {
    case "unknown_policy":
      return [{ path, message: refusal.issue }];
    case "no_mean_weights":
      return [{ path, message: ERROR_TABLE[refusal.reason].message }];
    case "no_agents_left":
      return refusal.leftOut.map(({ agentId, reasons }) => ({ path: agentId, message: reasons.join(", ") }));
  }
}

export function changeProblem(refusal: ChangeRefusal): Problem {
  switch (refusal.reason) {
    case "unauthenticated":
      return unauthenticated();
    case "forbidden":
    case "tenant_not_found":
      return new Problem(refusal.reason);
    case "policy_changed":
      return new Problem("policy_changed", {
        headers: { ETag: `"${refusal.version}"` },
        details: { version: refusal.version },
      });
    case "invalid_policy":
      return new Problem("invalid_body", { issues: refusal.issues });
    case "unknown_policy":
    case "no_mean_weights":
    case "no_agents_left":
      return policyProblem(refusal, "name");
  }
}
