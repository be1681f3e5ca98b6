/** The operator's calls: tenants and keys. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import type { MarketRoomApi } from "../../../src/tenancy/market-room-api.ts";
import {
  appWith,
  call,
  config,
  fingerprint,
  openTenant,
  OPERATOR,
  ORIGIN,
  post,
  problemOf,
  type Tenant,
} from "./support.ts";

const AGENT = {
  id: "agt_own",
  name: "Own",
  model: "own-1",
  provider: "workers-ai",
  usdPerMtok: { input: 1, output: 2 },
  priceSource: "made up for tests",
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
} as const;

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
});

const agentsOf = async (auth: { readonly Authorization: string }) =>
  (await (await call("/v1/agents", { headers: auth })).json<{ agents: { id: string }[] }>()).agents;

describe("who is not the operator", () => {
  const badHeaders = (): Record<string, Record<string, string>> => ({
    "no header": {},
    "another scheme": { Authorization: "Basic test-operator" },
    "a wrong secret": { Authorization: "Bearer test-operatos" },
    "the secret and more": { Authorization: "Bearer test-operator1" },
    "a tenant's key": tenant.auth,
  });

  test.each(["/admin/tenants", "/admin/tenants/x/keys"])(
    "is refused at %s in the same words",
    async (path) => {
      const refusal = await fingerprint(await post(path, { name: "n" }));
      expect(refusal).toMatchObject({ status: 401 });
      for (const [name, headers] of Object.entries(badHeaders())) {
        const seen = await fingerprint(await post(path, { name: "n" }, headers));
        expect({ name, ...seen }).toEqual({ name, ...refusal });
      }
    },
  );

  test("is everyone where no secret is set", async () => {
    const closed = { ...config, adminSecret: null };
    const app = appWith(closed);
    for (const secret of ["null", "undefined", "test-operator"]) {
      const request = new Request(`${ORIGIN}/admin/tenants`, {
        method: "POST",
        body: '{"name":"n"}',
        headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json" },
      });
      const response = await app.fetch(request, env, createExecutionContext());
      expect(await problemOf(response)).toEqual({ status: 401, code: "unauthenticated", paths: [] });
    }
  });
});

describe("a new tenant", () => {
  test("gets an id, keeps its name and takes auctions as they come", async () => {
    const response = await post("/admin/tenants", { name: "Acme" }, OPERATOR);
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({
      object: "tenant",
      id: expect.stringMatching(/^ten_[0-9a-z]{26}$/),
      name: "Acme",
      ordering: "parallel",
      budget: { totalUsd: null, dayUsd: null, monthUsd: null },
      locationHint: null,
    });
  });

  test("has no key, so nobody can enter, until one is made", async () => {
    const made = await (await post("/admin/tenants", { name: "Acme" }, OPERATOR)).json<{ id: string }>();
    const room = config.marketRoom<MarketRoomApi>(made.id as Tenant["tenantId"]);
    expect(await room.authorize("")).toBeNull();
    expect(await room.authorize(tenant.keyHash)).toBeNull();
  });

  test("may have a pool of its own, which no other tenant gets", async () => {
    const own = await openTenant({ pool: [AGENT] });
    expect((await agentsOf(own.auth)).map((agent) => agent.id)).toEqual(["agt_own"]);
    expect((await agentsOf(tenant.auth)).map((agent) => agent.id)).not.toContain("agt_own");
  });

  test.each<[string, unknown, string[]]>([
    ["no name", {}, ["name"]],
    ["an empty name", { name: "" }, ["name"]],
    ["too long a name", { name: "x".repeat(101) }, ["name"]],
    ["an ordering that is none", { name: "n", ordering: "fifo" }, ["ordering"]],
    ["an unknown field", { name: "n", budget: 5 }, ["budget"]],
    ["an empty pool", { name: "n", pool: [] }, ["pool"]],
    [
      "an agent without price",
      { name: "n", pool: [{ ...AGENT, usdPerMtok: { input: 1 } }] },
      ["pool[0].usdPerMtok.output"],
    ],
    ["the same agent twice", { name: "n", pool: [AGENT, AGENT] }, ["pool"]],
    ["no object", [], [""]],
  ])("with %s is refused, and the field is named", async (_, body, paths) => {
    const response = await post("/admin/tenants", body, OPERATOR);
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_body", paths });
  });
});

describe("a new key", () => {
  test("is shown once, carries its tenant's id, and opens its market", async () => {
    const response = await post(`/admin/tenants/${tenant.tenantId}/keys`, { name: "ci" }, OPERATOR);
    expect(response.status).toBe(201);
    const made = await response.json<{ key: string }>();
    const ulid = tenant.tenantId.slice("ten_".length);
    expect(made).toEqual({
      object: "key",
      id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
      name: "ci",
      state: "active",
      scopes: ["tasks", "read", "admin"],
      budget: null,
      limits: null,
      spendsAs: expect.stringMatching(/^key_/),
      createdAt: expect.any(String),
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
      key: expect.stringMatching(new RegExp(`^sr_${ulid}_[0-9a-f]{48}$`)),
    });
    expect((await agentsOf({ Authorization: `Bearer ${made.key}` })).length).toBeGreaterThan(0);
  });

  test.each(["x", "tsk_01k00000000000000000000000", "ten_01k"])("is not made for %s", async (id) => {
    const response = await post(`/admin/tenants/${id}/keys`, { name: "ci" }, OPERATOR);
    expect(await problemOf(response)).toEqual({ status: 404, code: "tenant_not_found", paths: [] });
  });

  test("is not made for a tenant that was never set up, and does not set it up", async () => {
    const unknown = newId("ten", config.source);
    for (let turn = 0; turn < 2; turn++) {
      const response = await post(`/admin/tenants/${unknown}/keys`, { name: "ci" }, OPERATOR);
      expect(await problemOf(response)).toEqual({ status: 404, code: "tenant_not_found", paths: [] });
    }
  });

  test.each<[string, unknown, string[]]>([
    ["no name", {}, ["name"]],
    ["a key of the caller's choice", { name: "n", key: "sr_mine" }, ["key"]],
  ])("with %s is refused, and the field is named", async (_, body, paths) => {
    const response = await post(`/admin/tenants/${tenant.tenantId}/keys`, body, OPERATOR);
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_body", paths });
  });
});
