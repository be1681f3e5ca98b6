/**
 * A pool with more agents than one invocation has connections, on the whole stack and with the tools that a task has by
 * default: whoever is called through a helper bids and judges like anybody else, and a receipt of it all verifies.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { poolOf } from "../../bench/auction/pool.ts";
import { readTask, submitTask } from "../../emulators/demo/api.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import { recompute } from "../../src/market/receipt-recompute.ts";
import { signedReceiptSchema } from "../../src/market/receipt-schema.ts";
import { FINAL_STATES } from "../../src/market/task.ts";

/** Five calls are the run's own; two helpers make the rest. */
const AGENTS = 13;

let directory: string;
let stack: SpawnedStack;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-large-pool-"));
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true });
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

test("every agent bids and judges, and everybody's bill is known", async () => {
  const pool = poolOf(AGENTS, `${stack.emulatorUrl}/v1`);
  const { key } = await createTenant(stack, { name: "large", pool });
  const access = { url: stack.url, key };
  const [task] = workloadTasks(`${stack.emulatorUrl}/docs`);
  if (task === undefined) throw new Error("the workload is empty");
  // Twice: the second auction finds the first one's helpers awake.
  for (let n = 0; n < 2; n += 1) {
    const taskId = await submitTask(access, task.input);
    const isFinal = (state: string) => FINAL_STATES.some((final) => final === state);
    while (!isFinal((await readTask(access, taskId)).state)) await sleep(100);
    const response = await fetch(`${stack.url}/v1/tasks/${taskId}/receipt`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { receipt } = signedReceiptSchema.parse(await response.json());
    const first = receipt.bids.filter(({ round }) => round === 1);
    expect(first.map(({ status }) => status)).toEqual(Array.from({ length: AGENTS }, () => "valid"));
    const verdicts = receipt.verdicts.filter(({ round }) => round === 1);
    expect(verdicts.map(({ status }) => status)).toEqual(Array.from({ length: AGENTS }, () => "scored"));
    for (const { usage } of [...receipt.bids, ...receipt.verdicts]) expect(usage).not.toBeNull();
    expect(recompute(receipt)).toMatchObject({ ok: true });
  }
}, 60_000);
