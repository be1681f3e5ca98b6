/** Tables as CSV (RFC 4180). */
import { stringify } from "csv-stringify/sync";
import type { Context } from "hono";
import type { ApiEnv } from "./api-env.ts";

/** A file of these columns; null is an empty cell, and no text can be taken for a formula. */
export function csv(
  c: Context<ApiEnv>,
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | null>>[],
): Response {
  const text = stringify([...rows], {
    columns: [...columns],
    header: true,
    record_delimiter: "windows",
    escape_formulas: true,
  });
  return c.body(text, 200, { "Content-Type": "text/csv; charset=utf-8; header=present" });
}
