/**
 * What an event says of a task that has ended: figures, never a prompt or a result; whoever wants those reads the task by
 * its id. Named as in `/v1/tasks`.
 */
import type { TaskRow } from "../../market/history-row.ts";
import { asMicros, microsToUsd } from "../../market/money.ts";

/** `costUsd`: as far as it was billed by then; a call whose bill is still to come stands at its bound. */
export function taskData(row: TaskRow): Record<string, unknown> {
  const { taskId, state, outcome, failureReason, agentId, attempts, costMicros } = row;
  return {
    taskId,
    state,
    outcome,
    failureReason: state === "no_sale" ? null : failureReason,
    noSaleReason: state === "no_sale" ? failureReason : null,
    agentId,
    attempts,
    costUsd: microsToUsd(asMicros(costMicros)),
    admittedAt: new Date(row.admittedAtMs).toISOString(),
    endedAt: row.endedAtMs === null ? null : new Date(row.endedAtMs).toISOString(),
  };
}
