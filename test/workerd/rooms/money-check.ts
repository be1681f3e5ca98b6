/** What a tenant's books must say of its tasks, whatever happened. */
import assert from "node:assert/strict";
import type { TaskId } from "../../../src/market/ids.ts";
import { reconcile } from "../../../src/market/ledger/reconcile.ts";
import { sumMicros, type Micros } from "../../../src/market/money.ts";
import type { BooksAnswers, BooksQuery } from "../../../src/tenancy/books.ts";
import type { MarketDay } from "./market-day.ts";

type Day = Pick<MarketDay, "market">;
type Books = Awaited<ReturnType<typeof booksAtOnce>>;

interface CheckedTask {
  readonly taskId: TaskId;
  readonly capMicros: Micros | null;
  readonly isQuote: boolean;
  /** Of a quote that was accepted: most that its trace may cost. */
  readonly quotedMicros: Micros | null;
}

export async function readBooks<K extends BooksQuery["kind"]>(
  { market }: Day,
  query: Extract<BooksQuery, { readonly kind: K }>,
): Promise<BooksAnswers[K]> {
  return (await market.readBooks(query)) as BooksAnswers[K];
}

/** As they stood at one moment: bills may come between two reads. */
export async function booksAtOnce(day: Day) {
  for (;;) {
    const { version } = await readBooks(day, { kind: "sums" });
    const calls = await readBooks(day, { kind: "calls", after: "", limit: 10_000 });
    const transfers = await readBooks(day, { kind: "transfers", after: 0, limit: 10_000 });
    const sums = await readBooks(day, { kind: "sums" });
    if (sums.version === version) return { calls, transfers, sums };
  }
}

/** Sums are those of their lines, what was let start was held, and no cap is passed. */
export function assertAccounts({ calls, transfers, sums }: Books, tasks: readonly CheckedTask[]): void {
  assert.deepEqual(reconcile({ calls, transfers, sums }).drifts, []);
  for (const { payer, boundMicros, chargedMicros, overrunMicros } of calls) {
    // The house pays for nothing but bills beyond their bounds.
    if (payer === "tenant") assert.equal(chargedMicros, Math.min(chargedMicros + overrunMicros, boundMicros));
  }
  for (const { taskId, capMicros, isQuote, quotedMicros } of tasks) {
    const trace = calls.filter((call) => call.taskId === taskId && call.kind === "trace");
    const traceMicros = sumMicros(trace.map((call) => call.chargedMicros));
    if (isQuote) assert.ok(traceMicros <= (quotedMicros ?? 0), "the quoted cap is passed");
    const account = sums.accounts.find((one) => one.taskId === taskId);
    if (account === undefined) throw new Error(`no account of ${taskId}`);
    assert.ok(account.heldMicros >= 0, "less than nothing is held");
    if (capMicros !== null)
      assert.ok(account.heldMicros + account.chargedMicros <= capMicros, "the task's cap is passed");
  }
}
