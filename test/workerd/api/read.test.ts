/** Reading one task and stopping it; whose it is; and what a path leads to that is nobody's. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aBid, aCommit, aUsage } from "../../support/builders.ts";
import { marketStub, taskStub } from "../stubs.ts";
import {
  call, carryHistory, config, failedTask, fingerprint, holdTask, openTenant, problemOf, taskOf, type Tenant,
} from "./support.ts"; // oxfmt-ignore

let tenant: Tenant;
let other: Tenant;
beforeAll(async () => {
  tenant = await openTenant();
  other = await openTenant();
});

const get = async (path: string, who: Tenant = tenant) => call(`/v1/tasks/${path}`, { headers: who.auth });
const cancel = async (id: string, who: Tenant = tenant) =>
  call(`/v1/tasks/${id}/cancel`, { method: "POST", headers: who.auth });

describe("an open task", () => {
  test("shows where it stands, in full", async () => {
    const id = await holdTask(tenant, { metadata: { run: "7" }, limits: { deadlineS: 60 } });
    const response = await get(id);
    expect(response.status).toBe(200);
    const task = await response.json<Record<string, unknown>>();
    const nothing = aUsage({ inputTokens: 0, outputTokens: 0 });
    expect(task).toEqual({
      object: "task",
      id,
      state: "admitted",
      waitsFor: "auction",
      waitsUntil: null,
      outcome: null,
      failureReason: null,
      noSale: null,
      quote: null,
      sequence: 1,
      agentId: null,
      attempts: 0,
      earlierAttempts: [],
      calibrates: null,
      steps: 0,
      queueMessages: 0,
      result: null,
      partialResult: null,
      verdict: null,
      costMicros: 0,
      costUsd: 0,
      costs: {
        embedMicros: 0,
        bidMicros: 0,
        juryMicros: 0,
        refineMicros: 0,
        traceMicros: 0,
        judgeMicros: 0,
      },
      usage: { embed: nothing, bid: nothing, jury: nothing, refine: nothing, trace: nothing, judge: nothing },
      admittedAt: expect.any(String),
      deadlineAt: expect.any(String),
      endedAt: null,
      lastEvent: 1,
      metadata: { run: "7" },
    });
    expect(Date.parse(String(task["deadlineAt"])) - Date.parse(String(task["admittedAt"]))).toBe(60_000);
  });

  test("has a trace without steps", async () => {
    const id = await holdTask(tenant);
    const response = await get(`${id}/trace`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ object: "trace", taskId: id, steps: [], calls: [] });
  });

  test("counts a call at its bound until its bill is in", async () => {
    const id = await holdTask(tenant);
    const room = tenant.room(id);
    const begun = await room.beginAuction(1, null);
    if (!begun.ok) throw new Error(begun.failure.reason);
    const [agent] = begun.value.opening.pool;
    if (agent === undefined) throw new Error("a pool has agents");
    const callId = newId("cal", config.source);
    const bid = aBid({ agentId: agent.id });
    const boundMicros = asMicros(9_000);
    await room.commitAuction(
      1,
      aCommit({ started: [{ callId, kind: "bid", agentId: agent.id, boundMicros }] }),
    );
    expect(await taskOf(await get(id))).toMatchObject({ costMicros: 9_000, costs: { bidMicros: 9_000 } });
    const bill = { status: "billed", usage: aUsage(), costMicros: bid.costMicros } as const;
    await room.commitAuction(1, aCommit({ bids: [{ call: { callId, ms: bid.ms, bill }, bid }] }));
    expect(await taskOf(await get(id))).toMatchObject({
      state: "bidding",
      costMicros: bid.costMicros,
      costUsd: bid.costMicros / 1_000_000,
      costs: { embedMicros: 0, bidMicros: bid.costMicros, juryMicros: 0, refineMicros: 0, traceMicros: 0 },
      usage: { bid: aUsage() },
    });
  });

  test("is the same after its rooms were evicted", async () => {
    const id = await holdTask(tenant);
    const before = await taskOf(await get(id));
    await evictDurableObject(taskStub(tenant.tenantId, id));
    await evictDurableObject(marketStub(tenant.tenantId));
    expect(await taskOf(await get(id))).toEqual(before);
  });
});

describe("a task that is not the caller's", () => {
  const PLACES = ["", "/trace", "/events", "/cancel"] as const;

  test.each(PLACES)("is at %j like one that never was, and like an id that is none", async (place) => {
    const theirs = await holdTask(other);
    const ask = async (id: string) =>
      call(`/v1/tasks/${id}${place}`, { method: place === "/cancel" ? "POST" : "GET", headers: tenant.auth });
    const unknown = await ask(newId("tsk", config.source));
    const refusal = await fingerprint(unknown.clone());
    expect(await problemOf(unknown)).toEqual({ status: 404, code: "task_not_found", paths: [] });
    for (const id of [
      theirs,
      "x",
      theirs.toUpperCase(),
      `${theirs}0`,
      tenant.tenantId,
      "tsk_",
      "%ff",
      "a%2Fb",
    ]) {
      expect({ id, ...(await fingerprint(await ask(id))) }).toEqual({ id, ...refusal });
    }
    expect(await other.room(theirs).view()).toMatchObject({ state: "admitted" });
  });

  test("is not found by resuming its events either", async () => {
    const theirs = await holdTask(other);
    const headers = { ...tenant.auth, "Last-Event-ID": "1" };
    const response = await call(`/v1/tasks/${theirs}/events`, { headers });
    expect(await problemOf(response)).toEqual({ status: 404, code: "task_not_found", paths: [] });
  });
});

describe("cancel", () => {
  test("ends a task that nobody works on at once, and for good", async () => {
    const id = await holdTask(tenant);
    const response = await cancel(id);
    expect(response.status).toBe(200);
    const task = await taskOf(response);
    expect(task).toMatchObject({ id, state: "cancelled", failureReason: null, outcome: null });
    expect(await taskOf(await cancel(id))).toEqual(task);
    expect(await taskOf(await get(id))).toEqual(task);
  });

  test("lets a holder bring its bills: the task is cancelled once the holder has stopped", async () => {
    const id = await holdTask(tenant);
    await tenant.room(id).beginAuction(1, null);
    expect(await taskOf(await cancel(id))).toMatchObject({ state: "bidding" });
    expect(await tenant.market.renewAuction(id, 1)).toBe("ended");
    await tenant.room(id).endAuction(1, "stopped");
    expect(await taskOf(await get(id))).toMatchObject({ state: "cancelled" });
  });

  test("does not change how a task ended, nor once it has left the room", async () => {
    const id = await failedTask(tenant);
    const failed = { state: "failed", failureReason: "no_bids" };
    expect(await taskOf(await cancel(id))).toMatchObject(failed);
    await carryHistory(tenant);
    const response = await cancel(id);
    expect(response.status).toBe(200);
    expect(await taskOf(response)).toMatchObject(failed);
  });

  test("reaches a task that waits for its turn, and the next one gets it", async () => {
    const strict = await openTenant({ ordering: "strict" });
    const ids: TaskId[] = [];
    for (let turn = 0; turn < 3; turn++) ids.push(await holdTask(strict));
    const [running, waiting, last] = ids;
    expect(await taskOf(await cancel(waiting ?? "", strict))).toMatchObject({ state: "cancelled" });
    expect(await taskOf(await cancel(running ?? "", strict))).toMatchObject({ state: "cancelled" });
    const states = Object.fromEntries(
      (await strict.market.heldTasks()).map((row) => [row.taskId, row.state]),
    );
    expect(states).toEqual({
      [running ?? ""]: "cancelled",
      [waiting ?? ""]: "cancelled",
      [last ?? ""]: "bidding",
    });
  });
});
