/** How deep JSON text is nested, told without parsing it: parsers and validators recurse, and a stack ends. */

/** Counts brackets outside of strings; right for JSON, and harmless for what is none. */
export function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}
