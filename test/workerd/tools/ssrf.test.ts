/**
 * Ways to have `fetch_page` ask for what is nobody's public page: by the address, by what its name leads to, and by
 * redirects. None of the requests is made, and the model is told why.
 */
import { describe, expect, test } from "vitest";
import { LITERALS } from "./forbidden-addresses.ts";
import { anInternet, PUBLIC, type Answers, type Page } from "./internet.ts";

const SECRET: Page = "<p>inside</p>";

describe("an address", () => {
  test.each(LITERALS)("is not asked: %s", async (_, url) => {
    const { fetchPage, requests, lookups } = anInternet({
      names: { "example.com": PUBLIC },
      pages: { "*": SECRET },
    });
    expect(await fetchPage({ url })).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching(/^(not_allowed|invalid_arguments)$/) },
    });
    expect({ requests, lookups }).toEqual({ requests: [], lookups: [] });
  });
});

const only = (...data: readonly string[]): Answers =>
  data.map((one) => ({ type: one.includes(":") ? "AAAA" : "A", data: one }));

const NAMES: readonly (readonly [attempt: string, answers: Answers, code: string])[] = [
  ["loopback", only("127.0.0.1"), "not_allowed"],
  ["a private address", only("10.1.2.3"), "not_allowed"],
  ["the metadata of clouds", only("169.254.169.254"), "not_allowed"],
  ["a carrier's address", only("100.64.0.1"), "not_allowed"],
  ["this host", only("0.0.0.0"), "not_allowed"],
  ["multicast", only("224.0.0.251"), "not_allowed"],
  ["broadcast", only("255.255.255.255"), "not_allowed"],
  ["IPv6 loopback", only("::1"), "not_allowed"],
  ["an IPv6 unique local address", only("fd12:3456::1"), "not_allowed"],
  ["an IPv6 link-local address", only("fe80::1"), "not_allowed"],
  ["an IPv4 address mapped into IPv6", only("::ffff:10.0.0.1"), "not_allowed"],
  ["an IPv4 address mapped into IPv6 in hex", only("::ffff:7f00:1"), "not_allowed"],
  ["NAT64 of a private address", only("64:ff9b::a00:1"), "not_allowed"],
  ["6to4 of a private address", only("2002:a00:1::1"), "not_allowed"],
  ["a public and a private address", only("93.184.215.14", "192.168.1.1"), "not_allowed"],
  ["a private and a public address", only("192.168.1.1", "93.184.215.14"), "not_allowed"],
  ["a public IPv4 and a private IPv6 address", only("93.184.215.14", "fd00::1"), "not_allowed"],
  ["a private IPv4 and a public IPv6 address", only("10.0.0.1", "2606:2800::1"), "not_allowed"],
  [
    "an alias of an internal name, with its address",
    [
      { type: "CNAME", data: "db.internal." },
      { type: "A", data: "10.0.0.5" },
    ],
    "not_allowed",
  ],
  [
    "an alias of a public name, with a private address behind it",
    [
      { type: "CNAME", data: "a.example.com." },
      { type: "CNAME", data: "b.example.com." },
      { type: "AAAA", data: "::1" },
    ],
    "not_allowed",
  ],
  ["an alias without an address", [{ type: "CNAME", data: "localhost." }], "unreachable"],
  ["an address in short, which is none in an answer", only("127.1"), "unreachable"],
  ["no address", [], "unreachable"],
  ["no name at all", "no such name", "unreachable"],
  ["a failure of its server", "server failure", "unreachable"],
  ["a resolver that is down", "no answer", "unreachable"],
  ["a resolver's nonsense", "nonsense", "unreachable"],
];

describe("a name", () => {
  test.each(NAMES)("is not asked where it leads to %s", async (_, answers, code) => {
    const { fetchPage, requests, lookups } = anInternet({
      names: { "pages.example.com": answers },
      pages: { "*": SECRET },
    });
    expect(await fetchPage({ url: "https://pages.example.com/a" })).toMatchObject({ error: { code } });
    expect(requests).toEqual([]);
    expect(new Set(lookups)).toEqual(new Set(["pages.example.com"]));
  });

  test("is asked where all its addresses are public", async () => {
    const { fetchPage, requests } = anInternet({
      names: { "pages.example.com": PUBLIC },
      pages: { "*": "<title>Open</title><p>for everybody</p>" },
    });
    expect(await fetchPage({ url: "https://pages.example.com./a#part" })).toEqual({
      ok: true,
      output: "title: Open\nurl: https://pages.example.com/a\n\nfor everybody",
    });
    // What was resolved is what is called: the dot at the end and the fragment are gone.
    expect(requests.map(({ url }) => url)).toEqual(["https://pages.example.com/a"]);
  });
});

const START = "https://start.example.com/";

