/**
 * Money on the whole stack: several clients ask one tenant for more than its budget takes. The oracle is what the
 * emulated models logged of their own usage. Afterwards the books are computed again by the command, and the Worker's log
 * is searched for what must never stand in it.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { poolOf } from "../../bench/auction/pool.ts";
import { runBudget, type BudgetRun } from "../../bench/budget/run-budget.ts";
import { submitTask, readSettledTask } from "../../emulators/demo/api.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { PROJECT_ROOT } from "../../emulators/stack/project-root.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";

/** A task of the workload costs about 0.002 USD, and an admission holds about 0.02. */
const CAP_USD = 0.05;
const MARKER = "zebrafish-7714";

let directory: string;
let stack: SpawnedStack;
let run: BudgetRun;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-money-"));
  stack = await spawnStack({
    directory,
    port: 0,
    emulatorPort: 0,
    quiet: true,
    emulatorVars: { LATENCY_SCALE: "0.02" },
  });
  run = await runBudget(stack, { seed: 1, clients: 6, capUsd: CAP_USD });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

test("the budget is used and not passed, and the books say what the models logged", () => {
  expect(run.tasks).toBeGreaterThan(0);
  expect(run.refused).toBeGreaterThan(0);
  expect(run.spentUsd).toBeGreaterThan(CAP_USD / 3);
  expect(run.spentUsd).toBeLessThanOrEqual(CAP_USD);
  expect(run).toMatchObject({ heldUsd: 0, drifts: 0, chatUsd: run.loggedUsd });
});

test("`npm run reconcile` computes the books again, and nothing drifts", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["bench/books/main.ts", "--tenant", run.tenantId, "--url", stack.url],
    { cwd: PROJECT_ROOT, env: { ...process.env, ADMIN_SECRET: stack.adminSecret } as NodeJS.ProcessEnv },
  );
  expect(stdout).toContain("Nothing drifts.");
  expect(stdout).toMatch(/^\d+ calls and \d+ transfers computed again\.$/m);
}, 30_000);

test("no prompt, key or secret reaches a log line, also where calls and requests fail", async () => {
  const pool = poolOf(4, `${stack.emulatorUrl}/v1`).map((agent, at) =>
    at === 0 ? { ...agent, apiKeySecret: "KEY_THAT_NOBODY_SET" } : agent,
  );
  const { key } = await createTenant(stack, { name: "logged", pool });
  const access = { url: stack.url, key };
  const faults = [{ status500: true }, { malformedJson: true }, { emptyAnswer: true }];
  for (const [at, { model }] of pool.entries()) {
    await fetch(`${stack.emulatorUrl}/emulator/faults/${model}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(faults[at % faults.length]),
    });
  }
  const taskId = await submitTask(access, { prompt: `Count the ${MARKER}.`, metadata: { note: MARKER } });
  await readSettledTask(access, taskId, 60_000);
  const post = async (body: string, bearer: string) =>
    fetch(`${stack.url}/v1/tasks`, {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body,
    });
  await post(`{"prompt": "${MARKER}"`, key);
  await post(JSON.stringify({ prompt: MARKER }), `${key.slice(0, -1)}x`);
  await post(JSON.stringify({ prompt: MARKER, limits: { [MARKER]: 1 } }), key);
  await fetch(`${stack.emulatorUrl}/emulator/faults`, { method: "DELETE" });

  const log = await readFile(join(directory, "worker.log"), "utf8");
  // It is the log: what the operator must mend is in it.
  expect(log).toContain("KEY_THAT_NOBODY_SET");
  const secret = key.slice(key.lastIndexOf("_") + 1);
  for (const hidden of [MARKER, key, secret, stack.adminSecret]) expect(log).not.toContain(hidden);
}, 90_000);
