/** Every route that makes something, asked under an Idempotency-Key. */
import type { TenantId } from "../../../src/market/ids.ts";
import { openTenant, OPERATOR, post, type Tenant } from "./support.ts";

type Headers = Readonly<Record<string, string>>;

/** A request that makes something. */
export interface Making {
  readonly path: string;
  readonly headers: Headers;
  readonly body: object;
  /** Another one, that would make something, too. */
  readonly otherBody: object;
  /** A further one, where two of the same cannot be made. */
  readonly thirdBody?: object;
}

const DAYS_S = 24 * 60 * 60;
const rotation = { body: { overlapS: 2 * DAYS_S }, otherBody: { overlapS: 3 * DAYS_S } };
const key = { body: { name: "k", budget: { dayUsd: 1 } }, otherBody: { name: "l" } };

/** A tool that a tenant may register. */
export const A_TOOL = {
  type: "http",
  name: "orders",
  description: "Looks an order up.",
  url: "https://shop.example.com/orders",
  inputSchema: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
};

/** By their paths, as `METHODS` has them. Answers that go on with what they show are asked for at its end. */
export const CREATES: Readonly<Record<string, (tenant: Tenant) => Promise<Making>>> = {
  "/v1/tasks": async ({ auth }) => ({
    path: "/v1/tasks",
    headers: { ...auth, Prefer: "wait=30" },
    body: { prompt: "p" },
    otherBody: { prompt: "q" },
  }),
  // Nobody bids here: it is closed by then.
  "/v1/quotes": async ({ auth }) => ({
    path: "/v1/quotes",
    headers: { ...auth, Prefer: "wait=30" },
    body: { prompt: "p" },
    otherBody: { prompt: "p", expiresInS: 60 },
  }),
  "/v1/keys": async ({ auth }) => ({ path: "/v1/keys", headers: auth, ...key }),
  "/v1/keys/:key/rotate": async (tenant) => ({
    path: `/v1/keys/${await aKey(tenant)}/rotate`,
    headers: tenant.auth,
    ...rotation,
  }),
  "/v1/webhooks": async ({ auth }) => ({
    path: "/v1/webhooks",
    headers: auth,
    body: { url: "https://hooks.example.com/" },
    otherBody: { url: "https://hooks.example.com/other" },
  }),
  "/v1/tools": async ({ auth }) => ({
    path: "/v1/tools",
    headers: auth,
    body: { ...A_TOOL, secretHeader: { name: "Authorization", value: "Bearer sesame-4711" } },
    otherBody: { ...A_TOOL, name: "invoices" },
    thirdBody: { ...A_TOOL, name: "customers" },
  }),
  "/v1/webhooks/:webhook/rotate": async (tenant) => ({
    path: `/v1/webhooks/${await aWebhook(tenant)}/rotate`,
    headers: tenant.auth,
    ...rotation,
  }),
  "/v1/webhooks/:webhook/test": async (tenant) => ({
    path: `/v1/webhooks/${await aWebhook(tenant)}/test`,
    headers: tenant.auth,
    body: {},
    otherBody: { other: true },
  }),
  "/v1/webhooks/:webhook/deliveries/:delivery/redeliver": async (tenant) => {
    const path = `/v1/webhooks/${await aWebhook(tenant)}`;
    const delivery = await idOf(await post(`${path}/test`, {}, tenant.auth));
    return {
      path: `${path}/deliveries/${delivery}/redeliver`,
      headers: tenant.auth,
      body: {},
      otherBody: { other: true },
    };
  },
  "/v1/verifier-secret/rotate": async ({ auth }) => ({
    path: "/v1/verifier-secret/rotate",
    headers: auth,
    ...rotation,
  }),
  "/admin/tenants": async () => ({
    path: "/admin/tenants",
    headers: OPERATOR,
    body: { name: "t", budget: { totalUsd: 5 } },
    otherBody: { name: "u" },
  }),
  "/admin/tenants/:id/keys": async ({ tenantId }) => ({
    path: `/admin/tenants/${tenantId}/keys`,
    headers: OPERATOR,
    ...key,
  }),
  "/admin/tenants/:id/keys/:key/rotate": async (tenant) => ({
    path: `/admin/tenants/${tenant.tenantId}/keys/${await aKey(tenant)}/rotate`,
    headers: OPERATOR,
    ...rotation,
  }),
  "/admin/tenants/:id/calibrations": async ({ tenantId }) => ({
    path: `/admin/tenants/${tenantId}/calibrations`,
    headers: OPERATOR,
    body: { tasks: 1 },
    otherBody: { tasks: 2 },
  }),
  "/admin/tenants/:id/calibrations/:calibration/accept": async ({ tenantId }) => {
    const path = `/admin/tenants/${tenantId}/calibrations`;
    return {
      path: `${path}/${await idOf(await post(path, { tasks: 1 }, OPERATOR))}/accept`,
      headers: OPERATOR,
      body: {},
      otherBody: { tasks: 2 },
    };
  },
};

/** What a request for these names makes exists before it: nothing more comes of it when it is asked for later again. */
export const MADE_ONCE_FOR_GOOD = [
  "/admin/tenants/:id/calibrations/:calibration/accept",
  // A new secret, and another attempt: of the same endpoint and delivery.
  "/v1/webhooks/:webhook/rotate",
  "/v1/webhooks/:webhook/deliveries/:delivery/redeliver",
];

/** Other routes with POST: they set something that is there to a state, and asked again, leave it there. */
export const CHANGES = [
  "/v1/tasks/:id/cancel",
  // Once for good for each attempt, whoever tells it (api/outcome.test.ts).
  "/v1/tasks/:id/outcome",
  "/v1/tools/:tool/refresh",
  // Once for good, whoever asks: another bid is refused from then on (api/quotes.test.ts).
  "/v1/quotes/:quote/accept",
  "/v1/quotes/:quote/cancel",
  // Told twice is one redrive (rooms/redrive.test.ts).
  "/admin/stuck/:id/redrive",
  "/admin/stuck/:id/dismiss",
  "/admin/tenants/:id/suspend",
  "/admin/tenants/:id/resume",
  "/admin/tenants/:id/calibrations/:calibration/cancel",
];

export interface Prepared extends Making {
  readonly tenantId: TenantId;
  /** Asks under an Idempotency-Key. */
  ask(idempotencyKey: string, change?: { readonly body?: object }): Promise<Response>;
}

export async function prepare(route: string): Promise<Prepared> {
  const tenant = await openTenant();
  const making = await CREATES[route]?.(tenant);
  if (making === undefined) throw new Error(`nobody knows how to ask for ${route}`);
  const { path, headers, body: usual } = making;
  return {
    ...making,
    tenantId: tenant.tenantId,
    ask: async (idempotencyKey, { body = usual } = {}) =>
      // The operator's keys for new tenants are the whole house's: those of other tests are others.
      post(path, body, { ...headers, "Idempotency-Key": `${tenant.tenantId}/${idempotencyKey}` }),
  };
}

export async function idOf(response: Response): Promise<string> {
  const { id } = await response.clone().json<{ id?: string }>();
  if (id === undefined) throw new Error(`nothing was made: ${await response.text()}`);
  return id;
}

async function aWebhook({ auth }: Tenant): Promise<string> {
  return idOf(await post("/v1/webhooks", { url: "https://hooks.example.com/" }, auth));
}

async function aKey({ auth }: Tenant): Promise<string> {
  return idOf(await post("/v1/keys", { name: "to be rotated" }, auth));
}
