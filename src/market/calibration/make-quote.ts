/** From the tasks that were found to a quote: which runs, and what they cost. */
import type { Agent } from "../agent.ts";
import type { AgentId, AuctionId, CalibrationId, TaskId } from "../ids.ts";
import type { TaskSpec } from "../task.ts";
import { QUOTE_MS, type CalibrationQuote, type QuotedAgent, type QuotedRun } from "./calibration.ts";
import { estimateRun, runBound, type TraceCosts } from "./estimate.ts";
import { UNSUITABLE_REASONS, type UnsuitableReason } from "./suitable.ts";

/** A past task that is to be calibrated, and by whom. */
export interface ChosenTask {
  readonly taskId: TaskId;
  readonly auctionId: AuctionId;
  readonly spec: Pick<TaskSpec, "limits" | "tools">;
  readonly agents: readonly AgentId[];
}

export interface QuoteParts {
  readonly calibrationId: CalibrationId;
  readonly asked: number;
  readonly chosen: readonly ChosenTask[];
  /** One entry for each past task that was looked at and not chosen. */
  readonly unsuitable: readonly UnsuitableReason[];
  readonly pool: readonly Agent[];
  readonly seen: readonly TraceCosts[];
  readonly nowMs: number;
}

export function makeQuote(parts: QuoteParts): {
  readonly quote: CalibrationQuote;
  readonly runs: readonly QuotedRun[];
} {
  const { calibrationId, asked, chosen, unsuitable, pool, seen, nowMs } = parts;
  const agents = pool.map((agent): QuotedAgent => {
    const { id, provider, model, prices } = agent;
    return { id, provider, model, prices, estimate: estimateRun(agent, pool, seen) };
  });
  const runs = chosen.flatMap(({ taskId, auctionId, spec, agents: unknown }) =>
    pool
      .filter(({ id }) => unknown.includes(id))
      .map((agent): QuotedRun => {
        const estimate = agents.find(({ id }) => id === agent.id)?.estimate;
        const boundMicros = runBound(agent, spec.limits);
        const expectedMicros = estimate?.expectedMicros ?? null;
        return { taskId, auctionId, agentId: agent.id, expectedMicros, boundMicros };
      }),
  );
  const counts = UNSUITABLE_REASONS.map(
    (reason) => [reason, unsuitable.filter((one) => one === reason).length] as const,
  );
  const quote: CalibrationQuote = {
    calibrationId,
    asked,
    examined: chosen.length + unsuitable.length,
    unsuitable: Object.fromEntries(counts) as Record<UnsuitableReason, number>,
    tasks: chosen.map(({ taskId, auctionId, spec }) => ({ taskId, auctionId, tools: spec.tools })),
    agents,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + QUOTE_MS,
  };
  return { quote, runs };
}
