/** Auctions one after the other on the local stack, through the public API; arms take turns, so that noise meets all. */
import { setTimeout as sleep } from "node:timers/promises";
import { readTask, submitTask, type Access } from "../../emulators/demo/api.ts";
import { chooseTasks } from "../../emulators/demo/choose-tasks.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import type { CallRow } from "../../emulators/log/call-row.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import type { Stack } from "../../emulators/stack/start-stack.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import { FINAL_STATES } from "../../src/market/task.ts";
import type { CallView } from "../../src/taskroom/task-room-api.ts";
import { auctionTimes, type AuctionTimes } from "./auction-times.ts";
import { admittedSize, MODEL_NAMES, poolOf } from "./pool.ts";

/** Of prompts of bids, refined bids and verdicts; not of a trace's, whose calls are answered at once. A test compares. */
export const IN_AUCTION_PROMPTS = ["You bid for a task", "You are a juror"];
const LATENCY_MS = { min: 50, max: 500 };
/** Auctions of each arm before the first that counts: they start the isolates and give the memory something. */
const WARM_UP = 2;
const POLL_MS = 250;
/** A task that has not ended by then ends the bench. */
const TASK_MS = 60_000;
const CALL_PAGE = 1_000;

export interface Arm {
  /** As asked for; `agents` is what the market admitted. */
  readonly wanted: number;
  readonly agents: number;
  readonly policy: "sale-no-memory" | "sale";
}

export interface ArmTimes extends Arm {
  readonly auctions: readonly AuctionTimes[];
  /** Auctions without a clearing in one go: not in the figures. */
  readonly left: number;
}

export interface AuctionBench {
  readonly stack: Stack;
  /** Where the models are emulated: in a process of their own, whose work is not the Worker's. */
  readonly modelsUrl: string;
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** No round begins after this moment. */
  readonly deadlineAtMs: number;
  progress(line: string): void;
}

export async function runAuctions(bench: AuctionBench): Promise<readonly ArmTimes[]> {
  await setLatencies(bench);
  const arms = await Promise.all(armsOf(bench).map((arm) => openArm(bench, arm)));
  const tasks = chooseTasks(workloadTasks(`${bench.stack.emulatorUrl}/docs`), { seed: 1, only: null });
  for (let round = -WARM_UP; round < bench.rounds && Date.now() < bench.deadlineAtMs; round += 1) {
    const task = tasks[(round + WARM_UP) % tasks.length];
    if (task === undefined) throw new Error("the workload is empty");
    for (const arm of arms) {
      const times = await oneAuction(bench, arm.access, task.input);
      if (round < 0) continue;
      if (times === null) arm.left += 1;
      else arm.auctions.push(times);
    }
    bench.progress(`auctions: round ${round + WARM_UP + 1} of ${bench.rounds + WARM_UP}`);
  }
  return arms.map(({ arm, auctions, left }) => ({ ...arm, auctions, left }));
}

function armsOf({ sizes }: AuctionBench): Arm[] {
  return sizes.flatMap((wanted): Arm[] => {
    const agents = admittedSize(wanted);
    return [
      { wanted, agents, policy: "sale-no-memory" },
      { wanted, agents, policy: "sale" },
    ];
  });
}

async function openArm({ stack, modelsUrl }: AuctionBench, arm: Arm) {
  const pool = poolOf(arm.agents, `${modelsUrl}/v1`);
  const name = `${arm.agents} ${arm.policy}`;
  const { tenantId, key } = await createTenant(stack, { name, pool });
  const access: Access & { readonly policy: string; readonly tenantId: string } = {
    url: stack.url,
    key,
    policy: arm.policy,
    tenantId,
  };
  return { arm, access, auctions: [] as AuctionTimes[], left: 0 };
}

async function setLatencies({ modelsUrl }: AuctionBench): Promise<void> {
  for (const [seed, model] of MODEL_NAMES.entries()) {
    const response = await fetch(`${modelsUrl}/emulator/faults/${model}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ seed, latencyMs: { ...LATENCY_MS, match: IN_AUCTION_PROMPTS } }),
    });
    if (!response.ok) throw new Error(`the emulator refused a latency: ${await response.text()}`);
  }
}

async function oneAuction(
  { modelsUrl }: AuctionBench,
  access: Access & { readonly policy: string },
  input: Parameters<typeof submitTask>[1],
): Promise<AuctionTimes | null> {
  await json(`${modelsUrl}/emulator/calls`, { method: "DELETE" });
  const taskId = await submitTask(access, { ...input, policy: access.policy });
  await ended(access, taskId);
  const events: TaskEvent[] = [];
  for await (const event of followEvents({ access, taskId })) events.push(event);
  const headers = { authorization: `Bearer ${access.key}` };
  const task = (await json(`${access.url}/v1/tasks/${taskId}`, { headers })) as { admittedAt: string };
  const trace = (await json(`${access.url}/v1/tasks/${taskId}/trace`, { headers })) as { calls: CallView[] };
  const rows = (await json(`${modelsUrl}/emulator/calls?limit=${CALL_PAGE}`)) as { calls: CallRow[] };
  const provider = rows.calls.filter((row) => MODEL_NAMES.includes(row.bareModel));
  const admittedAtMs = Date.parse(task.admittedAt);
  return auctionTimes({ admittedAtMs, events, calls: trace.calls, provider });
}

/** Asked now and then instead of listened for: a listener's events would be work beside the auction's. */
async function ended(access: Access, taskId: string): Promise<void> {
  const giveUpAtMs = Date.now() + TASK_MS;
  while (Date.now() < giveUpAtMs) {
    await sleep(POLL_MS);
    const { state } = await readTask(access, taskId);
    if ((FINAL_STATES as readonly string[]).includes(state)) return;
  }
  throw new Error(`${taskId} has not ended after ${TASK_MS} ms`);
}

async function json(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}
