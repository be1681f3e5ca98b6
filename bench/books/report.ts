/** A reconciliation for people. Pure. */
import { textTable } from "../../emulators/demo/text-table.ts";
import type { Reconciliation } from "../../src/market/ledger/reconcile.ts";

/** Drifts that are shown one by one. */
const MOST_SHOWN = 50;

const usd = (micros: number) => (micros / 1_000_000).toFixed(6);

export function reconciliationLines(result: Reconciliation): string[] {
  const { balances, drifts, calls, transfers, withoutPrices } = result;
  const accounts = Object.entries(balances).map(([account, micros]) => [account, usd(micros)]);
  const lines = [
    `${calls} calls and ${transfers} transfers computed again.`,
    "",
    ...textTable([{ title: "account" }, { title: "USD", align: "right" }], accounts),
    "",
  ];
  if (withoutPrices > 0)
    lines.push(
      `${withoutPrices} billed calls are from before price rows were kept: their bills stand as booked.`,
    );
  if (drifts.length === 0) return [...lines, "Nothing drifts."];
  const rows = drifts
    .slice(0, MOST_SHOWN)
    .map(({ what, expected, found }) => [what, String(expected), String(found), String(found - expected)]);
  const columns = [
    { title: "what drifts" },
    ...["computed", "booked", "difference"].map((title) => ({ title, align: "right" as const })),
  ];
  const more = drifts.length - rows.length;
  return [...lines, ...textTable(columns, rows), ...(more > 0 ? [`and ${more} more`] : [])];
}
