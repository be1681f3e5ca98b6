/** The operator's calibrations over HTTP: who may, what is answered, and what a tenant can and cannot do about them. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { QUOTE_MS } from "../../../src/market/calibration/calibration.ts";
import type { AgentInput } from "../../../src/market/agent.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { auctionDeps, stopTheClock, traceDeps } from "../rooms/market-day.ts";
import { marketStub } from "../stubs.ts";
import {
  call, carryHistory, config, fingerprint, holdTask, openTenant, OPERATOR, post, problemOf, put, type Tenant,
} from "./support.ts"; // oxfmt-ignore

const anAgent = (id: string, output: number): AgentInput => ({
  id,
  name: id,
  model: id,
  provider: "workers-ai",
  usdPerMtok: { input: output / 2, output },
  priceSource: "made up for this test",
  contextTokens: 32_768,
  maxOutputTokens: 4_096,
  topLogprobs: 5,
});

let clock: ReturnType<typeof stopTheClock>;
let tenant: Tenant;
let other: Tenant;
/** Won and passed by agt_dear. */
let past: TaskId;
beforeAll(async () => {
  clock = stopTheClock();
  tenant = await openTenant({ pool: [anAgent("agt_cheap", 0.1), anAgent("agt_dear", 10)] });
  other = await openTenant();
  past = await holdTask(tenant, { verifier: { type: "equals", expected: "42" } });
  const score = (strategy: string) => (strategy === "check" ? 5 : 0);
  const models = new ScriptedModels({
    bids: { agt_cheap: "guess", agt_dear: "check" },
    verdicts: { agt_cheap: score, agt_dear: score },
  });
  await runAuction(auctionDeps(models), { tenantId: tenant.tenantId, taskId: past, generation: 1 });
  await carryOut(past, "42");
  await carryHistory(tenant);
});
afterAll(() => {
  vi.useRealTimers();
});

async function carryOut(taskId: TaskId, text: string): Promise<void> {
  const { tenantId } = tenant;
  const models = new ScriptedModels({ steps: [{ text }] });
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
}

const path = (id = "", of: Tenant = tenant) =>
  `/admin/tenants/${of.tenantId}/calibrations${id === "" ? "" : `/${id}`}`;
const get = (where: string) => call(where, { headers: OPERATOR });
const command = (where: string) => call(where, { method: "POST", headers: OPERATOR });

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly runs: readonly { readonly runTaskId: TaskId | null }[];
}
async function quote(tasks = 1): Promise<Shown> {
  const response = await post(path(), { tasks }, OPERATOR);
  expect(response.status).toBe(201);
  return response.json<Shown>();
}

describe("a calibration from quote to end", () => {
  test("is quoted in full, accepted, seen by the tenant as a task, and summed up", async () => {
    const quoted = await quote(3);
    const dear = await tenant.room(past).view();
    const expected = Math.ceil((dear?.costs.traceMicros ?? 0) / 100);
    const auctionId = (await tenant.room(past).receipt())?.task.auctionId;
    const run = {
      taskId: past,
      auctionId,
      agentId: "agt_cheap",
      expectedMicros: expected,
      boundMicros: expect.any(Number),
      status: "quoted",
      runTaskId: null,
      outcome: null,
      failureReason: null,
      cancelled: false,
      skipReason: null,
      costMicros: null,
    };
    const none = { bids_missing: 0, other_jury: 0, juror_lost: 0, entropy_missing: 0 };
    expect(quoted).toEqual({
      object: "calibration",
      id: expect.stringMatching(/^clb_[0-9a-z]{26}$/),
      state: "quoted",
      asked: 3,
      suitable: 1,
      examined: 1,
      unsuitable: { ...none, all_known: 0, task_erased: 0, agent_changed: 0 },
      runCount: 1,
      runsAtOnce: 8,
      expectedMicros: expected,
      expectedUsd: expected / 1_000_000,
      boundMicros: expect.any(Number),
      boundUsd: expect.any(Number),
      costMicros: 0,
      costUsd: 0,
      progress: { waiting: 1, running: 0, ended: 0, skipped: 0 },
      createdAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + QUOTE_MS).toISOString(),
      acceptedAt: null,
      agents: [
        {
          agentId: "agt_cheap",
          runs: 1,
          expectedMicrosPerRun: expected,
          basis: "scaled_by_price",
          traces: 1,
        },
        {
          agentId: "agt_dear",
          runs: 0,
          expectedMicrosPerRun: dear?.costs.traceMicros,
          basis: "own_mean",
          traces: 1,
        },
      ],
      tasks: [{ taskId: past, auctionId, tools: ["run_javascript", "http"] }],
      runs: [run],
    });

    // Lists go by ids, and ids by the clock.
    clock.pass(1_000);
    const where = path(quoted.id);
    expect(await (await command(`${where}/accept`)).json()).toMatchObject({ state: "running" });
    await runDurableObjectAlarm(marketStub(tenant.tenantId));
    expect(await (await get(path())).json()).toMatchObject({ data: [{ id: quoted.id, state: "running" }] });
    const taskId = (await (await get(where)).json<Shown>()).runs[0]?.runTaskId;
    if (taskId == null) throw new Error("no run has begun");

    const mark = { id: taskId, calibrates: { taskId: past, auctionId } };
    const mine = async () => (await call(`/v1/tasks/${taskId}`, { headers: tenant.auth })).json();
    const listed = async () =>
      (await (await call("/v1/tasks", { headers: tenant.auth })).json<{ data: object[] }>()).data;
    expect(await mine()).toMatchObject({ ...mark, state: "awarded" });
    expect(await listed()).toMatchObject([mark, { id: past, calibrates: null }]);
    await carryOut(taskId, "41");
    await carryHistory(tenant);
    // Now out of the history.
    expect(await listed()).toMatchObject([mark, { id: past, calibrates: null }]);
    expect(await mine()).toMatchObject({ ...mark, state: "finished", outcome: "fail" });
    expect((await call(`/v1/tasks/${taskId}`, { headers: other.auth })).status).toBe(404);

    const { costMicros } = (await tenant.room(taskId).view()) ?? {};
    const ended = await (await command(`${where}/accept`)).json();
    expect(ended).toMatchObject({
      state: "ended",
      costMicros,
      progress: { waiting: 0, running: 0, ended: 1, skipped: 0 },
      runs: [
        {
          ...run,
          boundMicros: expect.any(Number),
          status: "ended",
          runTaskId: taskId,
          outcome: "fail",
          costMicros,
        },
      ],
    });
    expect(await (await get(path())).json()).toEqual({ object: "list", data: [] });
  });
});

