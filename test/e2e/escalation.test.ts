/** A task that no agent passes, on the whole stack with its queue: everyone tries once, and all of it is told in order. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTask, submitTask } from "../../emulators/demo/api.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import { recompute } from "../../src/market/receipt-recompute.ts";
import { signedReceiptSchema } from "../../src/market/receipt-schema.ts";
import { FINAL_STATES } from "../../src/market/task.ts";

let directory: string;
let stack: SpawnedStack;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-escalation-"));
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true });
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

test(
  "is sold to one agent after the other, told what was wrong before it",
  { timeout: 120_000 },
  async () => {
    const { key } = await createTenant(stack, { name: "escalated" });
    const access = { url: stack.url, key };
    const [task] = workloadTasks(`${stack.emulatorUrl}/docs`);
    if (task === undefined) throw new Error("the workload is empty");
    const verifier = { type: "equals", expected: "what nobody hands in" } as const;
    const escalation = { mode: "verified", maxAttempts: 3 } as const;
    const taskId = await submitTask(access, { ...task.input, verifier, escalation });
    const isFinal = (state: string) => FINAL_STATES.some((final) => final === state);
    while (!isFinal((await readTask(access, taskId)).state)) await sleep(100);

    const get = async (path: string) =>
      fetch(`${stack.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } });
    const view = (await (await get(`tasks/${taskId}`)).json()) as {
      readonly agentId: string;
      readonly earlierAttempts: readonly { readonly agentId: string; readonly verdict: object }[];
    };
    expect(view).toMatchObject({ state: "finished", outcome: "fail", attempts: 3 });
    expect(view.earlierAttempts).toMatchObject([
      { attempt: 1, verdict: { outcome: "fail", verifier: "equals" } },
      { attempt: 2, verdict: { outcome: "fail", verifier: "equals" } },
    ]);
    const tried = [...view.earlierAttempts.map(({ agentId }) => agentId), view.agentId];
    expect(new Set(tried).size).toBe(3);

    const { receipt } = signedReceiptSchema.parse(await (await get(`tasks/${taskId}/receipt`)).json());
    expect(recompute(receipt)).toMatchObject({ ok: true });
    const { decision } = receipt;
    expect(decision.status === "cleared" && decision.escalations?.map(({ agentId }) => agentId)).toEqual(
      tried.slice(1),
    );

    const stream = await (await get(`tasks/${taskId}/events`)).text();
    const events = [...stream.matchAll(/^data: (.*)$/gm)].map(
      ([, data]) => JSON.parse(data ?? "") as { readonly seq: number; readonly type: string },
    );
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(events.filter(({ type }) => type === "task-escalated")).toHaveLength(2);
    expect(events.at(-1)?.type).toBe("task-finished");

    const budget = (await (await get("budget")).json()) as object;
    expect(JSON.stringify(budget)).toMatch(/"heldUsd":0[,}]/);
  },
);
