/**
 * A calibration on the whole stack, by the command: past tasks are carried out by the agents that did not win them, and
 * the fit then sees auctions with a known pass and a known fail.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchTraining } from "../../bench/fit/training-source.ts";
import { readTask, submitTask } from "../../emulators/demo/api.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import { parseId } from "../../src/market/ids.ts";
import { FINAL_STATES } from "../../src/market/task.ts";
import { fit } from "../unit/fit/fit-process.ts";

const TASKS = 6;

let directory: string;
let stack: SpawnedStack;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-calibration-"));
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true });
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

const isFinal = (state: string) => FINAL_STATES.some((final) => final === state);

test("quote, runs, and what the fit sees afterwards", async () => {
  const created = await createTenant(stack, { name: "calibration" });
  const tenantId = parseId("ten", created.tenantId);
  if (tenantId === null) throw new Error("no tenant");
  const access = { url: stack.url, key: created.key };
  // Of the middle of the workload: small and large agents differ there.
  const tasks = workloadTasks(`${stack.emulatorUrl}/docs`).slice(12, 12 + TASKS);
  await Promise.all(
    tasks.map(async ({ input }) => {
      const taskId = await submitTask(access, input);
      while (!isFinal((await readTask(access, taskId)).state)) await sleep(200);
    }),
  );
  const operator = { url: stack.url, tenantId, secret: stack.adminSecret };
  const training = async () => (await fetchTraining(operator)).auctions;
  const known = async () =>
    (await training()).filter(({ outcomes }) => Object.keys(outcomes).length > 0).length;
  while ((await known()) < TASKS) await sleep(200);
  const command = ["--tenant", tenantId, "--url", stack.url, "--calibrate", String(TASKS)];

  const quoted = await fit(command, stack.adminSecret);
  expect(quoted).toMatchObject({ code: 0, err: "" });
  expect(quoted.out).toContain(`${TASKS} past tasks to calibrate, of ${TASKS} looked at`);
  expect(quoted.out).toContain("Nothing was run.");

  const { code, out, err } = await fit([...command, "--yes"], stack.adminSecret);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/(\d+) of \1 runs ended, 0 under way\n/);
  expect(out).toMatch(/At least 30 usable auctions are needed/);
  const auctions = await training();
  expect(auctions).toHaveLength(TASKS);
  for (const { outcomes, bids, traceCostMicros } of auctions) {
    const agents = bids.map(({ agentId }) => agentId).toSorted();
    expect(Object.keys(outcomes).toSorted()).toEqual(agents);
    expect(Object.keys(traceCostMicros).toSorted()).toEqual(agents);
  }
  const differing = auctions.filter(({ outcomes }) => new Set(Object.values(outcomes)).size > 1);
  expect(differing.length).toBeGreaterThan(0);

  const again = await fit([...command, "--yes"], stack.adminSecret);
  expect(again.out).toContain("There is nothing to run.");
});
