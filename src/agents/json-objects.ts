/** JSON objects in a text that may hold anything around them. */

/** Starts of objects that are tried in one text: bounds the work on a text full of braces. */
const MAX_STARTS = 64;

export interface FoundObject {
  readonly value: unknown;
  /** The object's own keys as they were written: `JSON.parse` keeps only the last of equal ones. */
  readonly keys: readonly string[];
}

/** The outermost balanced objects of a text that parse as JSON. */
export function* jsonObjects(text: string): Generator<FoundObject> {
  let start = text.indexOf("{");
  for (let tried = 0; start !== -1 && tried < MAX_STARTS; tried++) {
    const scanned = scan(text, start);
    const value = scanned === null ? undefined : parseJson(text.slice(start, scanned.end));
    if (scanned !== null && value !== undefined) {
      const keys = scanned.keys.map((key) => String(parseJson(key)));
      yield { value, keys };
    }
    start = text.indexOf("{", value === undefined || scanned === null ? start + 1 : scanned.end);
  }
}

interface Scanned {
  /** Index after the brace that closes the object. */
  readonly end: number;
  /** Strings of the object itself that a colon follows, in their quotes. */
  readonly keys: readonly string[];
}

const COLON = /\s*:/y;

/** The object that opens at `start`, braces in JSON strings aside; null where nothing closes it. */
function scan(text: string, start: number): Scanned | null {
  const keys: string[] = [];
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return { end: i + 1, keys };
    else if (char === '"') {
      const end = stringEnd(text, i);
      COLON.lastIndex = end;
      if (depth === 1 && COLON.test(text)) keys.push(text.slice(i, end));
      i = end - 1;
    }
  }
  return null;
}

/** Index after the quote that closes the string at `start`; the text's length where none does. */
function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
