/**
 * The demo's stack, killed twice with SIGKILL while its workload runs. Every acknowledged task ends once, by itself.
 *
 * Judged by the tasks' own journals, by the history, and by the emulators' call log, which outlives the kills.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTask, readTrace, submitTask, type Access, type ApiCall } from "../../emulators/demo/api.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import type { ModelSummary } from "../../emulators/log/call-row.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import { MortalStack } from "./support/mortal-stack.ts";

/** Short leases, so that the dead are missed soon; real time for models, so that there is a middle to be killed in. */
const VARS = { LEASE_MS: "1500", PICKUP_MS: "700" };
const EMULATOR_VARS = { LATENCY_SCALE: "0.1" };
const TASKS = 15;

let stack: MortalStack;
beforeAll(async () => {
  stack = await MortalStack.start("kills", { vars: VARS, emulatorVars: EMULATOR_VARS });
});
afterAll(async () => stack.end());

/** Resolves once the listeners have heard `count` events of this type. */
async function heard(events: readonly TaskEvent[], type: TaskEvent["type"], count: number): Promise<void> {
  while (events.filter((event) => event.type === type).length < count) await sleep(20);
}

describe("a stack that is killed twice", () => {
  test("loses no task, skips no event, and pays nothing twice", async () => {
    const { key } = await createTenant(stack.life, { name: "kills" });
    const access: Access = { url: stack.life.url, key };
    const tasks = workloadTasks(`${stack.life.emulatorUrl}/docs`).slice(0, TASKS);
    const ids = await Promise.all(tasks.map((task) => submitTask(access, task.input)));
    expect(new Set(ids).size).toBe(TASKS);

    const all: TaskEvent[] = [];
    const journals = ids.map(async (taskId) => {
      const journal: TaskEvent[] = [];
      for await (const event of followEvents({ access, taskId })) {
        journal.push(event);
        all.push(event);
      }
      return journal;
    });
    // Once among the auctions, once among the traces.
    await heard(all, "bid-received", 10);
    await stack.dieAndRise();
    await heard(all, "step-committed", 8);
    await stack.dieAndRise();

    for (const journal of await Promise.all(journals)) {
      expect(journal.map((event) => event.seq)).toEqual(journal.map((_, index) => index + 1));
      expect(journal.filter((event) => event.type === "auction-cleared")).toHaveLength(1);
      expect(journal.at(-1)?.type).toBe("task-finished");
      const steps = journal.flatMap((event) => (event.type === "step-committed" ? [event.step] : []));
      expect(steps).toEqual(steps.map((_, index) => index + 1));
    }
    await expectBillsToAgree(access, ids);
    await expectHistoryToAgree(access, ids);
  });
});

/** Every billed call is one that the emulators answered; what they answered and nobody booked stays unconfirmed. */
async function expectBillsToAgree(access: Access, ids: readonly string[]): Promise<void> {
  const traces = await Promise.all(ids.map((id) => readTrace(access, id)));
  const calls = traces.flatMap((trace) => trace.calls);
  expect(calls.filter((call) => call.status === "started")).toEqual([]);
  for (const [index, id] of ids.entries()) {
    // The house pays for calls whose work another holder did again.
    const own = (traces[index]?.calls ?? []).filter(({ payer }) => payer === "tenant");
    const counted = sum(own, (call) => Math.min(call.costMicros ?? 0, call.boundMicros));
    expect((await readTask(access, id)).costMicros).toBe(counted);
  }
  const response = await fetch(`${stack.life.emulatorUrl}/emulator/calls/summary`);
  const { models } = await response.json<{ models: ModelSummary[] }>();
  // The memory's model reports no usage: every call to it stands at its bound, and none was made unrecorded.
  const embeddings = calls.filter((call) => call.kind === "embed");
  expect(embeddings.filter((call) => call.agentId !== null || call.status === "billed")).toEqual([]);
  const embedded = models.find((one) => one.model.includes("bge"))?.ok ?? 0;
  expect(embedded).toBeGreaterThan(0);
  expect(embedded).toBeLessThanOrEqual(embeddings.filter((call) => (call.costMicros ?? 0) > 0).length);
  for (const summary of models.filter((one) => one.model.includes("house"))) {
    const mine = calls.filter(
      (call) => call.agentId !== null && summary.model.endsWith(call.agentId.replace("agt_house", "")),
    );
    const billed = mine.filter((call) => call.status === "billed");
    const unconfirmed = mine.filter((call) => call.status === "unconfirmed");
    expect(billed.length).toBeGreaterThan(0);
    expect(summary.ok - billed.length).toBeGreaterThanOrEqual(0);
    expect(summary.ok - billed.length).toBeLessThanOrEqual(unconfirmed.length);
    expect(sum(billed, (call) => call.usage?.outputTokens ?? 0)).toBeLessThanOrEqual(
      summary.completionTokens,
    );
    expect(sum(billed, (call) => call.usage?.inputTokens ?? 0)).toBeLessThanOrEqual(summary.promptTokens);
  }
}

/** The list, which reads the history once the room has let go, shows each task once, as its own room does. */
async function expectHistoryToAgree(access: Access, ids: readonly string[]): Promise<void> {
  const response = await fetch(`${access.url}/v1/tasks?limit=100`, {
    headers: { authorization: `Bearer ${access.key}` },
  });
  const { data } = await response.json<{
    data: { id: string; state: string; outcome: string; costMicros: number }[];
  }>();
  expect(data.map((task) => task.id).toSorted()).toEqual([...ids].toSorted());
  for (const listed of data) {
    const { state, outcome, costMicros } = await readTask(access, listed.id);
    expect(listed).toMatchObject({ state, outcome, costMicros });
  }
}

function sum(calls: readonly ApiCall[], of: (call: ApiCall) => number): number {
  return calls.reduce((total, call) => total + of(call), 0);
}
