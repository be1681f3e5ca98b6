/**
 * Canonical JSON: the same value always gives the same bytes, so that a signature holds after any parser and printer.
 *
 * RFC 8785: members sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript writes them. One
 * difference: a lone surrogate, which that RFC refuses, is escaped as JSON.stringify does. A model may write one, and
 * its auction must have a receipt all the same.
 */

/** @throws TypeError on what JSON does not have (undefined, NaN, functions): a bug of the caller */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object") throw new TypeError(`not a JSON value: a ${typeof value}`);
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
