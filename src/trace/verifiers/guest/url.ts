/**
 * Runs INSIDE the sandbox: as much of `URL` as @cfworker/json-schema needs to resolve `$id` and `$ref` (RFC 3986 section 5).
 * QuickJS has none, so importing this installs it as the global `URL`. Not a general parser, and never used on an address that anybody fetches.
 */
const PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

interface Parts {
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string;
  readonly search: string;
  readonly hash: string;
}

/** An absolute address. @throws TypeError when it is relative and there is no base */
export class SchemaUrl {
  readonly href: string;
  readonly hash: string;

  constructor(text: string, base?: string | SchemaUrl) {
    const own = split(text);
    const parts = own.scheme === undefined && base !== undefined ? resolve(own, split(String(base))) : own;
    if (parts.scheme === undefined) throw new TypeError(`not an absolute address: ${text}`);
    const authority = parts.authority === undefined ? "" : `//${parts.authority}`;
    const path = parts.authority !== undefined && parts.path === "" ? "/" : parts.path;
    this.hash = parts.hash === "#" ? "" : parts.hash;
    this.href = `${parts.scheme}:${authority}${path}${parts.search}${parts.hash}`;
  }

  toString(): string {
    return this.href;
  }
}

function split(text: string): Parts {
  const [, scheme, authority, path = "", search = "", hash = ""] = PARTS.exec(text) ?? [];
  return { scheme: scheme?.toLowerCase(), authority: authority?.toLowerCase(), path, search, hash };
}

function resolve(own: Parts, base: Parts): Parts {
  if (own.authority !== undefined) return { ...own, scheme: base.scheme };
  const { scheme, authority } = base;
  if (own.path === "")
    return {
      scheme,
      authority,
      path: base.path,
      search: own.search === "" ? base.search : own.search,
      hash: own.hash,
    };
  const path = own.path.startsWith("/")
    ? own.path
    : `${base.path.slice(0, base.path.lastIndexOf("/") + 1)}${own.path}`;
  return { ...own, scheme, authority, path: withoutDots(path) };
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return /(?:^|\/)\.{1,2}$/.test(path) ? `${kept.join("/")}/` : kept.join("/");
}

(globalThis as { URL?: unknown }).URL = SchemaUrl;
