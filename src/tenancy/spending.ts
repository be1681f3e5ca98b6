/** What a tenant or a key holds and has spent: a row for each day, and one for what is held. */
import type { Spending } from "../market/ledger/budget.ts";
import { asMicros } from "../market/money.ts";
import { dayOf, monthOf } from "./utc.ts";

/** The scope of the tenant itself; a key's is its id. */
export const TENANT_SCOPE = "tenant";
/** Beside days, the time of what is held. */
export const HELD = "held";

/** Months and the whole are added up from days: a row that is written costs as much as a thousand that are read. */
export function spendingOf(sql: SqlStorage, scope: string, nowMs: number): Spending {
  const row = sql
    .exec<{ held: number; total: number; day: number; month: number }>(
      `SELECT coalesce(sum(micros) FILTER (WHERE time = '${HELD}'), 0) AS held,
         coalesce(sum(micros) FILTER (WHERE time <> '${HELD}'), 0) AS total,
         coalesce(sum(micros) FILTER (WHERE time = ?), 0) AS day,
         coalesce(sum(micros) FILTER (WHERE substr(time, 1, 7) = ?), 0) AS month
       FROM spending WHERE scope = ?`,
      dayOf(nowMs),
      monthOf(nowMs),
      scope,
    )
    .one();
  return {
    heldMicros: asMicros(row.held),
    chargedMicros: { total: asMicros(row.total), day: asMicros(row.day), month: asMicros(row.month) },
  };
}
