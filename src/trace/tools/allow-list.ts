/**
 * Which addresses the `http` tool may call: entries of an origin and, optionally, a path prefix.
 *
 * Decided on the parsed address (as fetch will see it), never on its text. A prefix ends at a segment's boundary, and a
 * path that could mean another one to a server that decodes it again is refused.
 */

/** One parsed entry. */
interface Entry {
  readonly origin: string;
  /** Without a slash at the end; "" for a whole origin. */
  readonly prefix: string;
}

/** Tells whether an address may be called. */
export interface AllowList {
  allows(url: URL): boolean;
  /** The entries, for a message. */
  readonly shown: string;
}

/** How often a path is decoded to look for what hides in it. */
const MAX_DECODINGS = 4;
const DOT_SEGMENT = /(?:^|[/\\]) *\.{1,2} *(?:$|[/\\;?#])/;
/** A backslash, a control character, or an overlong UTF-8 form (which careless decoders take for a dot or a slash). */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const SUSPECT = /[\\\u0000-\u001f\u007f]|%c[01]/i;

/**
 * Parses entries such as `https://api.example.com` and `http://127.0.0.1:8788/docs/`.
 * @throws TypeError for an entry that is no such address (a bug of the configuration)
 */
export function createAllowList(entries: readonly string[]): AllowList {
  const parsed = entries.map(parseEntry);
  return {
    allows: (url) =>
      (url.protocol === "https:" || url.protocol === "http:") &&
      url.username === "" &&
      url.password === "" &&
      parsed.some((entry) => entry.origin === url.origin && isUnder(url.pathname, entry.prefix)),
    shown: entries.join(", ") || "nothing",
  };
}

function parseEntry(text: string): Entry {
  const url = new URL(text);
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!isPlain || (url.protocol !== "https:" && url.protocol !== "http:") || isAmbiguous(url.pathname)) {
    throw new TypeError(`not an http(s) origin with an optional path: ${text}`);
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, "") };
}

function isUnder(path: string, prefix: string): boolean {
  if (prefix === "") return true;
  return (path === prefix || path.startsWith(`${prefix}/`)) && !isAmbiguous(path);
}

/** Whether decoding the path (again and again, leniently, as some servers and proxies do) uncovers a way out of it. */
function isAmbiguous(path: string): boolean {
  let current = path;
  for (let round = 0; round <= MAX_DECODINGS; round += 1) {
    if (DOT_SEGMENT.test(current) || SUSPECT.test(current)) return true;
    const decoded = current.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (decoded === current) return false;
    current = decoded;
  }
  return true;
}
