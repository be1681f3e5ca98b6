/** `/v1/tasks/{id}/trace` of more than one call between rooms may carry: five attempts, each near its own limit. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { MAX_ANSWER_BYTES, MAX_TRACE_BYTES } from "../../../src/market/journal-limits.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { aUsage } from "../../support/builders.ts";
import { taskStub } from "../stubs.ts";
import { call, holdTask, openTenant, type Tenant } from "./support.ts";

const ATTEMPTS = 5;
const STEPS = Math.floor(MAX_TRACE_BYTES / MAX_ANSWER_BYTES) - 1;

/** Steps as large as one may be, written as they are stored. */
async function withLargeSteps(tenant: Tenant, taskId: TaskId): Promise<void> {
  const stub: DurableObjectStub = taskStub(tenant.tenantId, taskId);
  const text = "x".repeat(MAX_ANSWER_BYTES - 1_000);
  await runInDurableObject(stub, async (_room, { storage }) => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      for (let step = 1; step <= STEPS; step += 1) {
        const answered = { step, text, toolCalls: [], assistant: null, usage: aUsage(), costMicros: 1 };
        const insert = "INSERT INTO steps (attempt, step, body, outcomes) VALUES (?, ?, ?, '[]')";
        storage.sql.exec(insert, attempt, step, JSON.stringify(answered));
      }
    }
    const award = JSON.stringify({ attempt: ATTEMPTS, agentId: "agt_a" });
    const update = "UPDATE doc SET body = json_set(body, '$.award', json(?)) WHERE name = 'task'";
    storage.sql.exec(update, award);
  });
}

const read = async (tenant: Tenant, taskId: TaskId) =>
  call(`/v1/tasks/${taskId}/trace`, { headers: tenant.auth });

test("has every step of every attempt, in order and once", async () => {
  const tenant = await openTenant();
  const taskId = await holdTask(tenant);
  await withLargeSteps(tenant, taskId);
  const response = await read(tenant, taskId);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  const trace = await response.json<{ steps: { attempt: number; step: number; text: string }[] }>();
  const order = Array.from({ length: ATTEMPTS * STEPS }, (_, at) => [
    Math.floor(at / STEPS) + 1,
    (at % STEPS) + 1,
  ]);
  expect(trace.steps.map(({ attempt, step }) => [attempt, step])).toEqual(order);
  expect(trace.steps.every(({ text }) => text.length === MAX_ANSWER_BYTES - 1_000)).toBe(true);
  expect(trace).toMatchObject({ object: "trace", taskId, calls: [] });
});

test("breaks off where its task is erased while it is read", async () => {
  const tenant = await openTenant();
  const taskId = await holdTask(tenant);
  await withLargeSteps(tenant, taskId);
  const response = await read(tenant, taskId);
  expect(response.status).toBe(200);
  const stub: DurableObjectStub = taskStub(tenant.tenantId, taskId);
  await runInDurableObject(stub, async (_room, { storage }) => {
    storage.sql.exec("DELETE FROM doc");
  });
  await expect(response.text()).rejects.toThrow("erased");
});
