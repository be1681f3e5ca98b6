/** Budgets as clients write and read them: USD, null for no limit. Days and months are UTC. */
import { z } from "zod";
import { budgetRoom, type Budget, type Spending } from "../market/ledger/budget.ts";
import { microsToUsd, usdToMicros, type Micros } from "../market/money.ts";
import type { AccountBudget } from "../tenancy/books.ts";
import type { HoldRefusal } from "../tenancy/ledger.ts";
import { Problem } from "./problem.ts";

/** Micro-USD of more are no safe integers long before a tenant has spent it. */
const MAX_BUDGET_USD = 1_000_000_000;

const limit = z.number().min(0).max(MAX_BUDGET_USD).nullable().default(null);

/** What is absent is not limited. */
export const budgetSchema = z
  .strictObject({ totalUsd: limit, dayUsd: limit, monthUsd: limit })
  .transform(({ totalUsd, dayUsd, monthUsd }): Budget => ({
    totalMicros: toMicros(totalUsd),
    dayMicros: toMicros(dayUsd),
    monthMicros: toMicros(monthUsd),
  }));

function toMicros(usd: number | null): Micros | null {
  return usd === null ? null : usdToMicros(usd);
}

function toUsd(micros: Micros | null): number | null {
  return micros === null ? null : microsToUsd(micros);
}

export function budgetJson(budget: Budget, spending: Spending) {
  const { heldMicros, chargedMicros } = spending;
  return {
    object: "budget",
    ...limitsJson(budget),
    heldUsd: microsToUsd(heldMicros),
    spentUsd: {
      total: microsToUsd(chargedMicros.total),
      day: microsToUsd(chargedMicros.day),
      month: microsToUsd(chargedMicros.month),
    },
    leftUsd: toUsd(budgetRoom(budget, spending)?.leftMicros ?? null),
  };
}

/** Of the key that asks, beside its tenant's: both hold. */
export function accountJson({ account, budget, spending }: AccountBudget) {
  return { ...budgetJson(budget, spending), object: "key_budget", spendsAs: account };
}

export function limitsJson({ totalMicros, dayMicros, monthMicros }: Budget) {
  return { totalUsd: toUsd(totalMicros), dayUsd: toUsd(dayMicros), monthUsd: toUsd(monthMicros) };
}

/** Refused before anything was spent: which limit, what was asked, and what it leaves. */
export function budgetProblem({ scope, limit: name, askedMicros, leftMicros }: HoldRefusal): Problem {
  const [askedUsd, leftUsd] = [microsToUsd(askedMicros), microsToUsd(leftMicros)];
  // Its own limit the task would meet again, however often it comes.
  if (scope === "task") return new Problem("cost_limit_too_low", { details: { askedUsd, leftUsd } });
  return new Problem("budget_exceeded", { details: { scope, limit: name, askedUsd, leftUsd } });
}
