/** The operator's side of a local stack: a tenant and a key of its own. */
import type { AgentInput } from "../../src/market/agent.ts";

export interface Operator {
  /** Of the Worker. */
  readonly url: string;
  readonly adminSecret: string;
}

export interface NewTenant {
  readonly name: string;
  /** Absent: the pool of the Worker's environment. */
  readonly pool?: readonly AgentInput[];
  /** Absent: none. */
  readonly budget?: { readonly totalUsd?: number; readonly dayUsd?: number; readonly monthUsd?: number };
}

export interface TenantAccess {
  readonly tenantId: string;
  /** `sr_…`; the Worker shows it once. */
  readonly key: string;
}

/** @throws Error with the Worker's answer when it refuses */
export async function createTenant(operator: Operator, tenant: NewTenant): Promise<TenantAccess> {
  const { id } = await post<{ id: string }>(operator, "/admin/tenants", tenant);
  const { key } = await post<{ key: string }>(operator, `/admin/tenants/${id}/keys`, { name: tenant.name });
  return { tenantId: id, key };
}

async function post<Answer>({ url, adminSecret }: Operator, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminSecret}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}
