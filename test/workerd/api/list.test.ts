/** `GET /v1/tasks`: newest first, page by page, each task once, whether the room or the history has it. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { writeHistory } from "../../../src/history/write-history.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import type { MarketRoomApi } from "../../../src/tenancy/market-room-api.ts";
import {
  appWith, call, carryHistory, config, failedTask, holdTask, openTenant, ORIGIN, problemOf, type Tenant,
} from "./support.ts"; // oxfmt-ignore

interface Page {
  readonly object: string;
  readonly data: readonly { readonly object: string; readonly id: string; readonly state: string }[];
  readonly nextCursor: string | null;
}

async function page(tenant: Tenant, query = ""): Promise<Page> {
  const response = await call(`/v1/tasks${query}`, { headers: tenant.auth });
  expect(response.status).toBe(200);
  return response.json<Page>();
}

/** Every id that paging through with this query shows, in order. */
async function allIds(tenant: Tenant, query: string): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const next: Page = await page(tenant, `?${query}${cursor === null ? "" : `&cursor=${cursor}`}`);
    ids.push(...next.data.map((task) => task.id));
    cursor = next.nextCursor;
  } while (cursor !== null && ids.length < 100);
  return ids;
}

/** Newest first, as the API has it: ids sort by time. */
const newestFirst = (ids: readonly TaskId[]) => ids.toSorted((a, b) => (a < b ? 1 : -1));

/** D1 gets the room's rows, and the room has not been told yet that it did. */
async function writeWithoutTelling(tenant: Tenant): Promise<void> {
  const { written, parked } = await writeHistory(env.DB, [...(await tenant.market.historyBatch(1_000))]);
  expect(written.length).toBeGreaterThan(0);
  expect(parked).toEqual([]);
}

test("a tenant without tasks has an empty list", async () => {
  expect(await page(await openTenant())).toEqual({ object: "list", data: [], nextCursor: null });
});

test("a task of a list shows its figures", async () => {
  const tenant = await openTenant();
  const id = await failedTask(tenant);
  const { data } = await page(tenant);
  expect(data).toEqual([
    {
      object: "task",
      id,
      sequence: 1,
      state: "failed",
      outcome: null,
      failureReason: "no_bids",
      noSaleReason: null,
      agentId: null,
      attempts: 0,
      calibrates: null,
      costMicros: expect.any(Number),
      costUsd: expect.any(Number),
      admittedAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
    },
  ]);
  await carryHistory(tenant);
  expect((await page(tenant)).data).toEqual(data);
});

