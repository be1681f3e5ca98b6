/**
 * Hard budgets: what may be held, so that nothing that is spent can pass them. Pure.
 *
 * A budget counts what was charged in its time and all that is held for open tasks, whenever it was set aside: what is
 * held may be charged at any moment. So a hold that fits can never lead past the budget, also over midnight: the new
 * day begins with what is held from the old one. Days and months are UTC.
 */
import { asMicros, type Micros } from "../money.ts";

/** Null: no limit. */
export interface Budget {
  readonly totalMicros: Micros | null;
  /** Per day of UTC. */
  readonly dayMicros: Micros | null;
  /** Per month of UTC. */
  readonly monthMicros: Micros | null;
}

export const NO_BUDGET: Budget = { totalMicros: null, dayMicros: null, monthMicros: null };

/** What counts against a budget now. */
export interface Spending {
  /** Set aside for open tasks. */
  readonly heldMicros: Micros;
  readonly chargedMicros: { readonly total: Micros; readonly day: Micros; readonly month: Micros };
}

export const BUDGET_LIMITS = ["total", "day", "month"] as const;
export type BudgetLimit = (typeof BUDGET_LIMITS)[number];

/** The limit that leaves least, and what it leaves; null: nothing is limited. */
export interface BudgetRoom {
  readonly limit: BudgetLimit;
  readonly leftMicros: Micros;
}

/** What may still be held; 0 where a budget was lowered below what is spent. */
export function budgetRoom(budget: Budget, spending: Spending): BudgetRoom | null {
  let least: BudgetRoom | null = null;
  for (const limit of BUDGET_LIMITS) {
    const cap = budget[`${limit}Micros`];
    if (cap === null) continue;
    const left = Math.max(0, cap - spending.chargedMicros[limit] - spending.heldMicros);
    if (least === null || left < least.leftMicros) least = { limit, leftMicros: asMicros(left) };
  }
  return least;
}
