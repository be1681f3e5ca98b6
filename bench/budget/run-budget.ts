/** One tenant with a budget, and clients that ask for tasks as long as it takes any. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readAgents, readSettledTask, type ApiAgent } from "../../emulators/demo/api.ts";
import { chooseTasks } from "../../emulators/demo/choose-tasks.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import type { CallRow } from "../../emulators/log/call-row.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import type { Stack } from "../../emulators/stack/start-stack.ts";
import { reconcile } from "../../src/market/ledger/reconcile.ts";
import { parseId, type TenantId } from "../../src/market/ids.ts";
import { callCost, microsToUsd, sumMicros, usdToMicros } from "../../src/market/money.ts";
import type { TaskInput } from "../../src/market/task.ts";
import { readBooks } from "../books/read-books.ts";

type BenchedStack = Pick<Stack, "url" | "emulatorUrl" | "adminSecret">;

export interface BudgetPlan {
  readonly seed: number;
  readonly clients: number;
  readonly capUsd: number;
}

export interface BudgetRun extends BudgetPlan {
  readonly tenantId: TenantId;
  /** By the tenant's books. */
  readonly spentUsd: number;
  readonly heldUsd: number;
  /** Of it, calls to agents. */
  readonly chatUsd: number;
  /** What the emulated models logged of their own usage, at the pool's prices. */
  readonly loggedUsd: number;
  readonly drifts: number;
  /** Tasks that ended. */
  readonly tasks: number;
  /** Admissions that the budget did not take. */
  readonly refused: number;
  /** Tasks that ended because the budget was used up. */
  readonly cutShort: number;
}

/** A refused client asks again after this: while others hold money, some may come back. */
const ASK_AGAIN_MS = 100;
/** A task that has not ended by then ends the bench. */
const TASK_MS = 120_000;
const LOG_PAGE = 1_000;

const budgetSchema = z.object({ heldUsd: z.number(), spentUsd: z.object({ total: z.number() }) });
const usageSchema = z.object({ data: z.array(z.object({ kind: z.string(), costUsd: z.number() })) });

interface Client {
  readonly stack: BenchedStack;
  readonly access: { readonly url: string; readonly key: string };
  readonly counts: { tasks: number; refused: number; cutShort: number };
}

export async function runBudget(stack: BenchedStack, plan: BudgetPlan): Promise<BudgetRun> {
  await fetch(`${stack.emulatorUrl}/emulator/calls`, { method: "DELETE" });
  const tenant = await createTenant(stack, {
    name: `budget ${plan.seed}`,
    budget: { totalUsd: plan.capUsd },
  });
  const access = { url: stack.url, key: tenant.key };
  const tasks = chooseTasks(workloadTasks(`${stack.emulatorUrl}/docs`), { seed: plan.seed, only: null });
  const client: Client = { stack, access, counts: { tasks: 0, refused: 0, cutShort: 0 } };
  await Promise.all(
    Array.from({ length: plan.clients }, async (_, at) =>
      askUntilRefused(client, (turn) => {
        const task = tasks[(at + turn * plan.clients) % tasks.length];
        if (task === undefined) throw new Error("the workload is empty");
        return task.input;
      }),
    ),
  );
  const tenantId = parseId("ten", tenant.tenantId);
  if (tenantId === null) throw new Error("no tenant's id");
  const books = await readBooks({ url: stack.url, tenantId, secret: stack.adminSecret });
  const budget = await budgetOf(access);
  const usage = usageSchema.parse(await read(access, "/v1/usage"));
  const chat = usage.data.filter((line) => line.kind !== "embed").map((line) => usdToMicros(line.costUsd));
  return {
    ...plan,
    ...client.counts,
    tenantId,
    spentUsd: budget.spentUsd.total,
    heldUsd: budget.heldUsd,
    chatUsd: microsToUsd(sumMicros(chat)),
    loggedUsd: await loggedUsd(stack, await readAgents(access)),
    drifts: reconcile(books).drifts.length,
  };
}

/** Until the budget takes no more, with nothing held that could come back. */
async function askUntilRefused(client: Client, task: (turn: number) => TaskInput): Promise<void> {
  for (let turn = 0; ;) {
    const taskId = await submit(client, task(turn));
    if (taskId !== null) {
      const ended = await readSettledTask(client.access, taskId, TASK_MS);
      client.counts.tasks += 1;
      if (ended.failureReason === "budget") client.counts.cutShort += 1;
      turn += 1;
    } else if ((await budgetOf(client.access)).heldUsd === 0) {
      return;
    } else {
      await sleep(ASK_AGAIN_MS);
    }
  }
}

/** The task's id; null: the budget does not take it. */
async function submit({ access, counts }: Client, input: TaskInput): Promise<string | null> {
  const response = await fetch(`${access.url}/v1/tasks`, {
    method: "POST",
    headers: { authorization: `Bearer ${access.key}`, "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  if (response.status === 402) {
    counts.refused += 1;
    return null;
  }
  if (!response.ok) throw new Error(`POST /v1/tasks answered ${response.status}: ${await response.text()}`);
  return z.object({ id: z.string() }).parse(await response.json()).id;
}

async function read(access: Client["access"], path: string): Promise<unknown> {
  const response = await fetch(`${access.url}${path}`, {
    headers: { authorization: `Bearer ${access.key}` },
  });
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

async function budgetOf(access: Client["access"]) {
  return budgetSchema.parse(await read(access, "/v1/budget"));
}

/** What the models say that they did, at the agents' prices. */
async function loggedUsd(stack: BenchedStack, agents: readonly ApiAgent[]): Promise<number> {
  const costs = [];
  for (let after = 0; ;) {
    const response = await fetch(`${stack.emulatorUrl}/emulator/calls?after=${after}&limit=${LOG_PAGE}`);
    const { calls } = (await response.json()) as { readonly calls: readonly CallRow[] };
    for (const { model, usage } of calls) {
      const agent = agents.find((one) => one.model === model);
      if (agent === undefined || usage === null) continue;
      const { promptTokens: inputTokens, completionTokens: outputTokens, cachedPromptTokens } = usage;
      const counted = { inputTokens, outputTokens, cachedInputTokens: cachedPromptTokens };
      costs.push(callCost({ ...counted, cacheWriteTokens: 0, reasoningTokens: 0 }, agent.prices));
    }
    const last = calls.at(-1);
    if (last === undefined || calls.length < LOG_PAGE) return microsToUsd(sumMicros(costs));
    after = last.id;
  }
}
