/** What the API answers when rooms do not: found in review. */
import type { Opening } from "../../../src/market/auction-record.ts";
import type { TaskId, TenantId } from "../../../src/market/ids.ts";
import type { TaskRoomApi } from "../../../src/taskroom/task-room-api.ts";
import type { TaskRoomPort } from "../../../src/tenancy/task-room-port.ts";
import { taskStub } from "../stubs.ts";
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { aTaskSpec } from "../../support/builders.ts";
import { appWith, call, config, openTenant, ORIGIN, problemOf } from "../api/support.ts";

const JSON_HEADERS = { "Content-Type": "application/json" };

test("a task that was admitted is not answered with task_not_found while its room cannot be reached", async () => {
  const tenant = await openTenant();
  // What this Worker sees while the market room could not yet deliver `open`: an empty task room.
  const broken = {
    ...config,
    taskRoom: () => ({
      beginAuction: async () => ({ ok: false, failure: { reason: "ended" } }),
      view: async () => null,
    }),
  } as unknown as typeof config;
  const app = appWith(broken);
  const response = await app.fetch(
    new Request(`${ORIGIN}/v1/tasks`, {
      method: "POST",
      body: JSON.stringify({ prompt: "p" }),
      headers: { ...tenant.auth, ...JSON_HEADERS },
    }),
    env,
    createExecutionContext(),
  );
  expect((await tenant.market.heldTasks()).length).toBe(1);
  expect(response.status).not.toBe(404);
});

test("a replay delivers what is still owed to the task that it names", async () => {
  const tenant = await openTenant();
  const first = await tenant.market.admit({
    keyHash: tenant.keyHash,
    taskId: "tsk_01k00000000000000000000000" as never,
    auctionId: "auc_01k00000000000000000000000" as never,
    seed: 1,
    spec: aTaskSpec({ prompt: "p" }),
    idempotency: { key: "other", bodyHash: "x" },
    asksAtOnce: true,
  });
  expect(first.ok).toBe(true);
  // As if the Worker that was given the auction had died before it opened the task's room.
  expect(await tenant.room("tsk_01k00000000000000000000000" as never).view()).toBeNull();
  const again = await tenant.market.admit({
    keyHash: tenant.keyHash,
    taskId: "tsk_01k00000000000000000000001" as never,
    auctionId: "auc_01k00000000000000000000001" as never,
    seed: 1,
    spec: aTaskSpec({ prompt: "p" }),
    idempotency: { key: "other", bodyHash: "x" },
    asksAtOnce: true,
  });
  expect(again).toMatchObject({ ok: true, value: { replayed: true } });
  expect(await tenant.room("tsk_01k00000000000000000000000" as never).view()).not.toBeNull();
});

test("a json_schema nested deeply is a 4xx", async () => {
  const tenant = await openTenant();
  const deep = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
  const response = await call("/v1/tasks", {
    method: "POST",
    body: `{"prompt":"p","verifier":{"type":"json_schema","schema":${deep}}}`,
    headers: { ...tenant.auth, ...JSON_HEADERS },
  });
  expect((await problemOf(response)).status).toBe(400);
});

test("a list takes only the states that it can show", async () => {
  const tenant = await openTenant();
  const response = await call("/v1/tasks?state=judging", { headers: tenant.auth });
  expect(await problemOf(response)).toEqual({
    status: 400,
    code: "invalid_parameter",
    paths: ["query state"],
  });
});

test("a room that is being restarted is unavailable (503), not a bug of ours (500)", async () => {
  const tenant = await openTenant();
  const reset = Object.assign(new Error("Durable Object reset because its code was updated."), {
    retryable: true,
    remote: true,
  });
  const broken = {
    ...config,
    marketRoom: () => ({
      authorize: async () => {
        throw reset;
      },
    }),
  } as unknown as typeof config;
  const app = appWith(broken);
  const response = await app.fetch(
    new Request(`${ORIGIN}/v1/agents`, { headers: tenant.auth }),
    env,
    createExecutionContext(),
  );
  expect((await problemOf(response)).status).toBe(503);
});

test("a task whose auction could not begin is there to be read all the same", async () => {
  const tenant = await openTenant();
  const failing = {
    ...config,
    taskRoom: (tenantId: TenantId, taskId: TaskId) => {
      const room = taskStub<TaskRoomApi & TaskRoomPort>(tenantId, taskId);
      return {
        view: async () => room.view(),
        open: async (opening: Opening) => room.open(opening),
        beginAuction: async () => Promise.reject(new Error("the room restarts")),
      };
    },
  } as unknown as typeof config;
  const response = await appWith(failing).fetch(
    new Request(`${ORIGIN}/v1/tasks`, {
      method: "POST",
      headers: { ...tenant.auth, "Content-Type": "application/json" },
      body: JSON.stringify({ prompt: "p" }),
    }),
    env,
    createExecutionContext(),
  );
  expect(response.status).toBe(202);
  const { id } = await response.json<{ id: TaskId }>();
  // Who had been asked by then stays counted at its bound.
  const view = await tenant.room(id).view();
  expect(view?.state).toBe("admitted");
  expect(view?.costs.bidMicros).toBeGreaterThan(0);
});
