/** Keys over HTTP: what each scope opens, and how keys are made, listed, revoked and rotated. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { KEY_SCOPES, type KeyScope } from "../../../src/market/key-scope.ts";
import {
  call,
  config,
  fingerprint,
  holdTask,
  openTenant,
  OPERATOR,
  post,
  problemOf,
  type Tenant,
} from "./support.ts";

type Headers = Readonly<Record<string, string>>;
interface Key {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly scopes: readonly KeyScope[];
  readonly spendsAs: string;
  readonly expiresAt: string | null;
}

let tenant: Tenant;
let other: Tenant;
let taskId: TaskId;
beforeAll(async () => {
  tenant = await openTenant();
  other = await openTenant();
  taskId = await holdTask(tenant);
});
afterEach(() => {
  vi.useRealTimers();
});

const bearer = (key: string): Headers => ({ Authorization: `Bearer ${key}` });
const keysPath = ({ tenantId }: Tenant) => `/admin/tenants/${tenantId}/keys`;

async function make(
  of: Tenant,
  body: object = {},
  { path, headers }: { readonly path: string; readonly headers: Headers } = {
    path: keysPath(of),
    headers: OPERATOR,
  },
): Promise<Key> {
  const response = await post(path, { name: "made", ...body }, headers);
  expect(response.status).toBe(201);
  return response.json<Key>();
}

const listOf = async (headers: Headers, path = "/v1/keys") =>
  (await (await call(path, { headers })).json<{ data: Key[] }>()).data;
const unknownKey = () => newId("key", config.source);

describe("a route", () => {
  const ROUTES: readonly (readonly [string, KeyScope, (headers: Headers) => Promise<Response>])[] = [
    ["submit", "tasks", async (headers) => post("/v1/tasks", { prompt: "p" }, headers)],
    ["cancel", "tasks", async (headers) => post(`/v1/tasks/${unknownTask()}/cancel`, {}, headers)],
    ["list", "read", async (headers) => call("/v1/tasks", { headers })],
    ["task", "read", async (headers) => call(`/v1/tasks/${taskId}`, { headers })],
    ["trace", "read", async (headers) => call(`/v1/tasks/${taskId}/trace`, { headers })],
    ["receipt", "read", async (headers) => call(`/v1/tasks/${taskId}/receipt`, { headers })],
    ["events", "read", async (headers) => call(`/v1/tasks/${unknownTask()}/events`, { headers })],
    ["agents", "read", async (headers) => call("/v1/agents", { headers })],
    ["policy", "read", async (headers) => call("/v1/policy", { headers })],
    ["usage", "read", async (headers) => call("/v1/usage", { headers })],
    ["budget", "read", async (headers) => call("/v1/budget", { headers })],
    ["webhooks", "read", async (headers) => call("/v1/webhooks", { headers })],
    ["webhook", "read", async (headers) => call(unknownWebhook(), { headers })],
    ["deliveries", "read", async (headers) => call(`${unknownWebhook()}/deliveries`, { headers })],
    ["new webhook", "admin", async (headers) => post("/v1/webhooks", { url: "https://8.8.8.8/" }, headers)],
    ["change of a webhook", "admin", async (headers) => patch(unknownWebhook(), headers)],
    ["webhook's end", "admin", async (headers) => call(unknownWebhook(), { method: "DELETE", headers })],
    ["webhook's secret", "admin", async (headers) => post(`${unknownWebhook()}/rotate`, {}, headers)],
    ["test event", "admin", async (headers) => post(`${unknownWebhook()}/test`, {}, headers)],
    [
      "redelivery",
      "admin",
      async (headers) => {
        const deliveryId = newId("dlv", config.source);
        return post(`${unknownWebhook()}/deliveries/${deliveryId}/redeliver`, {}, headers);
      },
    ],
    ["limits", "read", async (headers) => call("/v1/limits", { headers })],
    ["keys", "admin", async (headers) => call("/v1/keys", { headers })],
    ["new key", "admin", async (headers) => post("/v1/keys", { name: "n", scopes: ["admin"] }, headers)],
    ["revoke", "admin", async (headers) => call(`/v1/keys/${unknownKey()}`, { method: "DELETE", headers })],
    ["rotate", "admin", async (headers) => post(`/v1/keys/${unknownKey()}/rotate`, { overlapS: 0 }, headers)],
  ];
  const unknownTask = () => newId("tsk", config.source);
  const unknownWebhook = () => `/v1/webhooks/${newId("whk", config.source)}`;
  const patch = async (path: string, headers: Headers) =>
    call(path, { method: "PATCH", body: "{}", headers: { ...headers, "Content-Type": "application/json" } });

  test.each(ROUTES)("%s is open to the scope %s and to no other", async (_, scope, request) => {
    for (const one of KEY_SCOPES) {
      const { key } = await make(tenant, { scopes: [one] });
      const { status } = await request(bearer(key));
      if (one === scope) expect([200, 201, 202, 404, 409]).toContain(status);
      else expect(status).toBe(403);
    }
  });

  test("that a key may not use says so, and that the key is known", async () => {
    const { key } = await make(tenant, { scopes: ["admin"] });
    const response = await call("/v1/tasks", { headers: bearer(key) });
    expect(await problemOf(response)).toEqual({ status: 403, code: "forbidden", paths: [] });
  });
});

describe("a tenant's admin key", () => {
  test("makes keys, lists them without what is secret, and uses none but its tenant's", async () => {
    const own = await openTenant();
    const made = await make(
      own,
      { scopes: ["read"], budget: { dayUsd: 1 } },
      { path: "/v1/keys", headers: own.auth },
    );
    expect(made).toEqual({
      object: "key",
      id: expect.stringMatching(/^key_/),
      name: "made",
      state: "active",
      scopes: ["read"],
      budget: { totalUsd: null, dayUsd: 1, monthUsd: null },
      limits: null,
      spendsAs: made.id,
      createdAt: expect.stringMatching(/Z$/),
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      key: expect.stringMatching(/^sr_/),
    });
    const { key, ...shown } = made;
    const listed = await listOf(own.auth);
    expect(listed).toHaveLength(2);
    expect(listed).toContainEqual(shown);
    expect(await listOf(OPERATOR, keysPath(own))).toEqual(await listOf(own.auth));
    expect(JSON.stringify(listed)).not.toContain(key.slice(-48));
    expect(JSON.stringify(listed)).not.toContain(own.keyHash);
  });

  test("revokes one, which is refused at once like one that never was", async () => {
    const { id, key } = await make(tenant);
    expect((await call("/v1/agents", { headers: bearer(key) })).status).toBe(200);
    const revoked = await call(`/v1/keys/${id}`, { method: "DELETE", headers: tenant.auth });
    expect(await revoked.json()).toMatchObject({ id, state: "revoked", revokedAt: expect.any(String) });
    const never = bearer(`${key.slice(0, -48)}${"0".repeat(48)}`);
    expect(await fingerprint(await call("/v1/agents", { headers: bearer(key) }))).toEqual(
      await fingerprint(await call("/v1/agents", { headers: never })),
    );
    const rotated = await post(`/v1/keys/${id}/rotate`, { overlapS: 60 }, tenant.auth);
    expect(await problemOf(rotated)).toEqual({ status: 409, code: "key_inactive", paths: [] });
  });

  test("rotates itself: the old key ends after the overlap", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const old = await make(tenant, { scopes: ["read", "admin"] });
    const path = `/v1/keys/${old.id}/rotate`;
    // It may not hand out `tasks`, which a new key has where nothing is said.
    const wider = await post("/v1/keys", { name: "wider" }, bearer(old.key));
    expect(await problemOf(wider)).toEqual({ status: 403, code: "forbidden", paths: [] });
    const rotated = await post(path, { overlapS: 60 }, bearer(old.key));
    const successor = await rotated.json<Key>();
    expect(rotated.status).toBe(201);
    expect(successor).toMatchObject({ scopes: ["read", "admin"], spendsAs: old.id, expiresAt: null });
    const statuses = async () =>
      Promise.all(
        [old, successor].map(async ({ key }) => (await call("/v1/agents", { headers: bearer(key) })).status),
      );
    expect(await statuses()).toEqual([200, 200]);
    vi.setSystemTime(Date.now() + 59_999);
    expect(await statuses()).toEqual([200, 200]);
    vi.setSystemTime(Date.now() + 1);
    expect(await statuses()).toEqual([401, 200]);
    const states = (await listOf(bearer(successor.key))).filter(({ spendsAs }) => spendsAs === old.id);
    expect(states.map(({ state }) => state).toSorted()).toEqual(["active", "expired"]);
  });

  test("expires when it was said to", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const expiresAt = new Date(Date.now() + 3_000).toISOString();
    const made = await make(tenant, { expiresAt });
    expect(made.expiresAt).toBe(expiresAt);
    const status = async () => (await call("/v1/agents", { headers: bearer(made.key) })).status;
    vi.setSystemTime(Date.now() + 2_999);
    expect(await status()).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    expect(await status()).toBe(401);
  });

  test("finds no key of another tenant, in the words for one that never was", async () => {
    const foreign = (await listOf(other.auth))[0]?.id ?? "";
    const ways: readonly ((id: string) => Promise<Response>)[] = [
      async (id) => call(`/v1/keys/${id}`, { method: "DELETE", headers: tenant.auth }),
      async (id) => post(`/v1/keys/${id}/rotate`, { overlapS: 0 }, tenant.auth),
      async (id) => call(`${keysPath(tenant)}/${id}`, { method: "DELETE", headers: OPERATOR }),
      async (id) => post(`${keysPath(tenant)}/${id}/rotate`, { overlapS: 0 }, OPERATOR),
    ];
    for (const way of ways) {
      const unknown = await fingerprint(await way(unknownKey()));
      expect(unknown).toMatchObject({ status: 404 });
      for (const id of [foreign, "x", taskId]) expect(await fingerprint(await way(id))).toEqual(unknown);
    }
    expect((await call("/v1/agents", { headers: other.auth })).status).toBe(200);
  });
});

test.each<[string, object, string[]]>([
  ["a scope that is none", { scopes: ["write"] }, ["scopes[0]"]],
  ["no scope", { scopes: [] }, ["scopes"]],
  ["an end that is over", { expiresAt: "2020-01-01T00:00:00Z" }, ["expiresAt"]],
  ["an end that is no time", { expiresAt: "tomorrow" }, ["expiresAt"]],
])("a key with %s is not made", async (_, body, paths) => {
  for (const [path, headers] of [
    ["/v1/keys", tenant.auth],
    [keysPath(tenant), OPERATOR],
  ] as const) {
    const response = await post(path, { name: "n", ...body }, headers);
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_body", paths });
  }
});

test.each([{}, { overlapS: -1 }, { overlapS: 1.5 }, { overlapS: 30 * 24 * 60 * 60 + 1 }])(
  "a key is not rotated with the overlap %j",
  async (body) => {
    const { id } = await make(tenant);
    const response = await post(`/v1/keys/${id}/rotate`, body, tenant.auth);
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_body", paths: ["overlapS"] });
  },
);