describe("a calibration is the operator's alone", () => {
  test("and nobody else is told anything", async () => {
    const { id } = await quote();
    for (const [method, where] of [
      ["POST", path()],
      ["GET", path()],
      ["GET", path(id)],
      ["POST", `${path(id)}/accept`],
      ["POST", `${path(id)}/cancel`],
    ] as const) {
      const nobody = await fingerprint(await call(where, { method }));
      expect(nobody).toMatchObject({ status: 401 });
      expect(await fingerprint(await call(where, { method, headers: tenant.auth }))).toEqual(nobody);
    }
    expect(await (await get(path(id))).json()).toMatchObject({ state: "quoted" });
  });

  test("and another tenant's is as unknown as none", async () => {
    const { id } = await quote();
    const never = newId("clb", config.source);
    for (const where of [path(id, other), path(never), path("clb_1"), path(other.tenantId)]) {
      for (const answer of [
        await get(where),
        await command(`${where}/accept`),
        await command(`${where}/cancel`),
      ]) {
        expect(await problemOf(answer)).toEqual({ status: 404, code: "calibration_not_found", paths: [] });
      }
    }
    expect(await (await get(path(id))).json()).toMatchObject({ state: "quoted" });
  });

  test("and needs a tenant that there is", async () => {
    const nobody = `/admin/tenants/${newId("ten", config.source)}/calibrations`;
    for (const where of [nobody, "/admin/tenants/x/calibrations"]) {
      for (const answer of [await post(where, { tasks: 1 }, OPERATOR), await get(where)]) {
        expect(await problemOf(answer)).toEqual({ status: 404, code: "tenant_not_found", paths: [] });
      }
    }
  });

  test.each<[unknown, string[]]>([
    [{}, ["tasks"]],
    [{ tasks: 0 }, ["tasks"]],
    [{ tasks: 101 }, ["tasks"]],
    [{ tasks: 1.5 }, ["tasks"]],
    [{ tasks: 1, agents: ["agt_cheap"] }, ["agents"]],
  ])("and %j is refused, with the field", async (body, paths) => {
    const refused = await problemOf(await post(path(), body, OPERATOR));
    expect(refused).toEqual({ status: 400, code: "invalid_body", paths });
  });

  test("and a quote that ran out is refused as such", async () => {
    const { id } = await quote();
    clock.pass(QUOTE_MS);
    const refused = await problemOf(await command(`${path(id)}/accept`));
    expect(refused).toEqual({ status: 409, code: "calibration_expired", paths: [] });
  });

  test("and other methods are told which there are", async () => {
    const refused = await call(`${path("clb_1")}/accept`, { headers: OPERATOR });
    expect([refused.status, refused.headers.get("Allow")]).toEqual([405, "POST"]);
  });
});

describe("a tenant cannot make one of its tasks a calibration run", () => {
  test.each<[string, object, string, string[]]>([
    ["by a policy's name", { policy: "calibration" }, "unknown_policy", ["policy"]],
    ["by a policy's name and an agent", { policy: "calibration:agt_cheap" }, "unknown_policy", ["policy"]],
    ["by a mark", { calibrates: { taskId: "tsk_1", auctionId: "auc_1" } }, "invalid_body", ["calibrates"]],
    ["by rules", { rules: { kind: "calibration" } }, "invalid_body", ["rules"]],
  ])("%s", async (_, fields, code, paths) => {
    const refused = await problemOf(await post("/v1/tasks", { prompt: "p", ...fields }, tenant.auth));
    expect(refused).toEqual({ status: 400, code, paths });
  });

  test("nor can its policy be one", async () => {
    const response = await put(`/admin/tenants/${tenant.tenantId}/policy`, { name: "calibration" });
    expect(await problemOf(response)).toEqual({ status: 400, code: "unknown_policy", paths: ["name"] });
  });
});
