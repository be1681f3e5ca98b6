/** How deep JSON text is nested, told without parsing it: parsers and validators recurse, and a stack ends. */

/** A string to its end, or to that of the text: one that is tried again from within takes time beyond measure. */
const TOKEN = /"(?:[^"\\]|\\.)*(?:"|\\?$)|[[\]{}]/gs;

/** Counts brackets outside of strings; right for JSON, and harmless for what is none. Linear in the text. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}
