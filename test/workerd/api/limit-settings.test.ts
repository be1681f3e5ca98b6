/** Who sets limits, and what is shown of them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { stopTheClock } from "../rooms/market-day.ts";
import {
  bodyOf,
  call,
  config,
  holdTask,
  keyWith,
  openTenant,
  OPERATOR,
  post,
  problemOf,
  put,
  type Tenant,
} from "./support.ts";

let tenant: Tenant;
beforeEach(async () => {
  stopTheClock();
  tenant = await openTenant();
});
afterEach(() => {
  vi.useRealTimers();
});

const limitsPath = (of = tenant.tenantId as string) => `/admin/tenants/${of}/limits`;

describe("limits", () => {
  test("are set by the operator as a whole, and read by both sides with what they leave", async () => {
    const untouched = {
      object: "limits",
      tenant: {
        requestsPerMinute: null,
        concurrentTasks: null,
        tokensPerMinute: null,
        maxQueued: 1_000,
        maxTraces: 32,
        left: { requests: null, tokens: null },
        running: 0,
        waiting: 0,
        traces: 0,
        tracesWaiting: 0,
      },
      key: null,
    };
    expect(await bodyOf(await call(limitsPath(), { headers: OPERATOR }))).toEqual(untouched);
    const limits = {
      requestsPerMinute: 50,
      concurrentTasks: 1,
      tokensPerMinute: 9_000,
      maxQueued: 7,
      maxTraces: 3,
    };
    const set = { ...untouched.tenant, ...limits, left: { requests: 50, tokens: 9_000 } };
    expect(await bodyOf(await put(limitsPath(), limits))).toEqual({ ...untouched, tenant: set });
    await holdTask(tenant);
    await holdTask(tenant);
    // Two were admitted, and this asks.
    const seen = { ...set, left: { requests: 47, tokens: 9_000 }, running: 1, waiting: 1 };
    expect(await bodyOf(await call("/v1/limits", { headers: tenant.auth }))).toEqual({
      ...untouched,
      tenant: seen,
    });
    const { auth } = await keyWith(tenant, { limits: { tokensPerMinute: 100 } });
    expect(await bodyOf(await call("/v1/limits", { headers: auth }))).toMatchObject({
      tenant: { left: { requests: 46 } },
      key: {
        requestsPerMinute: null,
        tokensPerMinute: 100,
        left: { requests: null, tokens: 100 },
        running: 0,
        waiting: 0,
      },
    });
    // Put again, what is absent is as at first.
    expect(await bodyOf(await put(limitsPath(), {}))).toMatchObject({
      tenant: { requestsPerMinute: null, maxQueued: 1_000, maxTraces: 32 },
    });
  });

  test.each<[string, object, readonly string[]]>([
    ["none at all", { requestsPerMinute: 0 }, ["requestsPerMinute"]],
    ["a part", { concurrentTasks: 1.5, maxTraces: 0 }, ["concurrentTasks", "maxTraces"]],
    ["less than nothing", { maxQueued: -1, tokensPerMinute: -5 }, ["tokensPerMinute", "maxQueued"]],
    ["something else", { requestsPerSecond: 1 }, ["requestsPerSecond"]],
  ])("of %s are refused", async (_, body, paths) => {
    expect(await problemOf(await put(limitsPath(), body))).toEqual({
      status: 400,
      code: "invalid_body",
      paths,
    });
  });

  test("are nobody's to set but the operator's, and of no tenant that is not there", async () => {
    expect((await put(limitsPath(), {}, tenant.auth)).status).toBe(401);
    expect((await call(limitsPath(), { headers: tenant.auth })).status).toBe(401);
    const unknown = limitsPath(newId("ten", config.source));
    expect(await problemOf(await put(unknown, {}))).toMatchObject({ status: 404, code: "tenant_not_found" });
    expect(await problemOf(await call(unknown, { headers: OPERATOR }))).toMatchObject({ status: 404 });
    expect(await problemOf(await call(limitsPath("ten_x"), { headers: OPERATOR }))).toMatchObject({
      status: 404,
    });
    const { auth } = await keyWith(tenant, { limits: null });
    expect((await call("/v1/limits", { method: "PUT", headers: auth, body: "{}" })).status).toBe(405);
  });

  test("of a key come with it, also from an admin key, and show in the list", async () => {
    const { id, limits: shown } = await keyWith(tenant, { limits: { concurrentTasks: 2 } }, tenant.auth);
    const { data } = await (
      await call("/v1/keys", { headers: tenant.auth })
    ).json<{ data: { id: string; limits: unknown }[] }>();
    expect(data.find((one) => one.id === id)?.limits).toEqual(shown);
    const path = `/admin/tenants/${tenant.tenantId}/keys`;
    const refused = await post(path, { name: "k", limits: { maxTraces: 1 } }, OPERATOR);
    expect(await problemOf(refused)).toMatchObject({ status: 400, paths: ["limits.maxTraces"] });
  });
});
