/** Panels of emulated judges on the whole stack: every verdict follows from what was said, and all of it is paid and told. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSettledTask, submitTask } from "../../emulators/demo/api.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";

let directory: string;
let stack: SpawnedStack;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-judge-"));
  const emulatorVars = { LATENCY_SCALE: "0.02" };
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true, emulatorVars });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Told {
  readonly type: string;
  readonly agentId?: string;
  readonly verdict?: string;
}

test("three others judge each result, and the majority is the verdict", { timeout: 180_000 }, async () => {
  const { key } = await createTenant(stack, { name: "judged" });
  const access = { url: stack.url, key };
  const verifier = {
    type: "judge",
    rubric: "The result is right, by the task's own words.",
    panel: 3,
  } as const;
  const tasks = workloadTasks(`${stack.emulatorUrl}/docs`).slice(0, 6);
  const ids = await Promise.all(
    tasks.map(async ({ input }) => submitTask(access, { ...input, verifier, escalation: { mode: "none" } })),
  );
  const get = async (path: string) =>
    fetch(`${stack.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } });
  const outcomes: string[] = [];
  for (const id of ids) {
    await readSettledTask(access, id, 60_000);
    const task = (await (await get(`tasks/${id}`)).json()) as {
      readonly state: string;
      readonly agentId: string;
      readonly outcome: string | null;
      readonly verdict: { readonly verifier: string; readonly evidence: string };
      readonly costs: Readonly<Record<string, number>>;
      readonly costMicros: number;
    };
    expect(task).toMatchObject({ state: "finished", verdict: { verifier: "judge" } });
    const stream = await (await get(`tasks/${id}/events`)).text();
    const events = [...stream.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? "") as Told);
    const rulings = events.filter(({ type }) => type === "ruling-received");
    // The pool has four: all others are asked, and the one that did the work is not.
    expect(rulings).toHaveLength(3);
    expect(rulings.map(({ agentId }) => agentId)).not.toContain(task.agentId);
    const votes = (verdict: string) => rulings.filter((ruling) => ruling.verdict === verdict).length;
    const [passes, fails] = [votes("pass"), votes("fail")];
    const decided = passes + fails >= 2 && passes !== fails;
    expect(task.outcome).toBe(decided ? (passes > fails ? "pass" : "fail") : "unknown");
    expect(task.costs["judgeMicros"]).toBeGreaterThan(0);
    expect(Object.values(task.costs).reduce((sum, part) => sum + part, 0)).toBe(task.costMicros);
    outcomes.push(task.outcome ?? "");
  }
  // Easy tasks, honest judges: panels decide about most of them.
  expect(outcomes.filter((outcome) => outcome === "pass").length).toBeGreaterThanOrEqual(3);
  expect(JSON.stringify(await (await get("budget")).json())).toMatch(/"heldUsd":0[,}]/);
  expect(await (await get("usage?format=csv")).text()).toMatch(/,judge,/);
});
