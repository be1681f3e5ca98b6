/** A tenant's books over the operator's API, as they stood at one moment. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BookSums, Books, CallLine, TransferLine } from "../../src/market/ledger/reconcile.ts";
import { callOperator, type OperatorAccess } from "../fit/operator-access.ts";

/** A tenant that is at work changes its books between two pages: they are read again so many times. */
const TRIES = 5;
const WAIT_MS = 1_000;

/** As the operator's API answers; the version changes with every entry. */
type StoredSums = BookSums & { readonly version: string };

/**
 * @throws FitError where there is no answer, or no good one
 * @throws BusyBooks where the tenant's books never stood still
 */
export async function readBooks(access: OperatorAccess): Promise<Books> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (tried > 0) await sleep(WAIT_MS);
    const before = await sumsOf(access);
    const calls = await pages<CallLine>(access, "books/calls");
    const transfers = await pages<TransferLine>(access, "books/transfers");
    const sums = await sumsOf(access);
    if (sums.version === before.version) return { calls, transfers, sums };
  }
  throw new BusyBooks(
    `the books changed while they were read, ${TRIES} times: let the tenant's tasks end first`,
  );
}

export class BusyBooks extends Error {}

async function sumsOf(access: OperatorAccess): Promise<StoredSums> {
  const accounts: BookSums["accounts"][number][] = [];
  let query = "";
  for (;;) {
    const response = await callOperator(access, { method: "GET", path: `books/sums${query}` });
    const page = (await response.json()) as StoredSums & { readonly nextCursor: string | null };
    accounts.push(...page.accounts);
    if (page.nextCursor === null) return { ...page, accounts };
    query = `?cursor=${page.nextCursor}`;
  }
}

async function pages<Line>(access: OperatorAccess, path: string): Promise<Line[]> {
  const lines: Line[] = [];
  let query = "";
  for (;;) {
    const response = await callOperator(access, { method: "GET", path: `${path}${query}` });
    const page = (await response.json()) as {
      readonly data: readonly Line[];
      readonly nextCursor: string | number | null;
    };
    lines.push(...page.data);
    if (page.nextCursor === null) return lines;
    query = `?cursor=${page.nextCursor}`;
  }
}
