/** A call of a trace that failed: it is counted and told, and what follows is decided (`market/step-retry.ts`). */
import type { CallFailure } from "../market/call.ts";
import { retryAfterMs, type StepRetry } from "../market/step-retry.ts";
import { workUntilMs } from "../market/wrap-up.ts";
import { wrapUpOf, type AwardDoc, type TaskDoc } from "./journal.ts";
import { mayBeTakenOver } from "./next-attempt.ts";
import type { Room } from "./room.ts";

/** @param of.step the one that is due; returns the task with it */
export function countFailure(
  room: Room,
  { task, award }: { readonly task: TaskDoc; readonly award: AwardDoc },
  { step, failure }: { readonly step: number; readonly failure: CallFailure },
): { readonly retry: StepRetry; readonly counted: TaskDoc } {
  const { attempt, awardedAtMs } = award;
  const { reason } = failure;
  const failed = (task.failedCalls ?? 0) + 1;
  const wrapsUp = wrapUpOf(task) !== null;
  const deadlineAtMs = award.deadlineAtMs ?? room.deadlineAtMs();
  const longestCallMs = room.journal.longestCallMs(attempt);
  const untilMs = wrapsUp ? deadlineAtMs : workUntilMs({ awardedAtMs, deadlineAtMs, longestCallMs });
  const retry = retryAfterMs(failure, {
    step,
    wrapsUp,
    failed,
    chance: room.config.source.random(),
    hasSuccessor: mayBeTakenOver(award, room.journal.earlierAttempts()),
    leftMs: untilMs - room.now(),
  });
  const retryInMs = typeof retry === "string" ? 0 : retry;
  room.append({ type: "call-failed", attempt, step, reason, failed, retryInMs });
  // The wrap-up's calls are counted anew: it may be refused for a moment, too.
  const counted = { ...task, failedCalls: typeof retry === "string" ? 0 : failed };
  if (reason !== "context_refused") return { retry, counted };
  return { retry, counted: { ...counted, refused: [...(task.refused ?? []), { attempt, step }] } };
}
