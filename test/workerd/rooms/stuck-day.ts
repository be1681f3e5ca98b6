/** Work that fails in everybody's hands, as the queue brings it, and what its operator does about it. */
import { createMessageBatch, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { readStuck, type StuckRecord } from "../../../src/history/read-stuck.ts";
import type { TaskEvent } from "../../../src/market/event.ts";
import { newId, type StuckId, type TaskId } from "../../../src/market/ids.ts";
import { WORK_DELIVERIES } from "../../../src/market/queue-retry.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { consumeWork } from "../../../src/trace/consume-work.ts";
import type { Tool } from "../../../src/trace/tools/index.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  admitOnly,
  auctionDeps,
  awardedTask,
  config,
  countingTool,
  openMarket,
  traceDeps,
  type MarketDay,
  type TaskStub,
} from "./market-day.ts";

export const USE_TOOL: ScriptedStep = { tool: "http", input: { url: "x" } };
export const SUBMIT: ScriptedStep = { tool: "submit", input: { result: "42" } };

export interface StuckTask {
  readonly day: MarketDay;
  readonly taskId: TaskId;
  readonly room: TaskStub;
}

/** An auction whose first holder has told of no bid, and of which nobody who took it up was heard of again. */
export async function abandonedAuction(pass: (ms: number) => void): Promise<StuckTask> {
  const day = await openMarket();
  const { taskId, room, opening } = await admitOnly(day);
  await room.beginAuction(1, { opening, started: [] });
  for (let generation = 2; generation <= 7; generation += 1) {
    pass(60_001);
    await day.ringMarket();
    await day.market.takeAuction(taskId, generation);
  }
  pass(60_001);
  await day.ringMarket();
  pass(60_001);
  await ring({ day, taskId, room });
  expect(await room.view()).toMatchObject({ state: "failed", failureReason: "auction_abandoned" });
  return { day, taskId, room };
}

/** How the queue does with one delivery. */
export type Delivered = "acked" | "retried";

export async function deliver(
  deps: TraceDeps,
  body: unknown,
  { attempts = 1, queue = "saleroom-work" }: { readonly attempts?: number; readonly queue?: string } = {},
): Promise<{ readonly outcome: Delivered; readonly delayS: number | null }> {
  const batch = createMessageBatch(queue, [
    { id: newId("cal", config.source), timestamp: new Date(), attempts, body },
  ]);
  const said: { outcome: Delivered; delayS: number | null }[] = [];
  const messages = batch.messages.map((message) => ({
    id: message.id,
    timestamp: message.timestamp,
    attempts: message.attempts,
    body: message.body,
    ack: () => void said.push({ outcome: "acked", delayS: null }),
    retry: (options?: QueueRetryOptions) =>
      void said.push({ outcome: "retried", delayS: options?.delaySeconds ?? null }),
  }));
  const { models } = deps;
  const auction = auctionDeps(models);
  await consumeWork({ auction, trace: deps }, { ...batch, queue, messages });
  const [only, ...more] = said;
  if (only === undefined || more.length > 0) throw new Error(`said ${said.length} times what becomes of it`);
  return only;
}

export const traceMessage = ({ day, taskId }: StuckTask, generation: number, attempt = 1) =>
  ({ kind: "trace", tenantId: day.tenantId, taskId, attempt, generation }) as const;

/** Brings one message as often as the queue does, and at last as a dead letter. */
export async function failToDeath(
  deps: TraceDeps,
  body: unknown,
  pass: (ms: number) => void,
): Promise<readonly (number | null)[]> {
  const delays: (number | null)[] = [];
  for (let attempts = 1; attempts <= WORK_DELIVERIES; attempts += 1) {
    const { outcome, delayS } = await deliver(deps, body, { attempts });
    expect(outcome).toBe("retried");
    delays.push(delayS);
    pass((delayS ?? 0) * 1_000);
  }
  expect((await deliver(deps, body, { queue: "saleroom-dead" })).outcome).toBe("acked");
  return delays;
}

/** What the operator's list has of this tenant, once the history has it. */
export async function stuckOf({ day }: Pick<StuckTask, "day">): Promise<StuckRecord[]> {
  await carryRows(config, day.tenantId);
  const all = await readStuck(env.DB, { limit: 1_000 });
  return all.filter(({ tenantId }) => tenantId === day.tenantId);
}

/** A house whose verifier has a fault. */
export function faultyVerifier(models: ScriptedModels, tools: readonly Tool[] = []): TraceDeps {
  return traceDeps(models, {
    tools,
    verify: async () => {
      throw new TypeError(`cannot read "the result that nobody may read"`);
    },
  });
}

export async function ring({ room }: StuckTask): Promise<void> {
  await runDurableObjectAlarm(room);
}

export async function stuckId(task: StuckTask): Promise<StuckId> {
  const [found] = await stuckOf(task);
  if (found === undefined) throw new Error("nothing is stuck");
  return found.stuckId;
}

/** Given up with its result committed and not verified. */
export async function givenUp(
  pass: (ms: number) => void,
  input: Partial<TaskInput> = {},
  day: MarketDay | null = null,
) {
  const task = await awardedTask(input, day);
  const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
  await failToDeath(faultyVerifier(models, [countingTool()]), traceMessage(task, 1), pass);
  return { task, models, id: await stuckId(task) };
}

/** The queue brings the message that the room has announced. */
export async function goOn(task: StuckTask, deps: TraceDeps, attempt = 2): Promise<void> {
  const { generation } = await leaseOf(task);
  expect((await deliver(deps, traceMessage(task, generation, attempt))).outcome).toBe("acked");
}

export async function held({ day }: StuckTask): Promise<number> {
  const budget = await day.market.readBooks({ kind: "budget" });
  return (budget as { spending: { heldMicros: number } }).spending.heldMicros;
}

export async function leaseOf({ room }: StuckTask): Promise<{ generation: number }> {
  return runInDurableObject(room as DurableObjectStub, async (_room, { storage }) => {
    const { body } = storage.sql.exec<{ body: string }>("SELECT body FROM doc WHERE name = 'task'").one();
    return (JSON.parse(body) as { lease: { generation: number } }).lease;
  });
}

export async function auctionLease(
  { market }: StuckTask["day"],
  taskId: string,
): Promise<{ generation: number }> {
  return runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    const { body } = storage.sql
      .exec<{ body: string }>("SELECT body FROM tasks WHERE task_id = ?", taskId)
      .one();
    return (JSON.parse(body) as { lease: { generation: number } }).lease;
  });
}

/** Of a task that is open: its stream does not end. */
export async function openEvents({ room }: StuckTask): Promise<TaskEvent[]> {
  return runInDurableObject(room as DurableObjectStub, async (_room, { storage }) =>
    storage.sql
      .exec<{ body: string }>("SELECT body FROM events ORDER BY seq")
      .toArray()
      .map(({ body }) => JSON.parse(body) as TaskEvent),
  );
}

export async function rowOf({ day, taskId }: StuckTask): Promise<unknown> {
  return config.db
    .prepare(
      `SELECT state, outcome, failure_reason AS failureReason, attempts FROM tasks WHERE tenant_id = ? AND task_id = ?`,
    )
    .bind(day.tenantId, taskId)
    .first();
}
