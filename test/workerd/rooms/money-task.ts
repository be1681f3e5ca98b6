/** A task of a walk through a tenant's money (`money-world.ts`), as those know it who work on it. */
import type { AgentId, TaskId } from "../../../src/market/ids.ts";
import type { Micros } from "../../../src/market/money.ts";
import type { TaskStub } from "./market-day.ts";
import type { Fate } from "./money-provider.ts";

export interface Task {
  readonly taskId: TaskId;
  readonly room: TaskStub;
  readonly capMicros: Micros | null;
  readonly opening: Parameters<TaskStub["open"]>[0];
  /** Of the auction, then of the trace. */
  generation: number;
  phase: "admitted" | "auction" | "quoted" | "awarded" | "trace" | "over";
  /** Of the trace, from 1. */
  attempt: number;
  agentId: AgentId;
  steps: number;
  readonly isQuote: boolean;
  /** Of a quote that was accepted: most that its trace may cost. */
  quotedMicros: Micros | null;
}

/** A call of a trace. */
export interface CallMade {
  readonly bound: number;
  readonly fate: Fate;
  /** Its answer comes once its holder was given up, and the trace waits for the next one, or is held by it; null: in time. */
  readonly late: "waits" | "held" | null;
}
