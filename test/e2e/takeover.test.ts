/**
 * A provider that dies in the middle of a trace, on the whole stack: the runner-up goes on from the last committed step.
 *
 * Judged by what a client sees, and by the emulators' own log of calls.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTask, readTrace, submitTask, type Access } from "../../emulators/demo/api.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import type { FaultRule } from "../../emulators/faults/fault-rule.ts";
import type { CallRow } from "../../emulators/log/call-row.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import { recompute } from "../../src/market/receipt-recompute.ts";
import { signedReceiptSchema } from "../../src/market/receipt-schema.ts";

const MODELS = ["4b", "8b", "14b", "32b"].map((size) => `house-emulated-${size}`);
/** A question whose agents read two documents; what stands in both of them is in the prompt from the first step on. */
const TASK = "leave-days-part-time";
const READ = ["# Staff list, 1 May 2031", "# Handbook", "| name | team |", "leave"];
/** Failures that are answers. */
const BILLED = ["empty", "malformed"];
/** So slow that there is time between an award and the answer to its first step. */
const SLOW = { latencyMs: { min: 1_500, max: 1_500, match: "You carry out a task" } } as const;
/** A call that hangs is given up soon. */
const VARS = { MODEL_CALL_MS: "4000", MODEL_STALL_MS: "3000" };

let directory: string;
let stack: SpawnedStack;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-takeover-"));
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true, vars: VARS });
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

async function setFaults(model: string, rule: FaultRule): Promise<void> {
  const response = await fetch(`${stack.emulatorUrl}/emulator/faults/${model}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(rule),
  });
  expect(response.status).toBe(200);
}

async function forget(what: "faults" | "calls"): Promise<void> {
  await fetch(`${stack.emulatorUrl}/emulator/${what}`, { method: "DELETE" });
}

function modelOf(agentId: string): string {
  return agentId.replace("agt_house-", "house-emulated-");
}

/** The calls that its model answered whole. */
async function answeredCalls(agentId: string): Promise<CallRow[]> {
  const response = await fetch(`${stack.emulatorUrl}/emulator/calls?model=${modelOf(agentId)}`);
  const { calls } = await response.json<{ calls: CallRow[] }>();
  return calls.filter(({ status }) => status === "ok");
}

/** The winner's provider fails from its second step on. */
async function runToTheEnd(access: Access, fault: FaultRule): Promise<TaskEvent[]> {
  await forget("faults");
  await forget("calls");
  for (const model of MODELS) await setFaults(model, SLOW);
  const task = workloadTasks(`${stack.emulatorUrl}/docs`).find(({ label }) => label === TASK);
  if (task === undefined) throw new Error(`no task ${TASK}`);
  const taskId = await submitTask(access, { ...task.input, policy: "sale:memory=off" });
  const events: TaskEvent[] = [];
  for await (const event of followEvents({ access, taskId })) {
    events.push(event);
    if (event.type !== "task-awarded" || event.attempt !== 1) continue;
    const winner = modelOf(event.agentId);
    await setFaults(winner, fault);
    for (const model of MODELS) if (model !== winner) await setFaults(model, {});
  }
  return events;
}

const match = READ;
/** `kept`: steps of the first agent that stand. */
test.each<[string, FaultRule, { reason: string; failures: number; kept?: number }]>([
  ["answers 500", { status500: { match } }, { reason: "provider_error", failures: 3 }],
  ["answers 429", { status429: { match, retryAfterS: 0 } }, { reason: "rate_limited", failures: 3 }],
  ["hangs", { hang: { match } }, { reason: "timeout", failures: 2 }],
  ["breaks off", { cutStreamAfterTokens: { match, tokens: 3 } }, { reason: "unreachable", failures: 3 }],
  ["says nothing", { emptyAnswer: { match } }, { reason: "empty", failures: 2 }],
  ["calls what nobody can read", { malformedJson: { match } }, { reason: "malformed", failures: 2, kept: 4 }],
])(
  "a provider that %s from the second step on is followed by the runner-up",
  { timeout: 120_000 },
  async (_, fault, { reason, failures, kept = 1 }) => {
    const { key } = await createTenant(stack, { name: `takeover ${reason}` });
    const access = { url: stack.url, key };
    const events = await runToTheEnd(access, fault);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_one, at) => at + 1));
    const of = <T extends TaskEvent["type"]>(type: T) =>
      events.filter((event): event is Extract<TaskEvent, { type: T }> => event.type === type);

    expect(of("call-failed").map((event) => [event.attempt, event.step, event.reason])).toEqual(
      Array.from({ length: failures }, () => [1, kept + 1, reason]),
    );
    const [handedOver, ...more] = of("trace-handed-over");
    expect([handedOver, more]).toMatchObject([{ attempt: 1, reason: "agent_failed", stepsSoFar: kept }, []]);
    const [first, second] = of("task-awarded");
    if (first === undefined || second === undefined) throw new Error("there were not two awards");
    expect([handedOver?.fromAgentId, handedOver?.toAgentId]).toEqual([first.agentId, second.agentId]);
    expect(second.seq).toBe((handedOver?.seq ?? 0) + 1);

    // Numbers go on, and nobody's step is made twice.
    const steps = of("step-committed");
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_one, at) => at + 1));
    expect(steps.map(({ attempt }) => attempt)).toEqual(steps.map((_one, at) => (at < kept ? 1 : 2)));
    expect(steps.length).toBeGreaterThan(kept);

    const taskId = of("task-admitted")[0]?.taskId ?? "";
    const view = await readTask(access, taskId);
    expect(view).toMatchObject({ state: "finished", agentId: second.agentId, steps: steps.length });
    const { calls } = await readTrace(access, taskId);
    for (const agentId of [first.agentId, second.agentId]) {
      const billed = calls.filter((call) => call.agentId === agentId && call.status === "billed");
      expect(await answeredCalls(agentId)).toHaveLength(billed.length);
    }
    const traceCalls = calls.filter(({ kind, status }) => kind === "trace" && status === "billed");
    expect(traceCalls).toHaveLength(steps.length + (BILLED.includes(reason) ? failures : 0));

    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch(`${stack.url}/v1/tasks/${taskId}/receipt`, { headers });
    const { receipt } = signedReceiptSchema.parse(await answer.json());
    expect(recompute(receipt)).toMatchObject({ ok: true });
    expect(receipt.decision).toMatchObject({ escalations: [{ agentId: second.agentId, takesOver: true }] });
    const budget = await (await fetch(`${stack.url}/v1/budget`, { headers })).text();
    expect(budget).toMatch(/"heldUsd":0[,}]/);
  },
);
