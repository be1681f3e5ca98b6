/**
 * Work that a faulty version of the house cannot carry out, on the whole stack: its message goes to the dead letters, the
 * operator sees it, and once the fault is mended, has the task go on.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTask, readTrace, submitTask, type Access } from "../../emulators/demo/api.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import { MAIN_WORKER } from "../../emulators/stack/worker-options.ts";

const FAULTY = {
  ...MAIN_WORKER,
  name: "faulty",
  entry: "test/e2e/support/faulty-worker.ts",
  inputs: ["src", "test/e2e/support"],
};

let directory: string;
let stack: SpawnedStack;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-dead-"));
  // Failed work comes again at once: the waits between are the queue's own business.
  stack = await spawnStack({ ...places(), worker: FAULTY, vars: { RETRY_S: "0" } });
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

function places() {
  return { directory, port: 0, emulatorPort: 0, quiet: true };
}

test(
  "ends failed, is listed, and redriven ends well from its last committed step",
  { timeout: 120_000 },
  async () => {
    const { tenantId, key } = await createTenant(stack, { name: "dead letters" });
    let access: Access = { url: stack.url, key };
    const [task] = workloadTasks(`${stack.emulatorUrl}/docs`);
    if (task === undefined) throw new Error("the workload is empty");
    const taskId = await submitTask(access, { ...task.input, policy: "always:agt_house-32b" });
    const state = async () => (await readTask(access, taskId)).state;
    while ((await state()) !== "failed") await sleep(100);
    expect(await readTask(access, taskId)).toMatchObject({ failureReason: "dead_lettered" });
    let stuck: { id: string; taskId: string }[] = [];
    while (stuck.length === 0) {
      ({ data: stuck } = await asOperator<{ data: typeof stuck }>("GET", "/admin/stuck"));
      await sleep(100);
    }
    expect(stuck).toMatchObject([
      {
        taskId,
        tenantId,
        kind: "dead_letter",
        work: "trace",
        error: { class: "TypeError", message: "a fault of this version" },
        can: ["redrive", "dismiss"],
      },
    ]);
    const before = await readTrace(access, taskId);

    // The next version is deployed.
    await stack.stop();
    stack = await spawnStack(places());
    access = { url: stack.url, key };
    const id = stuck[0]?.id ?? "";
    expect(await asOperator("POST", `/admin/stuck/${id}/redrive`)).toMatchObject({
      taskId,
      state: "redriven",
      replayed: false,
    });
    expect(await asOperator("POST", `/admin/stuck/${id}/redrive`)).toMatchObject({ taskId, replayed: true });
    while ((await state()) !== "finished") await sleep(100);
    // Whether the model gets it right is chance; that its result is judged is not.
    const outcome: unknown = expect.stringMatching(/^(?:pass|fail)$/);
    expect(await readTask(access, taskId)).toMatchObject({ failureReason: null, outcome });
    const after = await readTrace(access, taskId);
    const steps = after.steps.map(({ step }) => step);
    expect(steps).toEqual(steps.map((_, at) => at + 1));
    // Each step is one answer, asked for once and paid for once: also the one whose tools had not been committed.
    const trace = after.calls.filter(({ kind }) => kind === "trace");
    expect(trace.map(({ status }) => status)).toEqual(steps.map(() => "billed"));
    expect(after.calls).toEqual(expect.arrayContaining(before.calls));
    while ((await asOperator<{ data: unknown[] }>("GET", "/admin/stuck")).data.length > 0) await sleep(100);
  },
);

async function asOperator<Answer>(method: "GET" | "POST", path: string): Promise<Answer> {
  const response = await fetch(`${stack.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.adminSecret}` },
  });
  expect(response.status).toBe(200);
  return response.json<Answer>();
}
