/** Rate limits over HTTP: what a client is told of them, when it is to come again, and that they are its own alone. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { METHODS } from "../../../src/api/app.ts";
import { newId } from "../../../src/market/ids.ts";
import { stopTheClock } from "../rooms/market-day.ts";
import {
  bodyOf,
  call,
  config,
  failedTask,
  holdTask,
  keyWith,
  openTenant,
  OPERATOR,
  post,
  problemOf,
  put,
  taskOf,
  type Tenant,
} from "./support.ts";

let clock: ReturnType<typeof stopTheClock>;
let tenant: Tenant;
beforeEach(async () => {
  clock = stopTheClock();
  tenant = await openTenant();
});
afterEach(() => {
  vi.useRealTimers();
});

type Headers = Readonly<Record<string, string>>;
const limitsPath = (of = tenant.tenantId as string) => `/admin/tenants/${of}/limits`;
const setLimits = async (body: unknown, of = tenant) => {
  expect((await put(limitsPath(of.tenantId), body)).status).toBe(200);
};
const read = async (headers: Headers = tenant.auth) => call("/v1/agents", { headers });
const submit = async (headers: Headers = tenant.auth) => post("/v1/tasks", { prompt: "p" }, headers);

const told = ({ status, headers }: Response) => [
  status,
  headers.get("RateLimit-Policy"),
  headers.get("RateLimit"),
  headers.get("Retry-After"),
];

describe("a client without limits", () => {
  test("is told of none", async () => {
    expect(told(await read())).toEqual([200, null, null, null]);
    expect(told(await submit())).toEqual([202, null, null, null]);
  });
});

describe("requests per minute", () => {
  test("are told with every answer, whatever was asked and however it went", async () => {
    const taskId = await failedTask(tenant);
    await setLimits({ requestsPerMinute: 20 });
    const policy = '"tenant";q=20;w=60';
    const ask = async (path: string) => call(path, { headers: tenant.auth });
    expect(told(await read())).toEqual([200, policy, '"tenant";r=19;t=3', null]);
    expect(told(await ask(`/v1/tasks/${taskId}`))).toEqual([200, policy, '"tenant";r=18;t=3', null]);
    expect(told(await ask(`/v1/tasks/${taskId}/events`))).toEqual([200, policy, '"tenant";r=17;t=3', null]);
    expect(told(await ask(`/v1/tasks/${newId("tsk", config.source)}`))).toEqual([
      404,
      policy,
      '"tenant";r=16;t=3',
      null,
    ]);
    expect(told(await ask("/v1/usage?from=never"))).toEqual([400, policy, '"tenant";r=15;t=3', null]);
    expect(told(await submit())).toEqual([202, policy, '"tenant";r=14;t=3', null]);
    await call(`/admin/tenants/${tenant.tenantId}/suspend`, { method: "POST", headers: OPERATOR });
    expect(told(await submit())).toEqual([403, policy, '"tenant";r=13;t=3', null]);
    clock.pass(2_000);
    expect(told(await read())).toEqual([200, policy, '"tenant";r=12;t=1', null]);
    clock.pass(60_000);
    expect(told(await read())).toEqual([200, policy, '"tenant";r=19;t=3', null]);
  });

  test("beyond the limit are refused, reads and writes, until the second that they are told", async () => {
    await setLimits({ requestsPerMinute: 4 });
    for (let n = 0; n < 4; n += 1) expect((await read()).status).toBe(200);
    const policy = '"tenant";q=4;w=60';
    clock.pass(500);
    const refused = await submit();
    // 14.5 s, rounded up.
    expect(told(refused)).toEqual([429, policy, '"tenant";r=0;t=15', "15"]);
    expect(await bodyOf(refused.clone())).toMatchObject({
      error: { code: "rate_limited", retryable: true, details: { scope: "tenant" } },
    });
    expect(await problemOf(refused)).toEqual({ status: 429, code: "rate_limited", paths: [] });
    expect(told(await read())).toEqual([429, policy, '"tenant";r=0;t=15', "15"]);
    // Nothing was admitted, and what is refused is not counted.
    expect(await tenant.market.heldTasks()).toEqual([]);
    clock.pass(14_499);
    expect((await submit()).status).toBe(429);
    clock.pass(501);
    expect(told(await submit())).toEqual([202, policy, '"tenant";r=0;t=15', null]);
    expect(await tenant.market.heldTasks()).toHaveLength(1);
  });

  test.each(
    METHODS.filter(([path]) => path.startsWith("/v1/")).flatMap(([path, methods]) =>
      methods.split(", ").map((method) => [method, path] as const),
    ),
  )("count and refuse %s %s", async (method, path) => {
    await setLimits({ requestsPerMinute: 1 });
    await read();
    const bodies: Record<string, object> = {
      "/v1/tasks": { prompt: "p" },
      "/v1/quotes": { prompt: "p" },
      "/v1/keys": { name: "k" },
      "/v1/webhooks": { url: "https://hooks.example.com/" },
    };
    const body = bodies[path] ?? (path.endsWith("/rotate") ? { overlapS: 0 } : {});
    const response = await call(path, {
      method,
      headers: { ...tenant.auth, "Content-Type": "application/json" },
      ...(method !== "GET" && { body: JSON.stringify(body) }),
    });
    expect(await problemOf(response)).toMatchObject({ status: 429, code: "rate_limited" });
  });

  test("of a key are its own, and stand beside the tenant's", async () => {
    await setLimits({ requestsPerMinute: 6 });
    const { auth, limits: shown } = await keyWith(tenant, { limits: { requestsPerMinute: 2 } });
    expect(shown).toEqual({ requestsPerMinute: 2, concurrentTasks: null, tokensPerMinute: null });
    const policy = '"tenant";q=6;w=60, "key";q=2;w=60';
    expect(told(await read(auth))).toEqual([200, policy, '"tenant";r=5;t=10, "key";r=1;t=30', null]);
    expect(told(await read(auth))).toEqual([200, policy, '"tenant";r=4;t=10, "key";r=0;t=30', null]);
    const refused = await read(auth);
    expect(told(refused)).toEqual([429, policy, '"tenant";r=4;t=10, "key";r=0;t=30', "30"]);
    expect(await bodyOf(refused)).toMatchObject({ error: { details: { scope: "key" } } });
    // A refused request of one key takes nothing from another's.
    expect(told(await read())).toEqual([200, '"tenant";q=6;w=60', '"tenant";r=3;t=10', null]);
    // A key has no more than its tenant, whatever it was given.
    const { auth: wide } = await keyWith(tenant, { limits: { requestsPerMinute: 1_000 } });
    for (let n = 0; n < 3; n += 1) expect((await read(wide)).status).toBe(200);
    const last = await read(wide);
    expect(last.status).toBe(429);
    expect(await bodyOf(last)).toMatchObject({ error: { details: { scope: "tenant" } } });
  });

  test("are shared by a rotated key and its successor", async () => {
    const { id, auth } = await keyWith(tenant, { limits: { requestsPerMinute: 2 } });
    expect((await read(auth)).status).toBe(200);
    const path = `/admin/tenants/${tenant.tenantId}/keys/${id}/rotate`;
    const { key } = await (await post(path, { overlapS: 600 }, OPERATOR)).json<{ key: string }>();
    const successor = { Authorization: `Bearer ${key}` };
    expect(told(await read(successor))).toEqual([200, '"key";q=2;w=60', '"key";r=0;t=30', null]);
    expect((await read(auth)).status).toBe(429);
    expect((await read(successor)).status).toBe(429);
  });

  test.each<[string, (headers: Headers) => Promise<Response>, number]>([
    ["a body that makes no sense", async (headers) => post("/v1/tasks", { prompt: 7 }, headers), 400],
    [
      "a header that makes none",
      async (headers) => post("/v1/tasks", { prompt: "p" }, { ...headers, Prefer: "wait=x" }),
      400,
    ],
    [
      "a key of once that is none",
      async (headers) => post("/v1/tasks", { prompt: "p" }, { ...headers, "Idempotency-Key": "a b" }),
      400,
    ],
    ["a quote of nothing", async (headers) => post("/v1/quotes", {}, headers), 400],
    [
      "an endpoint that is nowhere",
      async (headers) => post("/v1/webhooks", { url: "http://localhost" }, headers),
      400,
    ],
    [
      "a change of no endpoint",
      async (headers) => call("/v1/webhooks/x", { method: "PATCH", body: "[]", headers }),
      415,
    ],
    [
      "a secret for no endpoint",
      async (headers) => post("/v1/webhooks/x/rotate", { overlapS: -1 }, headers),
      400,
    ],
    ["deliveries of no page", async (headers) => call("/v1/webhooks/x/deliveries?limit=0", { headers }), 400],
    ["a policy that makes no sense", async (headers) => put("/v1/policy", { name: 7 }, headers), 400],
    ["a policy", async (headers) => put("/v1/policy", { deny: [] }, headers), 200],
  ])("count %s", async (_, ask, status) => {
    await setLimits({ requestsPerMinute: 2 });
    const policy = '"tenant";q=2;w=60';
    expect(told(await ask(tenant.auth))).toEqual([status, policy, '"tenant";r=1;t=30', null]);
    expect(told(await ask(tenant.auth))).toEqual([status, policy, '"tenant";r=0;t=30', null]);
    expect(told(await ask(tenant.auth))).toEqual([429, policy, '"tenant";r=0;t=30', "30"]);
  });

  test("count a replay, which takes no place among the running tasks", async () => {
    await setLimits({ requestsPerMinute: 3, concurrentTasks: 1, maxQueued: 0 });
    const headers = { ...tenant.auth, "Idempotency-Key": "once" };
    const first = await submit(headers);
    const { id } = await taskOf(first);
    const again = await submit(headers);
    expect((await taskOf(again)).id).toBe(id);
    expect(again.headers.get("RateLimit")).toBe('"tenant";r=1;t=20');
    expect([200, 202]).toContain((await submit(headers)).status);
    expect((await submit(headers)).status).toBe(429);
  });

  test("without a key that is known are nobody's", async () => {
    await setLimits({ requestsPerMinute: 1 });
    const unknown = { Authorization: `${tenant.auth.Authorization.slice(0, -4)}0000` };
    for (let n = 0; n < 3; n += 1) expect(told(await read(unknown))).toEqual([401, null, null, null]);
    expect((await read()).status).toBe(200);
  });

  test("of one tenant that floods leave another's answers as they are", async () => {
    const other = await openTenant();
    await setLimits({ requestsPerMinute: 5, concurrentTasks: 1, maxQueued: 2 });
    const flood = await Promise.all(Array.from({ length: 60 }, async () => submit()));
    const statuses = flood.map(({ status }) => status);
    expect(statuses.filter((status) => status === 202).length).toBeLessThanOrEqual(5);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(55);
    for (let n = 0; n < 8; n += 1) expect(told(await read(other.auth))).toEqual([200, null, null, null]);
    expect((await submit(other.auth)).status).toBe(202);
    expect(await failedTask(other)).toMatch(/^tsk_/);
  });
});

describe("a full queue", () => {
  test("refuses with when to come again, and holds nothing for it", async () => {
    await setLimits({ concurrentTasks: 1, maxQueued: 1, requestsPerMinute: 100 });
    await holdTask(tenant);
    const waiting = await taskOf(await submit());
    expect(waiting).toMatchObject({ state: "admitted", waitsFor: "auction" });
    const refused = await submit();
    expect(refused.headers.get("Retry-After")).toBe("5");
    expect(refused.headers.get("RateLimit")).toBe('"tenant";r=97;t=1');
    expect(await bodyOf(refused.clone())).toMatchObject({
      error: { retryable: true, details: { queued: 1 } },
    });
    expect(await problemOf(refused)).toEqual({ status: 429, code: "queue_full", paths: [] });
    // What waits can be cancelled like any task.
    const cancelled = await post(`/v1/tasks/${waiting.id}/cancel`, {}, tenant.auth);
    expect(await taskOf(cancelled)).toMatchObject({ state: "cancelled", waitsFor: null });
    expect((await submit()).status).toBe(202);
  });
});