describe("tasks in the room, in the history, and in both", () => {
  let tenant: Tenant;
  /** Settled, and in the history alone. */
  const past: TaskId[] = [];
  /** Open and settled, in the room and, as the room does not know yet, in the history too. */
  const both: TaskId[] = [];
  /** In the room alone. */
  const fresh: TaskId[] = [];
  const cancelled: TaskId[] = [];
  const all = () => newestFirst([...past, ...both, ...fresh]);

  async function cancel(id: TaskId): Promise<void> {
    await tenant.market.cancel(id);
    cancelled.push(id);
  }

  beforeAll(async () => {
    tenant = await openTenant();
    const stranger = await openTenant();
    for (let count = 0; count < 3; count++) past.push(await holdTask(tenant));
    for (const id of past) await cancel(id);
    await carryHistory(tenant);
    if ((await tenant.market.heldTasks()).length > 0)
      throw new Error("the history has them, and the room still does");
    for (let count = 0; count < 4; count++) both.push(await holdTask(tenant));
    for (const id of both.slice(0, 2)) await cancel(id);
    await writeWithoutTelling(tenant);
    // The history saw this one open; meanwhile it has ended.
    await cancel(both[2] as TaskId);
    for (let count = 0; count < 2; count++) fresh.push(await holdTask(tenant));
    await holdTask(stranger);
    await failedTask(stranger);
    await carryHistory(stranger);
  });

  test("are listed once each, newest first, and no other tenant's among them", async () => {
    const { data, nextCursor } = await page(tenant);
    expect(data.map((task) => task.id)).toEqual(all());
    expect(nextCursor).toBeNull();
  });

  test.each([1, 2, 3, 4, 8, 9, 100])("are all met, once each, in pages of %d", async (limit) => {
    expect(await allIds(tenant, `limit=${limit}`)).toEqual(all());
  });

  test("show the room's word where the history lags", async () => {
    const task = (await page(tenant)).data.find(({ id }) => id === both[2]);
    expect(task?.state).toBe("cancelled");
  });

  test.each([1, 2, 100])("of one state are all met in pages of %d, and no others", async (limit) => {
    expect(await allIds(tenant, `state=cancelled&limit=${limit}`)).toEqual(newestFirst(cancelled));
    const open = all().filter((id) => !cancelled.includes(id));
    expect(await allIds(tenant, `state=bidding&limit=${limit}`)).toEqual(open);
    expect(await allIds(tenant, `state=finished&limit=${limit}`)).toEqual([]);
  });

  test("after a cursor begin with the next older one, also where the cursor names no task", async () => {
    const [newest, second] = all();
    const after = await page(tenant, `?cursor=${newest}&limit=1`);
    expect(after.data.map((task) => task.id)).toEqual([second]);
    const afterAll = await page(tenant, `?cursor=tsk_${"0".repeat(26)}`);
    expect(afterAll).toEqual({ object: "list", data: [], nextCursor: null });
  });

  test("admitted while a client pages do not move what it has yet to see", async () => {
    const first = await page(tenant, "?limit=4");
    fresh.push(await holdTask(tenant));
    const rest = await page(tenant, `?limit=100&cursor=${first.nextCursor}`);
    expect([...first.data, ...rest.data].map((task) => task.id)).toEqual(all().slice(1));
  });
});

test("tasks that the history still calls failed, though they were redriven, hide none behind them", async () => {
  const tenant = await openTenant();
  const failed = [await failedTask(tenant), await failedTask(tenant)];
  await carryHistory(tenant);
  const redriven: TaskId[] = [];
  for (let count = 0; count < 4; count++) redriven.push(await holdTask(tenant));
  await writeWithoutTelling(tenant);
  // As a redrive leaves them until the history is told.
  for (const id of redriven)
    await env.DB.prepare("UPDATE tasks SET state = 'failed' WHERE task_id = ?").bind(id).run();
  for (const limit of [1, 2, 3, 100])
    expect(await allIds(tenant, `state=failed&limit=${limit}`)).toEqual(newestFirst(failed));
  expect(await allIds(tenant, "limit=2")).toEqual(newestFirst([...failed, ...redriven]));
});

test("a task that moves from the room to the history while it is listed is not missed", async () => {
  const tenant = await openTenant();
  const id = await failedTask(tenant);
  // The history's consumer runs while the request is under way, just before the room is asked.
  const market = {
    authorize: async (keyHash: string) => tenant.market.authorize(keyHash),
    heldTasks: async () => {
      await carryHistory(tenant);
      return tenant.market.heldTasks();
    },
  } satisfies Partial<MarketRoomApi>;
  const racing = { ...config, marketRoom: <Port>() => market as unknown as Port };
  const app = appWith(racing);
  const request = new Request(`${ORIGIN}/v1/tasks`, { headers: tenant.auth });
  const response = await app.fetch(request, env, createExecutionContext());
  expect((await response.json<Page>()).data.map((task) => task.id)).toEqual([id]);
});

describe("a query", () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await openTenant();
  });

  test.each([
    ["limit=0", "query limit"],
    ["limit=101", "query limit"],
    ["limit=1.5", "query limit"],
    ["limit=many", "query limit"],
    ["limit=", "query limit"],
    ["cursor=x", "query cursor"],
    ["cursor=ten_01k00000000000000000000000", "query cursor"],
    ["state=done", "query state"],
    ["state=", "query state"],
    ["page=2", "query page"],
  ])("%s is refused, and the parameter is named", async (query, path) => {
    const response = await call(`/v1/tasks?${query}`, { headers: tenant.auth });
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_parameter", paths: [path] });
  });
});
