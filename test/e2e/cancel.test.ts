/**
 * A cancel on the whole stack, while a model's call is under way that would not end for long. Judged by the emulators' own
 * log: that call is the last one, and the bill counts no more than what it was held at.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTask, readTrace, submitTask, type Access } from "../../emulators/demo/api.ts";
import type { CallRow } from "../../emulators/log/call-row.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import poolFile from "../../src/agents/pool/local.json" with { type: "json" };
import { poolSchema } from "../../src/market/agent.ts";
import { callCost } from "../../src/market/money.ts";

const LEASE_MS = 3_000;
/** A third of the lease, and what two busy cores take for the hops. */
const AT_MOST_MS = LEASE_MS / 3 + 1_000;

let directory: string;
let stack: SpawnedStack;
let access: Access;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-cancel-"));
  const vars = { LEASE_MS: String(LEASE_MS) };
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true, vars });
  const { key } = await createTenant(stack, { name: "cancelled" });
  access = { url: stack.url, key };
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

async function callsOf(model: string): Promise<CallRow[]> {
  const response = await fetch(`${stack.emulatorUrl}/emulator/calls?model=${model}`);
  const { calls } = await response.json<{ calls: CallRow[] }>();
  return calls;
}

async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    await sleep(20);
  }
}

/** Over HTTP the request is aborted; the binding takes no signal, and the model goes on to its end. */
test.each([
  { wire: "HTTP", agent: "agt_house-14b", model: "house-emulated-14b", fault: { hang: true }, ends: "hung" },
  {
    wire: "the Workers AI binding",
    agent: "agt_house-4b",
    model: "house-emulated-4b",
    fault: { latencyMs: 6_000 },
    ends: "ok",
  },
])(
  "over $wire reaches the call that is waited for, counts it at most at its bound, and makes no other",
  async ({ agent, model, fault, ends }) => {
    await fetch(`${stack.emulatorUrl}/emulator/faults/${model}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(fault),
    });
    const taskId = await submitTask(access, {
      prompt: "How much is six times seven?",
      policy: `always:${agent}`,
    });
    await until(
      () => callsOf(model),
      (calls) => calls.length === 1,
    );
    const askedMs = Date.now();
    const headers = { authorization: `Bearer ${access.key}` };
    await fetch(`${stack.url}/v1/tasks/${taskId}/cancel`, { method: "POST", headers });
    const task = await until(
      () => readTask(access, taskId),
      ({ state }) => state === "cancelled",
    );
    expect(Date.now() - askedMs).toBeLessThan(AT_MOST_MS);

    const { calls } = await readTrace(access, taskId);
    expect(calls).toMatchObject([{ kind: "trace", status: "unconfirmed", payer: "tenant" }]);
    expect(task.costMicros).toBe(calls[0]?.boundMicros);
    const [row, ...others] = await until(
      () => callsOf(model),
      ([first]) => first?.status !== null,
    );
    expect(others).toEqual([]);
    expect(row?.status).toBe(ends);
    const { prices } = poolSchema.parse(poolFile).find(({ id }) => id === agent) ?? {};
    if (prices === undefined) throw new Error(`no agent ${agent}`);
    const { promptTokens = 0, completionTokens = 0, reasoningTokens = 0 } = row?.usage ?? {};
    const used = {
      inputTokens: promptTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: completionTokens,
      reasoningTokens,
    };
    expect(callCost(used, prices)).toBeLessThanOrEqual(calls[0]?.boundMicros ?? 0);
  },
  60_000,
);
