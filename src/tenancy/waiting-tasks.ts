/**
 * Tasks in the market room that wait for a verdict from outside. Called inside its transactions.
 *
 * Somebody may take a week to look at a result: meanwhile the task has no place among the traces, and nothing is held for
 * it. It makes no call any more; an escalation holds anew for its own attempt, as far as the budgets take that by then.
 */
import type { TaskId } from "../market/ids.ts";
import type { MarketDesk } from "./market-desk.ts";

/** The attempt's room says so, after all its bills. Told again, or after the verdict, it changes nothing. */
export function taskWaits(
  desk: MarketDesk,
  { taskId, attempt }: { readonly taskId: TaskId; readonly attempt: number },
): void {
  const task = desk.openTask(taskId);
  if (task?.state !== "awarded" || task.attempt !== attempt) return;
  desk.ledger.release(taskId);
  desk.record({ ...task, state: "waiting" }, []);
  desk.turns.grant();
}
