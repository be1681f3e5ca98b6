/** What the holder of a trace finds before it: the task, the winner and its plan, and the steps that are committed. */
import type { AgentId } from "../market/ids.ts";
import { toStep } from "../market/step.ts";
import { lineOf, type TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";
import type { TraceDesk } from "./task-room-api.ts";

/** @throws Error where the task has no award, or one of an agent that is not in its pool */
export function traceDesk(room: Room, task: TaskDoc, attempt: number): TraceDesk {
  const { journal } = room;
  const { spec, pool, taskId, tenantId, seed, deadlineAtMs } = room.mustOpening();
  const { award } = task;
  const agent = pool.find((candidate) => candidate.id === award?.agentId);
  if (award === null || agent === undefined) throw new Error("the award names no agent of the pool");
  const committed = journal.steps(lineOf(award));
  const last = committed.at(-1);
  return {
    taskId,
    tenantId,
    attempt,
    agent,
    prompt: spec.prompt,
    strategy: planOf(room, agent.id, award.sale?.round ?? award.clearing.round),
    verifier: spec.verifier,
    limits: spec.limits,
    tools: spec.tools,
    seed,
    deadlineAtMs: award.deadlineAtMs ?? deadlineAtMs,
    steps: committed.flatMap(({ answered, outcomes }) =>
      outcomes === null ? [] : [toStep(answered, outcomes)],
    ),
    pending: last?.outcomes === null ? last.answered : null,
    ...(last?.outcomes === null && { pendingAttempt: last.attempt }),
    result: task.result,
    failedCalls: task.failedCalls ?? 0,
    earlierAttempts: journal.earlierAttempts().map(({ verdict, result }) => ({ verdict, result })),
  };
}

/** The strategy that won, that of the auction that is calibrated, or null where the policy held no auction. */
function planOf(room: Room, agentId: AgentId, round: 0 | 1 | 2): string | null {
  const { rules } = room.mustOpening().policy;
  if (rules.kind === "calibration") return rules.strategy;
  if (round === 0) return null;
  const bid = room.journal.bids().find((one) => one.agentId === agentId && one.round === round);
  if (bid?.status !== "valid") throw new Error("the award names no valid bid");
  return bid.strategy;
}
