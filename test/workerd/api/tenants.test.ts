/** The operator's tenants: listed, suspended, resumed, deleted. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import type { TaskRoomPort } from "../../../src/tenancy/task-room-port.ts";
import { taskStub } from "../stubs.ts";
import {
  call,
  carryHistory,
  config,
  failedTask,
  fingerprint,
  holdTask,
  openTenant,
  OPERATOR,
  post,
  problemOf,
  taskOf,
  type Tenant,
} from "./support.ts";

afterEach(() => {
  vi.useRealTimers();
});

const path = (id: string, rest = "") => `/admin/tenants/${id}${rest}`;
const read = async ({ tenantId }: Tenant) =>
  (await call(path(tenantId), { headers: OPERATOR })).json<Record<string, unknown>>();
const order = async ({ tenantId }: Tenant, what: "suspend" | "resume") =>
  post(path(tenantId, `/${what}`), {}, OPERATOR);
const remove = async ({ tenantId }: Tenant, query = "") =>
  call(path(tenantId, query), { method: "DELETE", headers: OPERATOR });

describe("who is not the operator", () => {
  test.each<[string, string]>([
    ["GET", "/admin/tenants"],
    ["GET", "/admin/tenants/x"],
    ["DELETE", "/admin/tenants/x"],
    ["POST", "/admin/tenants/x/suspend"],
    ["POST", "/admin/tenants/x/resume"],
    ["GET", "/admin/tenants/x/keys"],
    ["DELETE", "/admin/tenants/x/keys/y"],
    ["POST", "/admin/tenants/x/keys/y/rotate"],
  ])("is refused %s %s, a tenant's admin key included", async (method, route) => {
    const tenant = await openTenant();
    for (const id of [tenant.tenantId, newId("ten", config.source)]) {
      const response = await call(route.replace("/x", `/${id}`), { method, headers: tenant.auth });
      expect(await problemOf(response)).toEqual({ status: 401, code: "unauthenticated", paths: [] });
    }
  });
});

describe("a tenant that is not there", () => {
  test.each<[string, string]>([
    ["GET", ""],
    ["DELETE", ""],
    ["DELETE", "?force=true"],
    ["POST", "/suspend"],
    ["POST", "/resume"],
    ["GET", "/keys"],
    ["GET", "/policy"],
    ["GET", "/budget"],
    ["GET", "/training"],
    ["GET", "/calibrations"],
  ])("%s …%s is told so in one way, and is not made by asking", async (method, rest) => {
    for (const id of [newId("ten", config.source), "x"]) {
      for (let turn = 0; turn < 2; turn++) {
        const response = await call(path(id, rest), { method, headers: OPERATOR });
        expect(await problemOf(response)).toEqual({ status: 404, code: "tenant_not_found", paths: [] });
      }
    }
  });
});

describe("the list", () => {
  test("shows every tenant once, page by page, with its open tasks", async () => {
    const made: Tenant[] = [];
    for (let turn = 0; turn < 3; turn++) made.push(await openTenant());
    const [first] = made;
    if (first === undefined) throw new Error("none made");
    await holdTask(first);
    for (const tenant of made) await carryHistory(tenant);
    const seen: { id: string; openTasks: number }[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "?limit=2" : `?limit=2&cursor=${cursor}`;
      const response = await call(`/admin/tenants${query}`, { headers: OPERATOR });
      const page = await response.json<{ data: typeof seen; nextCursor: string | null }>();
      expect(page.data.length).toBeLessThanOrEqual(2);
      seen.push(...page.data);
      cursor = page.nextCursor;
    } while (cursor !== null);
    const ids = seen.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(made.map(({ tenantId }) => tenantId)));
    expect(seen.find(({ id }) => id === first.tenantId)).toMatchObject({ object: "tenant", openTasks: 1 });
  });

  test.each(["limit=0", "limit=101", "cursor=x", "state=open"])("is not asked for with %s", async (query) => {
    const response = await call(`/admin/tenants?${query}`, { headers: OPERATOR });
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_parameter" });
  });
});

test("a tenant keeps the place that it was made for; a place that is none is refused", async () => {
  const response = await post("/admin/tenants", { name: "n", locationHint: "weur" }, OPERATOR);
  const made = await response.json<{ id: string }>();
  expect(made).toMatchObject({ locationHint: "weur" });
  const shown = await call(path(made.id), { headers: OPERATOR });
  expect(await shown.json()).toMatchObject({ id: made.id, name: "n", locationHint: "weur", openTasks: 0 });
  const nowhere = await post("/admin/tenants", { name: "n", locationHint: "moon" }, OPERATOR);
  expect(await problemOf(nowhere)).toMatchObject({ status: 400, paths: ["locationHint"] });
});

describe("a suspended tenant", () => {
  let tenant: Tenant;
  let held: TaskId;
  beforeAll(async () => {
    tenant = await openTenant();
    held = await holdTask(tenant);
    await order(tenant, "suspend");
  });
  const submit = async (headers: Record<string, string> = {}) =>
    post("/v1/tasks", { prompt: "p" }, { ...tenant.auth, ...headers });

  test("takes no task", async () => {
    const ways: Record<string, string>[] = [{}, { "Idempotency-Key": "k" }];
    for (const headers of ways) {
      const refused = await submit(headers);
      expect(await problemOf(refused)).toEqual({ status: 403, code: "tenant_suspended", paths: [] });
    }
    expect((await tenant.market.heldTasks()).map(({ taskId }) => taskId)).toEqual([held]);
  });

  test("is not told apart from others by who has no key", async () => {
    const bad = { Authorization: `${tenant.auth.Authorization.slice(0, -48)}${"0".repeat(48)}` };
    expect((await submit(bad)).status).toBe(401);
  });

  test("is read, its keys are managed, and what runs goes on and may be cancelled", async () => {
    for (const route of ["/v1/tasks", `/v1/tasks/${held}`, "/v1/usage", "/v1/budget", "/v1/keys"])
      expect((await call(route, { headers: tenant.auth })).status).toBe(200);
    expect(await tenant.market.renewAuction(held, 1)).toBe("continue");
    expect((await post(`/v1/tasks/${held}/cancel`, {}, tenant.auth)).status).toBe(200);
  });

  test("stays suspended since when it was, and takes tasks again once it is resumed", async () => {
    const { suspendedAt } = await read(tenant);
    expect(suspendedAt).toMatch(/Z$/);
    expect(await (await order(tenant, "suspend")).json()).toMatchObject({ suspendedAt });
    expect(await (await order(tenant, "resume")).json()).toMatchObject({ suspendedAt: null });
    expect((await submit()).status).toBe(202);
  });
});

describe("a deleted tenant", () => {
  test("with open tasks is refused, and told how many; forced, it is gone, and its counts are zero", async () => {
    const tenant = await openTenant();
    await failedTask(tenant);
    const held = await holdTask(tenant, {}, { asksAtOnce: true });
    const refused = await remove(tenant);
    const { error } = await refused.clone().json<{ error: { details: object } }>();
    expect(await problemOf(refused)).toEqual({ status: 409, code: "tenant_has_open_tasks", paths: [] });
    expect(error.details).toEqual({ openTasks: 1 });
    expect((await call("/v1/tasks", { headers: tenant.auth })).status).toBe(200);

    const forced = await remove(tenant, "?force=true");
    expect(forced.status).toBe(202);
    expect(await forced.json()).toMatchObject({ deleted: false, before: null, left: { openTasks: 1 } });
    expect(await read(tenant)).toMatchObject({ deletingAt: expect.any(String) });
    expect((await call("/v1/tasks", { headers: tenant.auth })).status).toBe(401);
    // Its holder never comes back: the task's room ends it when the lease is over.
    const room = taskStub<TaskRoomPort>(tenant.tenantId, held);
    await endStopped(room);

    const done = await remove(tenant);
    expect(done.status).toBe(200);
    const report = await done.json<{ before: object; after: { rows: Record<string, number> } }>();
    expect(report).toMatchObject({
      object: "tenant_deletion",
      id: tenant.tenantId,
      deleted: true,
      before: { rows: { tenants: 1, tasks: 2 }, taskRooms: 2, marketRooms: 1 },
      after: { vectors: 0, taskRooms: 0, marketRooms: 0 },
    });
    expect(new Set(Object.values(report.after.rows))).toEqual(new Set([0]));
    expect(await room.holdsStorage()).toBe(false);
  });

  test("is like one that never was: to its keys, to its operator, and in the list", async () => {
    const tenant = await openTenant();
    const taskId = await failedTask(tenant);
    expect((await remove(tenant)).status).toBe(200);
    const ulid = newId("ten", config.source).slice("ten_".length);
    const never = { Authorization: `Bearer sr_${ulid}_${"0".repeat(48)}` };
    for (const route of ["/v1/tasks", `/v1/tasks/${taskId}`, "/v1/keys", "/v1/agents"]) {
      const seen = await fingerprint(await call(route, { headers: tenant.auth }));
      expect(seen).toEqual(await fingerprint(await call(route, { headers: never })));
    }
    const submitted = await post("/v1/tasks", { prompt: "p" }, tenant.auth);
    expect(await problemOf(submitted)).toMatchObject({ status: 401 });
    for (const response of [await remove(tenant), await order(tenant, "resume")])
      expect(await problemOf(response)).toMatchObject({ status: 404, code: "tenant_not_found" });
    const list = await (await call("/admin/tenants", { headers: OPERATOR })).text();
    expect(list).not.toContain(tenant.tenantId);
  });

  test("leaves every other tenant as it was", async () => {
    const [gone, stays] = [await openTenant(), await openTenant()];
    await failedTask(gone);
    const taskId = await failedTask(stays);
    await carryHistory(stays);
    const listOf = async () => (await call("/v1/tasks", { headers: stays.auth })).text();
    const before = await listOf();
    expect((await remove(gone)).status).toBe(200);
    expect(await listOf()).toBe(before);
    const task = await taskOf(await call(`/v1/tasks/${taskId}`, { headers: stays.auth }));
    expect(task).toMatchObject({ id: taskId, state: "failed" });
  });

  test.each(["force=yes", "force", "soft=true"])("is not asked for with %s", async (query) => {
    const tenant = await openTenant();
    const response = await remove(tenant, `?${query}`);
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_parameter" });
    expect(await read(tenant)).toMatchObject({ deletingAt: null });
  });
});

/** As the room's alarm does once the holder's time is over; the clock stays there. */
async function endStopped(room: DurableObjectStub): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + config.leaseMs + 1 });
  await runDurableObjectAlarm(room);
}
