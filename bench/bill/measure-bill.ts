/** Tasks through a stack that counts, one after the other: what is counted between two of them is theirs. */
import { setTimeout as sleep } from "node:timers/promises";
import { readSettledTask, submitTask, type Access } from "../../emulators/demo/api.ts";
import { chooseTasks } from "../../emulators/demo/choose-tasks.ts";
import { recordedAgent, recordedTask } from "../../emulators/demo/replay/replay-tasks.ts";
import { uploadRecordings } from "../../emulators/demo/replay/upload-recordings.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { generatedTrace } from "../../emulators/recorded/generate.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import type { Stack } from "../../emulators/stack/start-stack.ts";
import type { TaskInput } from "../../src/market/task.ts";
import { noCounts, type BillCounts } from "./counts.ts";

export interface TaskBill {
  readonly name: string;
  readonly tasks: number;
  /** Means per task. */
  readonly counts: BillCounts;
}

/** After a task has ended, until its rows and vectors are where they belong. */
const SETTLE_MS = 12_000;
const TASK_MS = 600_000;
const SEED = 1;

/** Short tasks of the workload, each with an auction of the house's pool. */
export async function shortTasks(stack: Stack, count: number): Promise<TaskBill> {
  const { key } = await createTenant(stack, { name: "short tasks" });
  const tasks = chooseTasks(workloadTasks(`${stack.emulatorUrl}/docs`), { seed: SEED, only: null });
  const inputs = tasks.slice(0, count).map((task) => task.input);
  return { name: "short task", ...(await measure(stack, { url: stack.url, key }, inputs)) };
}

/** A recorded run of 145 steps; one agent, so that there is a bid and nothing to decide. */
export async function longTask(stack: Stack): Promise<TaskBill> {
  const trace = generatedTrace({ seed: SEED });
  const recording = { name: "generated", trace, text: JSON.stringify(trace) };
  await uploadRecordings(stack.emulatorUrl, [recording]);
  const { key } = await createTenant(stack, { name: "long task", pool: [recordedAgent(trace.model)] });
  const { input } = recordedTask(recording);
  return { name: `${trace.steps.length} steps`, ...(await measure(stack, { url: stack.url, key }, [input])) };
}

async function measure(stack: Stack, access: Access, inputs: readonly TaskInput[]) {
  const sum = noCounts();
  for (const input of inputs) {
    await takeCounts(stack);
    const taskId = await submitTask(access, input);
    // Looked at rarely: every look is a request too.
    await sleep(SETTLE_MS);
    await readSettledTask(access, taskId, TASK_MS);
    await sleep(SETTLE_MS);
    const counts = await takeCounts(stack);
    for (const name of Object.keys(sum) as (keyof BillCounts)[]) sum[name] += counts[name] / inputs.length;
  }
  return { tasks: inputs.length, counts: sum };
}

async function takeCounts({ url }: Stack): Promise<BillCounts> {
  const response = await fetch(`${url}/__bill`);
  return (await response.json()) as BillCounts;
}
