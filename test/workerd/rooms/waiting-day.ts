/** Tasks whose verdict is the tenant's, in a market day. */
import { runInDurableObject } from "cloudflare:test";
import type { OutcomeOrder } from "../../../src/taskroom/waiting.ts";
import { attempt, sold, type EscalatedTask } from "./escalation-day.ts";
import type { MarketDay } from "./market-day.ts";

export const DAY_MS = 86_400_000;
export const USER = { type: "user" } as const;

/** Sold to the dear agent, which hands in a result; the task waits for its tenant. */
export async function waiting(
  day: MarketDay,
  input: Parameters<typeof sold>[1] = {},
): Promise<EscalatedTask> {
  const task = await sold(day, { verifier: USER, escalation: { mode: "none" }, ...input });
  await attempt(day, task, { attempt: 1, result: "41" });
  return task;
}

export const anOutcome = (order: Partial<OutcomeOrder> = {}): OutcomeOrder => ({
  outcome: "pass",
  evidence: null,
  attempt: null,
  request: null,
  ...order,
});

export const timersOf = async (room: DurableObjectStub) =>
  runInDurableObject(room, async (_room, { storage }) =>
    storage.sql.exec("SELECT kind, due_at_ms FROM timers").toArray(),
  );

export const marketStateOf = async (day: MarketDay, { taskId }: EscalatedTask) =>
  (await day.market.heldTasks()).find((row) => row.taskId === taskId)?.state;
