/**
 * From an attempt that was reported to the one after it: the award of the next is the market room's answer to the report.
 *
 * One that a verifier failed is begun anew; one whose agent could not go on is gone on with, from its last committed step.
 */
import type { Award } from "../market/award.ts";
import { standingsLeft } from "../market/escalation.ts";
import type { ToolOutcome } from "../market/step.ts";
import { SUBMIT_TOOL, withSubmission } from "../market/submission.ts";
import { MAX_TAKEOVERS } from "../market/takeover.ts";
import { attemptBefore, evidenceOf, type EarlierAttempt } from "./earlier-attempts.ts";
import type { AwardDoc, TaskDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";
import { stepCommitted } from "./step-event.ts";

/** What stands for an answer that nobody heard: the agent that goes on is to know that it may have had its effect. */
const INTERRUPTED: ToolOutcome = {
  ok: false,
  error: {
    code: "interrupted",
    message:
      "The work broke off while this ran: it may have had its effect, or not. Find out before you repeat it.",
  },
};

/** The task as it goes on with this award; null: the award follows no such attempt. */
export function goOn(room: Room, award: Award): TaskDoc | null {
  const { journal } = room;
  const task = journal.task();
  const before = attemptBefore(task, award);
  if (task === null || task.award === null || before === null) return null;
  if (before.handedOver === undefined) tellEscalation(room, before, award);
  else handOn(room, { before, last: task.award, award });
  journal.addAttempt(before);
  // Since its report the task had none. One that has passed meanwhile rings at once.
  room.setTimer("deadline", task.redriven?.deadlineAtMs ?? room.mustOpening().deadlineAtMs);
  return { ...task, report: null };
}

/** Of an award that continues: where the trace began. */
export function continuesFrom(award: Award, before: AwardDoc | null): number | undefined {
  return award.continues === true && before !== null ? lineOf(before).from : undefined;
}

/** Whether the market room has anybody to sell the task to who could go on: the sale itself is its own. */
export function mayBeTakenOver(award: AwardDoc, earlier: readonly EarlierAttempt[]): boolean {
  // Of a task that was redriven the market room keeps nothing to sell it from.
  if (award.sale?.chosenBy === "tenant" || award.soldAttempt !== undefined) return false;
  if (earlier.filter(({ handedOver }) => handedOver !== undefined).length >= MAX_TAKEOVERS) return false;
  const tried = [...earlier, award].map(({ agentId }) => agentId);
  return standingsLeft(award.clearing, tried).length > 0;
}

function tellEscalation(room: Room, { attempt, verdict }: EarlierAttempt, { agentId }: Award): void {
  if (verdict === null) throw new Error("an escalation without a verdict");
  const evidence = evidenceOf(verdict);
  room.append({ type: "task-escalated", attempt, outcome: "fail", evidence, nextAgentId: agentId });
}

/**
 * A last step whose tools nobody heard of is closed here, in the transaction that takes the award: what the model answered
 * is paid for and stays, no tool runs under another agent's name, and the step is committed once, whoever died in it.
 */
function handOn(
  room: Room,
  of: { readonly before: EarlierAttempt; readonly last: AwardDoc; readonly award: Award },
): void {
  const { before, last, award } = of;
  const { journal } = room;
  const line = lineOf(last);
  const open = journal.lastStep(line);
  if (open?.outcomes === null) {
    const { toolCalls } = open.answered;
    const outcomes = withSubmission(
      toolCalls,
      toolCalls.map(({ name }) => (name === SUBMIT_TOOL ? null : INTERRUPTED)),
    );
    journal.setOutcomes(open.attempt, open.answered.step, outcomes);
    room.append(stepCommitted(open.attempt, open.answered, outcomes));
  }
  if (before.handedOver === undefined) throw new Error("nobody handed anything on");
  room.append({
    type: "trace-handed-over",
    attempt: before.attempt,
    fromAgentId: before.agentId,
    toAgentId: award.agentId,
    reason: before.handedOver,
    stepsSoFar: journal.countSteps(line),
  });
}
