/** What holds of every request: ids, methods, paths, and what never leaves the house. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  appWith,
  call,
  config,
  failedTask,
  holdTask,
  openTenant,
  OPERATOR,
  ORIGIN,
  post,
  problemOf,
  type Tenant,
} from "./support.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
});
afterEach(() => {
  vi.restoreAllMocks();
});

test("/healthz answers anyone", async () => {
  const response = await call("/healthz");
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ status: "ok" });
});

describe("the request id", () => {
  test("is on every response, a new one each time, whatever the client sent", async () => {
    const id = await failedTask(tenant);
    const headers = { ...tenant.auth, "X-Request-Id": "mine" };
    const responses = await Promise.all([
      call("/healthz", { headers }),
      call("/v1/agents", { headers }),
      call(`/v1/tasks/${id}/events`, { headers }),
      call(`/v1/tasks/${id}/events`, { headers: { ...headers, "Last-Event-ID": "99" } }),
      call("/nowhere", { headers }),
      call("/healthz", { method: "DELETE", headers }),
      call("/v1/tasks", { headers: { "X-Request-Id": "mine" } }),
      post("/v1/tasks", { prompt: "" }, headers),
      post("/v1/tasks", { prompt: "x".repeat(1_100_000) }, headers),
    ]);
    expect(responses.map((response) => response.status)).toEqual([
      200, 200, 200, 204, 404, 405, 401, 400, 413,
    ]);
    const requestIds = responses.map((response) => response.headers.get("X-Request-Id"));
    for (const requestId of requestIds) expect(requestId).toMatch(UUID);
    expect(new Set(requestIds).size).toBe(responses.length);
  });

  test("of a refusal stands in its body too", async () => {
    const response = await call("/nowhere");
    const body = await response.json<{ requestId: string }>();
    expect(body.requestId).toBe(response.headers.get("X-Request-Id"));
  });
});

describe("a method that a path does not take", () => {
  const ID = "tsk_01k00000000000000000000000";
  test.each([
    ["/v1/tasks", ["DELETE", "PUT", "PATCH", "OPTIONS"], "GET, POST"],
    [`/v1/tasks/${ID}`, ["POST", "PUT", "PATCH", "DELETE"], "GET"],
    [`/v1/tasks/${ID}/events`, ["POST", "DELETE"], "GET"],
    [`/v1/tasks/${ID}/trace`, ["POST", "DELETE"], "GET"],
    [`/v1/tasks/${ID}/cancel`, ["GET", "PUT", "DELETE"], "POST"],
    ["/v1/agents", ["POST", "PUT", "DELETE"], "GET"],
    ["/healthz", ["POST", "DELETE"], "GET"],
    ["/v1/keys", ["PUT", "DELETE"], "GET, POST"],
    [`/v1/keys/${ID}`, ["GET", "POST"], "DELETE"],
    [`/v1/keys/${ID}/rotate`, ["GET", "DELETE"], "POST"],
    ["/admin/tenants", ["PUT", "DELETE"], "GET, POST"],
    [`/admin/tenants/${ID}`, ["POST", "PUT"], "GET, DELETE"],
    [`/admin/tenants/${ID}/suspend`, ["GET", "DELETE"], "POST"],
    [`/admin/tenants/${ID}/resume`, ["GET", "DELETE"], "POST"],
    [`/admin/tenants/${ID}/keys`, ["PUT", "DELETE"], "GET, POST"],
    [`/admin/tenants/${ID}/keys/${ID}`, ["GET", "POST"], "DELETE"],
    [`/admin/tenants/${ID}/keys/${ID}/rotate`, ["GET", "DELETE"], "POST"],
  ])("%s: 405, and which it takes", async (path, methods, allow) => {
    for (const method of methods) {
      const response = await call(path, { method, headers: tenant.auth });
      expect({ method, allow: response.headers.get("Allow") }).toEqual({ method, allow });
      expect(await problemOf(response)).toEqual({ status: 405, code: "method_not_allowed", paths: [] });
    }
  });

  test("is none where HEAD asks for what GET would show", async () => {
    const response = await call("/v1/agents", { method: "HEAD", headers: tenant.auth });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});

test.each([
  "/",
  "/v1",
  "/v1/task",
  "/v1/tasks/",
  "/V1/tasks",
  "/v1/tasks/x/y",
  "/admin",
  "/admin/keys",
  "/v1/tasks/%",
])("there is nothing at %s, with or without a key", async (path) => {
  const nothing = { status: 404, code: "route_not_found", paths: [] };
  if (path !== "/v1/tasks/%") expect(await problemOf(await call(path))).toEqual(nothing);
  const seen = await problemOf(await call(path, { headers: tenant.auth }));
  expect(seen).toEqual(path === "/v1/tasks/%" ? { ...nothing, code: "task_not_found" } : nothing);
});

describe("a bug", () => {
  test("is `internal` to the client and an event in the log; its words stay in the house", async () => {
    const broken = {
      ...config,
      marketRoom: () => {
        throw new Error("password of the ledger: hunter2");
      },
    };
    const app = appWith(broken);
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const request = new Request(`${ORIGIN}/v1/agents`, { headers: tenant.auth });
    const response = await app.fetch(request, env, createExecutionContext());
    const text = await response.clone().text();
    expect(await problemOf(response)).toEqual({ status: 500, code: "internal", paths: [] });
    expect(text).not.toContain("hunter2");
    expect(text).not.toContain("stack");
    expect(logged).toHaveBeenCalledOnce();
    expect(String(logged.mock.calls[0]?.[0])).toContain(response.headers.get("X-Request-Id"));
  });
});

describe("/v1/agents", () => {
  test("shows the environment's pool with its prices, and the policy of the next auction", async () => {
    const body = await (await call("/v1/agents", { headers: tenant.auth })).json<Record<string, unknown>>();
    expect(body).toMatchObject({
      object: "list",
      policy: {
        name: "sale",
        version: 1,
        weights: { entropy: 0.1, jurors: { "agt_house-4b": 0.05 } },
        maxStrategyTokens: 600,
      },
    });
    expect(body["agents"]).toHaveLength(config.pool.length);
    expect(body["agents"]).toContainEqual({
      object: "agent",
      id: "agt_house-32b",
      name: expect.any(String),
      model: "house-emulated-32b",
      provider: "openai-compatible",
      emulated: true,
      contextTokens: 131_072,
      maxOutputTokens: 16_384,
      usdPerMtok: { input: 0.18, cachedInput: 0.018, cacheWrite: 0.18, output: 0.36 },
      priceSource: expect.any(String),
      regions: null,
    });
  });

  test("never shows the names of secrets nor the addresses of endpoints", async () => {
    const common = {
      usdPerMtok: { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 },
      priceSource: "made up for tests",
      contextTokens: 200_000,
      maxOutputTokens: 8_192,
    };
    const own = await openTenant({
      pool: [
        {
          ...common,
          id: "agt_a",
          name: "A",
          model: "a",
          provider: "openai-compatible",
          baseUrl: "https://hidden-a.example/v1",
          apiKeySecret: "HIDDEN_KEY_A",
        },
        {
          ...common,
          id: "agt_b",
          name: "B",
          model: "b",
          provider: "openai-compatible",
          baseUrlVariable: "HIDDEN_URL_B",
        },
        {
          ...common,
          id: "agt_c",
          name: "C",
          model: "c",
          provider: "anthropic",
          apiKeySecret: "HIDDEN_KEY_C",
          baseUrl: "https://hidden-c.example",
        },
        { ...common, id: "agt_d", name: "D", model: "d", provider: "google", apiKeySecret: "HIDDEN_KEY_D" },
      ],
    });
    const text = await (await call("/v1/agents", { headers: own.auth })).text();
    expect(text).toContain("agt_d");
    expect(text).not.toMatch(/hidden|baseUrl|apiKey/i);
  });
});

test("keys are nowhere but in the answer that made them", async () => {
  const id = await holdTask(tenant);
  const secret = tenant.key.slice(-48);
  for (const path of ["/v1/tasks", `/v1/tasks/${id}`, `/v1/tasks/${id}/trace`, "/v1/agents"]) {
    const text = await (await call(path, { headers: tenant.auth })).text();
    expect(text).not.toContain(secret);
    expect(text).not.toContain(tenant.keyHash);
    expect(text).not.toContain(OPERATOR.Authorization.slice("Bearer ".length));
  }
});
