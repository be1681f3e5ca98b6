/** The allow-list of the `http` tool lets no other origin and no other path through. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAllowList } from "../../../src/trace/tools/allow-list.ts";

const list = createAllowList([
  "https://api.example.com",
  "http://127.0.0.1:8788/docs/",
  "https://cdn.example.com/a/b",
]);
const allows = (text: string): boolean => URL.canParse(text) && list.allows(new URL(text));

describe("allows", () => {
  it.each([
    "https://api.example.com",
    "https://api.example.com/",
    "https://API.example.com/x?y=1#z",
    "https://api.example.com:443/x",
    "https://api.example.com/%2e%2e/anything",
    "http://127.0.0.1:8788/docs",
    "http://127.0.0.1:8788/docs/",
    "http://127.0.0.1:8788/docs/a/b?c=../..",
    "http://127.0.0.1:8788/other/../docs/a",
    "http://127.1:8788/docs/a",
    "http://127.0.0.1:8788/docs/100%25",
    "http://127.0.0.1:8788/docs/a.b..c",
    "https://cdn.example.com/a/b/c",
    "https:\\\\api.example.com\\x",
  ])("%s", (url) => expect(allows(url)).toBe(true));
});

describe("refuses", () => {
  it.each([
    "http://api.example.com/",
    "https://api.example.com:8443/",
    "https://api.example.com.evil.test/",
    "https://evil.test/https://api.example.com/",
    "https://api.example.com@evil.test/",
    "https://user@api.example.com/",
    "https://user:pass@api.example.com/",
    "https://xapi.example.com/",
    "https://example.com/",
    "ftp://api.example.com/",
    "file:///etc/passwd",
    "data:text/plain,x",
    "javascript:1",
    "blob:https://api.example.com/x",
    "ws://127.0.0.1:8788/docs/",
    "http://127.0.0.1:8788/",
    "http://127.0.0.1:8788/docsx",
    "http://127.0.0.1:8788/docs-private/a",
    "http://127.0.0.1:8788/Docs/a",
    "http://127.0.0.1/docs/",
    "http://127.0.0.1:8788/docs/../admin",
    "http://127.0.0.1:8788/docs/%2e%2e/admin",
    "http://127.0.0.1:8788/docs/.%2E/admin",
    "http://127.0.0.1:8788/docs/..\\admin",
    "http://127.0.0.1:8788/docs/..%2fadmin",
    "http://127.0.0.1:8788/docs/%2e%2e%2fadmin",
    "http://127.0.0.1:8788/docs/..%5cadmin",
    "http://127.0.0.1:8788/docs/a%5c..%5c..%5cadmin",
    "http://127.0.0.1:8788/docs/%252e%252e%252fadmin",
    "http://127.0.0.1:8788/docs/%25252e%25252e%25252fadmin",
    "http://127.0.0.1:8788/docs/..;/admin",
    "http://127.0.0.1:8788/docs/%00",
    "http://127.0.0.1:8788/docs/%c0%ae%c0%ae/admin",
    "http://127.0.0.1:8788/docs/.%09.%2fadmin",
    "http://127.0.0.1:8788/docs/%2e%2e%20/x",
    "http://localhost:8788/docs/",
    "http://[::1]:8788/docs/",
    "https://cdn.example.com/a/bc",
    "https://cdn.example.com/a",
  ])("%s", (url) => expect(allows(url)).toBe(false));
});

/** Pieces that addresses are attacked with. */
const PIECES = [
  "docs",
  "admin",
  "..",
  ".",
  "%2e%2e",
  ".%2e",
  "%2E.",
  "/",
  "//",
  "\\",
  "%2f",
  "%5C",
  "%252e",
  "%25",
  "@",
  ":",
  ":8788",
  "?",
  "#",
  ";",
  "127.0.0.1",
  "evil.test",
  "a",
  "\t",
  "\n",
  " ",
];
const STARTS = [
  "http://127.0.0.1:8788/docs/",
  "http://127.0.0.1:8788/",
  "http://127.0.0.1:8788",
  "http:127.0.0.1:8788/docs/",
  "//",
];

/** Whether every reading of the address stays under the prefix: as it is sent, and decoded as often as a server likes. */
function staysUnderDocs(text: string): boolean {
  const sent = new URL(text);
  let path = sent.pathname;
  for (let round = 0; round < 6; round += 1) {
    const asPath = path.replaceAll("\\", "/").replaceAll("?", "%3F").replaceAll("#", "%23");
    const read = new URL(`http://127.0.0.1:8788${asPath}`);
    if (read.origin !== sent.origin || !/^\/docs(\/|$)/.test(read.pathname)) return false;
    path = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
  return sent.origin === "http://127.0.0.1:8788" && sent.username === "";
}

describe("refuses, however it is written,", () => {
  it("whatever does not stay under an entry", () => {
    const url = fc
      .tuple(fc.constantFrom(...STARTS), fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }))
      .map(([start, rest]) => start + rest.join(""));
    fc.assert(
      fc.property(url, (text) => {
        expect(!allows(text) || staysUnderDocs(text)).toBe(true);
      }),
      { numRuns: 3_000, seed: 11 },
    );
  });

  it("every origin but its own", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
        const { origin } = new URL(text);
        expect(origin === "https://api.example.com" || !allows(text)).toBe(true);
      }),
      { numRuns: 300, seed: 12 },
    );
  });
});

describe("createAllowList", () => {
  it.each([
    "api.example.com",
    "ftp://x.test",
    "https://u:p@x.test",
    "https://x.test/?q",
    "https://x.test/#f",
    "https://x.test/a%2fb%2f..",
    "",
  ])("does not take %j", (entry) => {
    expect(() => createAllowList([entry])).toThrow(TypeError);
  });
  it("allows nothing when empty", () =>
    expect(createAllowList([]).allows(new URL("https://x.test"))).toBe(false));
});