const REDIRECTS: readonly (readonly [attempt: string, location: string])[] = [
  ["loopback", "http://127.0.0.1/"],
  ["loopback over https", "https://127.0.0.1/"],
  ["loopback as one decimal", "https://2130706433/"],
  ["loopback in octal", "https://0177.1/"],
  ["loopback without a scheme", "//127.0.0.1/"],
  ["loopback without a scheme, by backslashes", "\\\\127.0.0.1\\"],
  ["the metadata of clouds", "https://169.254.169.254/latest/meta-data/"],
  ["IPv6 loopback", "https://[::1]/"],
  ["an IPv4 address mapped into IPv6", "https://[::ffff:169.254.169.254]/"],
  ["localhost", "https://localhost/"],
  ["an internal name", "https://metadata.google.internal/"],
  ["a name that leads to a private address", "https://inside.example.com/"],
  ["a name whose addresses are mixed", "https://mixed.example.com/"],
  ["another port", "https://start.example.com:8443/"],
  ["another port by a relative address", "//start.example.com:22/"],
  ["a user and a password", "https://user:secret@start.example.com/"],
  ["http instead of https", "http://start.example.com/"],
  ["a file", "file:///etc/passwd"],
  ["a script", "javascript:alert(1)"],
  ["data", "data:text/html,<p>x</p>"],
  ["ftp", "ftp://start.example.com/"],
];

const NEIGHBOURHOOD = {
  "start.example.com": PUBLIC,
  "middle.example.com": PUBLIC,
  "inside.example.com": only("10.0.0.1"),
  "mixed.example.com": only("93.184.215.14", "10.0.0.1"),
};

describe("a redirect", () => {
  test.each(REDIRECTS)("to %s is not followed", async (_, location) => {
    const { fetchPage, requests } = anInternet({
      names: NEIGHBOURHOOD,
      pages: { [START]: location, "*": SECRET },
    });
    expect(await fetchPage({ url: START })).toMatchObject({ error: { code: "not_allowed" } });
    expect(requests.map(({ url }) => url)).toEqual([START]);
  });

  test.each(REDIRECTS)("to %s is not followed at the end of a chain either", async (_, location) => {
    const { fetchPage, requests } = anInternet({
      names: NEIGHBOURHOOD,
      pages: {
        [START]: "https://middle.example.com/a",
        "https://middle.example.com/a": "/b",
        "https://middle.example.com/b": location,
        "*": SECRET,
      },
    });
    expect(await fetchPage({ url: START })).toMatchObject({ error: { code: "not_allowed" } });
    expect(requests).toHaveLength(3);
  });

  test("to a name that led elsewhere a moment ago is resolved again", async () => {
    const { fetchPage, requests } = anInternet({
      names: { "start.example.com": [PUBLIC, only("127.0.0.1")] },
      pages: { [START]: "/again", "*": SECRET },
    });
    expect(await fetchPage({ url: START })).toMatchObject({ error: { code: "not_allowed" } });
    expect(requests.map(({ url }) => url)).toEqual([START]);
  });

  test("round and round ends after five", async () => {
    const { fetchPage, requests } = anInternet({ names: NEIGHBOURHOOD, pages: { [START]: START } });
    expect(await fetchPage({ url: START })).toMatchObject({
      error: { code: "unreachable", message: expect.stringContaining("5 redirects") },
    });
    expect(requests).toHaveLength(6);
  });

  test("among public pages is followed, also from http to https", async () => {
    const { fetchPage, requests } = anInternet({
      names: NEIGHBOURHOOD,
      pages: {
        "http://start.example.com/": "https://middle.example.com/a",
        "https://middle.example.com/a": "<p>there</p>",
      },
    });
    expect(await fetchPage({ url: "http://start.example.com/" })).toEqual({
      ok: true,
      output: "url: https://middle.example.com/a\n\nthere",
    });
    expect(requests).toHaveLength(2);
  });
});

describe("a request", () => {
  test("carries no cookie, credential, referrer or key, also after a page has set them", async () => {
    const { fetchPage, requests } = anInternet({
      names: NEIGHBOURHOOD,
      pages: {
        [START]: () =>
          new Response(null, {
            status: 302,
            headers: { location: "/next", "set-cookie": "session=1", "www-authenticate": "Basic" },
          }),
        "*": "<p>x</p>",
      },
    });
    await fetchPage({ url: START });
    expect(requests).toHaveLength(2);
    for (const { method, headers, redirect } of requests) {
      expect({ method, redirect, names: [...headers.keys()].toSorted() }).toEqual({
        method: "GET",
        redirect: "manual",
        names: ["accept", "user-agent"],
      });
    }
  });

  test("goes to what the operator's list names, and to nothing beside it", async () => {
    const { fetchPage, requests, lookups } = anInternet(
      { pages: { "*": SECRET } },
      { allow: ["http://127.0.0.1:8788/docs"] },
    );
    expect(await fetchPage({ url: "http://127.0.0.1:8788/docs/a" })).toMatchObject({ ok: true });
    const others = [
      "http://127.0.0.1:8788/admin",
      "http://127.0.0.1:8788/docs/../admin",
      "http://127.0.0.1:8788/docs/%2e%2e/admin",
      "http://127.0.0.1:8788/docs%2f..%2fadmin",
      "http://127.0.0.1:8789/docs/a",
      "https://127.0.0.1:8788/docs/a",
      "http://user@127.0.0.1:8788/docs/a",
      "http://localhost:8788/docs/a",
    ];
    for (const url of others) {
      expect(await fetchPage({ url }), url).toMatchObject({ error: { code: "not_allowed" } });
    }
    expect({ requests: requests.length, lookups }).toEqual({ requests: 1, lookups: [] });
  });
});
