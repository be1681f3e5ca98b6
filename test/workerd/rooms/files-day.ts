/** A day on which a test holds a trace, and uses its files. */
import { expect } from "vitest";
import type { JsonValue } from "../../../src/market/step.ts";
import { filesOffer } from "../../../src/trace/tools/file-tools.ts";
import { createToolbox, runTool, type ToolResult } from "../../../src/trace/tools/index.ts";
import { sold, type EscalatedTask } from "./escalation-day.ts";
import { openMarket, type MarketDay } from "./market-day.ts";

export const openTools = createToolbox([filesOffer]).open;

export interface Desk {
  readonly day: MarketDay;
  readonly task: EscalatedTask;
  /** Calls a file tool as the holder of this generation does. */
  call(tool: string, input: JsonValue): Promise<ToolResult>;
}

/** A task of which a test holds the trace, and calls its tools. */
export async function held(): Promise<Desk> {
  const day = await openMarket();
  const task = await sold(day, { tools: ["files"] });
  return { day, task, call: await hold(task, { attempt: 1, generation: 1 }) };
}

export async function hold(
  { room }: EscalatedTask,
  of: { readonly attempt: number; readonly generation: number },
): Promise<Desk["call"]> {
  const taken = await room.takeTrace(of.attempt, of.generation);
  if (!taken.ok) throw new Error(taken.failure.reason);
  const { signal } = new AbortController();
  const { tools } = await openTools({ desk: taken.value, room, generation: of.generation, signal });
  return async (name, input) => runTool(tools, { name, input }, { idempotencyKey: "k", signal });
}

export const output = (text: string) => ({ ok: true, output: text });
export const refusal = (code: string, words: string) => ({
  ok: false,
  error: { code, message: expect.stringContaining(words) },
});
