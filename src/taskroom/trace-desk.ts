/** What the holder of a trace finds before it: the task, the winner and its plan, and the steps that are committed. */
import type { AgentId } from "../market/ids.ts";
import { toStep } from "../market/step.ts";
import { wrapUpOf, type TaskDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";
import type { TraceDesk } from "./task-room-api.ts";

/** @throws Error where the task has no award, or one of an agent that is not in its pool */
export function traceDesk(room: Room, task: TaskDoc, attempt: number): TraceDesk {
  const { journal } = room;
  const { spec, tools: ownTools = [], pool, taskId, tenantId, seed, deadlineAtMs } = room.mustOpening();
  const { award } = task;
  const agent = pool.find((candidate) => candidate.id === award?.agentId);
  if (award === null || agent === undefined) throw new Error("the award names no agent of the pool");
  const earlier = journal.earlierAttempts();
  // An attempt that was redriven is not among the earlier ones: its agent is that of the next one that is, or the present.
  const writerOf = (of: number) => earlier.find((one) => one.attempt >= of)?.agentId ?? agent.id;
  const line = lineOf(award);
  const committed = journal.steps(line);
  const refused = (task.refused ?? []).flatMap(({ attempt: of, step }) =>
    of >= line.from && writerOf(of) === agent.id ? [step] : [],
  );
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
    ownTools,
    seed,
    deadlineAtMs: award.deadlineAtMs ?? task.redriven?.deadlineAtMs ?? deadlineAtMs,
    steps: committed.flatMap(({ attempt: of, answered, outcomes }) => {
      const writtenBy = writerOf(of);
      if (outcomes === null) return [];
      return [{ ...toStep(answered, outcomes), ...(writtenBy !== agent.id && { writtenBy }) }];
    }),
    pending: last?.outcomes === null ? last.answered : null,
    ...(last?.outcomes === null && { pendingAttempt: last.attempt }),
    result: task.result,
    wrapUp: wrapUpOf(task),
    refused,
    awardedAtMs: award.awardedAtMs,
    longestCallMs: journal.longestCallMs(attempt),
    earlierAttempts: earlier.flatMap(({ verdict, result }) =>
      verdict === null ? [] : [{ verdict, result }],
    ),
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
