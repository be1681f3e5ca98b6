/** What is held for a further attempt of a task. */
import type { TaskId } from "../market/ids.ts";
import { asMicros } from "../market/money.ts";
import type { Forecast } from "../market/sale/forecast.ts";
import type { HoldRefusal } from "./ledger.ts";
import { TRACE_SHARE, type MarketDesk } from "./market-desk.ts";

/**
 * The bid's own cap, of which what earlier attempts left is a part. Refused, and nothing is held, where the budgets leave
 * less than the trace is likelier than not to take, or its first call is held at: it would be begun to be given up.
 * Null: it is held.
 */
export function holdForAttempt(
  desk: MarketDesk,
  taskId: TaskId,
  { capMicros, medianMicros, leastMicros }: Forecast,
): HoldRefusal | null {
  const { ledger } = desk;
  const account = ledger.account(taskId);
  if (account === null) throw new Error(`no account of ${taskId}`);
  const { heldMicros } = account;
  const more = asMicros(Math.max(0, capMicros - heldMicros));
  const budgets = desk.budgets(account.keyId);
  const refusal = ledger.hold(taskId, more, budgets);
  if (refusal === null) return null;
  const { scope, leftMicros } = refusal;
  if (heldMicros + leftMicros < Math.max(medianMicros, leastMicros)) return refusal;
  // As of a first attempt: its own limit is shared with nobody, a budget with others.
  const share = scope === "task" ? leftMicros : asMicros(Math.floor(TRACE_SHARE * leftMicros));
  return ledger.hold(taskId, share, budgets);
}
