/** Tasks of a tenant's that wait for a verdict from outside, made through the rooms. */
import { vi } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { aUsage } from "../../support/builders.ts";
import { config, holdTask, type Tenant } from "./support.ts";

/** Awarded to the cheapest agent, which has handed in `41`: its verifier has not been asked yet. */
export async function taskWithResult(tenant: Tenant, input: Partial<TaskInput> = {}): Promise<TaskId> {
  const taskId = await holdTask(tenant, { policy: "cheapest", verifier: { type: "user" }, ...input });
  const nothing = { bids: [], verdicts: [], task: "", vector: null, tail: null };
  const cleared = await tenant.market.clear({ taskId, generation: 1, ...nothing });
  if (!cleared.ok || cleared.value.state !== "awarded") throw new Error("not awarded");
  const { agentId } = cleared.value;
  const room = tenant.room(taskId);
  await vi.waitFor(async () => {
    if (!(await room.takeTrace(1, 1)).ok) throw new Error("not taken");
  });
  const callId = newId("cal", config.source);
  const [usage, costMicros] = [aUsage(), asMicros(100)];
  await room.startTraceCall(1, { callId, kind: "trace", agentId, boundMicros: costMicros });
  const step = { step: 1, text: "41", toolCalls: [], assistant: null, usage, costMicros };
  await room.commitAnswer(1, { callId, bill: { status: "billed", usage, costMicros }, ms: 1 }, step, "41");
  return taskId;
}

export async function waitingTask(tenant: Tenant, input: Partial<TaskInput> = {}): Promise<TaskId> {
  const taskId = await taskWithResult(tenant, input);
  await tenant.room(taskId).waitForUser(1);
  return taskId;
}
