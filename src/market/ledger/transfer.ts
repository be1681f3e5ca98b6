/**
 * The double-entry ledger of a tenant (architecture, decision 5). Pure.
 *
 * Every movement of money is a transfer from one account to another, so that all accounts together are always zero. A
 * tenant has spent what went from `held` to `providers`; `overrun` and `lost` are what the house paid in its place.
 */
import type { CallId, TaskId } from "../ids.ts";
import type { Micros } from "../money.ts";

/**
 * - `free`: what nobody has asked for yet; below zero by what is held and spent.
 * - `held`: set aside for open tasks.
 * - `providers`: owed to providers for the work of models.
 * - `overrun`: paid by the house: what a provider billed beyond what was held for the call.
 * - `lost`: paid by the house: calls of a holder that was given up, whose work another one did again.
 */
export const ACCOUNTS = ["free", "held", "providers", "overrun", "lost"] as const;
export type Account = (typeof ACCOUNTS)[number];

/**
 * - `hold`, `release`: a task's money is set aside, and what it did not spend is free again.
 * - `charge`: a call of the tenant's, from what was held for its task.
 * - `overrun`, `lost`: what the house pays of a call.
 * - `correct`: a bill that came after all takes the place of the call's bound: what was too much goes back.
 */
export type TransferKind = "hold" | "release" | "charge" | "overrun" | "lost" | "correct";

export interface Transfer {
  readonly kind: TransferKind;
  readonly taskId: TaskId;
  /** Null: `hold` and `release` are no call's. */
  readonly callId: CallId | null;
  readonly from: Account;
  readonly to: Account;
  /** Never 0. */
  readonly micros: Micros;
}

/** What an account has, in micro-USD: what came less what went. `free` and the house's accounts are never above zero. */
export type Balances = Readonly<Record<Account, number>>;

export const NO_BALANCES: Balances = { free: 0, held: 0, providers: 0, overrun: 0, lost: 0 };

export function addTransfer(balances: Balances, { from, to, micros }: Transfer): Balances {
  if (from === to) throw new RangeError("a transfer has two accounts");
  return { ...balances, [from]: balances[from] - micros, [to]: balances[to] + micros };
}

/** Zero in every ledger. */
export function sumOfAccounts(balances: Balances): number {
  return ACCOUNTS.reduce((sum, account) => sum + balances[account], 0);
}
