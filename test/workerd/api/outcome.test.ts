/** `POST /v1/tasks/:id/outcome`: who may tell a task's outcome, what is understood, and that it is told once. */
import { beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import {
  bodyOf,
  call,
  config,
  holdTask,
  keyWith,
  openTenant,
  post,
  problemOf,
  type Tenant,
} from "./support.ts";
import { waitingTask } from "./outcome-day.ts";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
});

const pathOf = (taskId: string) => `/v1/tasks/${taskId}/outcome`;
const tell = async (taskId: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  post(pathOf(taskId), body, { ...tenant.auth, ...headers });
const shown = async (taskId: string) =>
  (await call(`/v1/tasks/${taskId}`, { headers: tenant.auth })).json<Record<string, unknown>>();

describe("telling an outcome", () => {
  test("ends the task with it", async () => {
    const taskId = await waitingTask(tenant);
    const task = await shown(taskId);
    expect(task).toMatchObject({ state: "waiting", waitsFor: "user", verdict: null });
    expect(Date.parse(String(task["waitsUntil"])) - Date.now()).toBeGreaterThan(86_000_000);
    const told = await tell(taskId, { outcome: "pass", evidence: "looks right" });
    expect(told.status).toBe(200);
    const answer = { object: "outcome", taskId, attempt: 1, outcome: "pass", evidence: "looks right" };
    expect(await bodyOf(told)).toEqual(answer);
    expect(await shown(taskId)).toMatchObject({
      state: "finished",
      outcome: "pass",
      waitsFor: null,
      waitsUntil: null,
      verdict: { outcome: "pass", verifier: "user", evidence: "looks right" },
    });
    expect(await bodyOf(await tell(taskId, { outcome: "pass" }))).toEqual(answer);
  });

  test("otherwise than it stands is refused, and says how it stands", async () => {
    const taskId = await waitingTask(tenant);
    await tell(taskId, { outcome: "unknown" });
    const refused = await tell(taskId, { outcome: "pass" });
    expect(await refused.clone().json()).toMatchObject({
      error: { details: { attempt: 1, outcome: "unknown" } },
    });
    expect(await problemOf(refused)).toMatchObject({ status: 409, code: "outcome_settled" });
  });

  test("under an Idempotency-Key says of the same request that it was told, and refuses another", async () => {
    const taskId = await waitingTask(tenant);
    const key = { "Idempotency-Key": "o-1" };
    const first = await tell(taskId, { outcome: "fail" }, key);
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    const again = await tell(taskId, { outcome: "fail" }, key);
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await again.text()).toBe(await first.text());
    expect(await problemOf(await tell(taskId, { outcome: "pass" }, key))).toMatchObject({
      status: 409,
      code: "idempotency_conflict",
    });
  });

  test("of a task that does not wait for it is refused", async () => {
    const taskId = await holdTask(tenant);
    expect(await problemOf(await tell(taskId, { outcome: "pass" }))).toMatchObject({
      status: 409,
      code: "not_waiting",
    });
  });

  test("of a task that is none is 404, whatever is told", async () => {
    for (const body of [{ outcome: "pass" }, {}, { outcome: "maybe" }]) {
      const refused = await tell(newId("tsk", config.source), body);
      expect(await problemOf(refused)).toMatchObject({ status: 404, code: "task_not_found" });
    }
    expect((await tell("tsk_none", { outcome: "pass" })).status).toBe(404);
  });

  test.each([
    [{}, ["outcome"]],
    [{ outcome: "maybe" }, ["outcome"]],
    [{ outcome: "pass", evidence: "ä".repeat(2_049) }, ["evidence"]],
    [{ outcome: "pass", attempt: 0 }, ["attempt"]],
    [{ outcome: "pass", verdict: "pass" }, ["verdict"]],
  ])("as %j is not understood, and nothing is settled", async (body, paths) => {
    const taskId = await waitingTask(tenant);
    expect(await problemOf(await tell(taskId, body))).toEqual({ status: 400, code: "invalid_body", paths });
    expect((await shown(taskId))["state"]).toBe("waiting");
  });

  test("takes a key that may submit tasks, and no other", async () => {
    const taskId = await waitingTask(tenant);
    const reader = await keyWith(tenant, { scopes: ["read", "admin"] });
    const refused = await post(pathOf(taskId), { outcome: "pass" }, reader.auth);
    expect(await problemOf(refused)).toMatchObject({ status: 403, code: "forbidden" });
    expect((await post(pathOf(taskId), { outcome: "pass" })).status).toBe(401);
    const submitter = await keyWith(tenant, { scopes: ["tasks"] });
    expect((await post(pathOf(taskId), { outcome: "pass" }, submitter.auth)).status).toBe(200);
  });

  test("of another tenant's task is told as of one that never was", async () => {
    const taskId = await waitingTask(tenant);
    const other = await openTenant();
    const refused = await post(pathOf(taskId), { outcome: "fail" }, other.auth);
    expect(await problemOf(refused)).toMatchObject({ status: 404, code: "task_not_found" });
    expect((await shown(taskId))["state"]).toBe("waiting");
  });
});

describe("tasks that wait", () => {
  test("are listed by their state", async () => {
    const own = await openTenant();
    const taskId = await waitingTask(own);
    await holdTask(own);
    const listed = await call("/v1/tasks?state=waiting", { headers: own.auth });
    expect(await listed.json()).toMatchObject({ data: [{ id: taskId, state: "waiting" }], nextCursor: null });
  });

  test.each([9, 604_801, 1.5])("cannot be asked to wait %s seconds", async (timeoutS) => {
    const refused = await post(
      "/v1/tasks",
      { prompt: "p", verifier: { type: "user", timeoutS } },
      tenant.auth,
    );
    expect(await problemOf(refused)).toMatchObject({ status: 400, paths: ["verifier.timeoutS"] });
  });
});
