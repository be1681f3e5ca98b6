/** A tenant whose pool and policy a test changes over HTTP, by its own key or as its operator. */
import { call, config, openTenant, OPERATOR, put, type Tenant } from "./support.ts";

export const [SMALL, MIDDLE, , LARGE] = config.pool.map(({ id }) => id) as unknown as [
  string,
  string,
  string,
  string,
];
/** An agent that only the operator can add: it names a secret and an address. */
export const OWN = {
  id: "agt_own",
  name: "Own",
  provider: "openai-compatible",
  model: "own-model",
  baseUrl: "https://models.example/v1",
  apiKeySecret: "OWN_KEY",
  usdPerMtok: { input: 1, output: 2 },
  priceSource: "agreed with the tenant",
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
  regions: ["eu"],
};

export type Json = Record<string, unknown>;
export type Headers = Readonly<Record<string, string>>;

export interface PolicyWorld {
  readonly tenant: Tenant;
  /** Where the operator reads and sets it. */
  readonly operators: string;
  byTenant(body: unknown, headers?: Headers): Promise<Response>;
  byOperator(body: unknown, headers?: Headers): Promise<Response>;
  /** By default as the tenant. */
  read(path: string, headers?: Headers): Promise<Json>;
}

export async function openPolicyWorld(): Promise<PolicyWorld> {
  const tenant = await openTenant();
  const operators = `/admin/tenants/${tenant.tenantId}/policy`;
  return {
    tenant,
    operators,
    byTenant: async (body, headers = {}) => put("/v1/policy", body, { ...tenant.auth, ...headers }),
    byOperator: async (body, headers = {}) => put(operators, body, { ...OPERATOR, ...headers }),
    read: async (path, headers = tenant.auth) => (await call(path, { headers })).json<Json>(),
  };
}

/** What a call that must succeed answered. */
export async function done(response: Response): Promise<Json> {
  if (!response.ok) throw new Error(await response.text());
  return response.json<Json>();
}

export async function issuesOf(response: Response): Promise<readonly { path: string; message: string }[]> {
  return (await response.json<{ error: { issues: { path: string; message: string }[] } }>()).error.issues;
}
