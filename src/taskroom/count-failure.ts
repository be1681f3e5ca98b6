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
  const isRefused = reason === "context_refused";
  const failed = (task.failedCalls ?? 0) + Number(!isRefused);
  const before = (task.refused ?? []).filter((one) => one.attempt === attempt && one.step === step);
  const refused = before.length + Number(isRefused);
  const wrapsUp = wrapUpOf(task) !== null;
  const deadlineAtMs = award.deadlineAtMs ?? room.deadlineAtMs();
  const longestCallMs = room.journal.longestCallMs(attempt);
  const untilMs = wrapsUp ? deadlineAtMs : workUntilMs({ awardedAtMs, deadlineAtMs, longestCallMs });
  const retry = retryAfterMs(failure, {
    step,
    wrapsUp,
    failed,
    refused,
    chance: room.config.source.random(),
    hasSuccessor: mayBeTakenOver(award, room.journal.earlierAttempts()),
    leftMs: untilMs - room.now(),
  });
  const retryInMs = typeof retry === "string" ? 0 : retry;
  room.append({ type: "call-failed", attempt, step, reason, failed: failed + refused, retryInMs });
  const counted = { ...task, failedCalls: failed };
  if (!isRefused) return { retry, counted };
  return { retry, counted: { ...counted, refused: [...(task.refused ?? []), { attempt, step }] } };
}
