/** `web_search` over both providers' wire formats, with a provider that the test plays. */
import { describe, expect, test } from "vitest";
import type { SearchConfig } from "../../../src/config.ts";
import { runTool, type ToolContext, type ToolResult } from "../../../src/trace/tools/index.ts";
import { createSearch } from "../../../src/trace/tools/search/create-search.ts";
import { createWebSearch } from "../../../src/trace/tools/web-search.ts";

const KEY = "secret-key-0123456789";
const NOW_MS = Date.UTC(2026, 10, 27);

type Answer = (request: Request) => Response | Promise<Response>;
type Provider = SearchConfig["provider"];

function aSearch(
  provider: Provider,
  answer: Answer,
  more: Partial<SearchConfig> & { timeoutMs?: number } = {},
) {
  const requests: Request[] = [];
  const { timeoutMs, ...config } = more;
  const search = createSearch({
    config: { provider, apiKey: KEY, baseUrl: null, ...config },
    fetch: async (url, init) => {
      const request = new Request(url, init);
      requests.push(request.clone());
      return answer(request);
    },
    nowMs: () => NOW_MS,
  });
  const tool = createWebSearch({ search, ...(timeoutMs !== undefined && { timeoutMs }) });
  return {
    requests,
    find: async (input: object, context: Partial<ToolContext> = {}): Promise<ToolResult> =>
      runTool(
        [tool],
        { name: "web_search", input },
        { idempotencyKey: "k", signal: new AbortController().signal, ...context },
      ),
  };
}

const EMPTY: Readonly<Record<Provider, object>> = { brave: { type: "search" }, tavily: { results: [] } };
const BOTH = ["brave", "tavily"] as const;

describe("Brave", () => {
  test("is asked as its reference says, and its results are listed", async () => {
    const { find, requests } = aSearch("brave", () =>
      Response.json({
        type: "search",
        query: { original: "x" },
        web: {
          type: "search",
          results: [
            { title: "One", url: "https://one.example/", description: "First\n result", age: "2 days ago" },
            { title: "Two", url: "https://two.example/", description: "", page_age: "2026-01-02T00:00:00" },
            { title: "Three", url: "https://three.example/" },
          ],
        },
      }),
    );
    expect(await find({ query: " auctions & agents ", count: 7, freshness: "month" })).toEqual({
      ok: true,
      output:
        "1. One\n   https://one.example/\n   2 days ago\n   First result\n\n" +
        "2. Two\n   https://two.example/\n   2026-01-02T00:00:00\n\n" +
        "3. Three\n   https://three.example/",
    });
    const [request] = requests;
    const url = new URL(request?.url ?? "");
    expect([request?.method, url.origin, url.pathname]).toEqual([
      "GET",
      "https://api.search.brave.com",
      "/res/v1/web/search",
    ]);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      q: "auctions & agents",
      count: "7",
      freshness: "pm",
      text_decorations: "false",
      result_filter: "web",
    });
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      accept: "application/json",
      "x-subscription-token": KEY,
    });
  });

  test.each([
    [
      "of the second",
      { "X-RateLimit-Remaining": "0, 900", "X-RateLimit-Reset": "1, 1419704" },
      "for 1 seconds",
    ],
    [
      "of the month",
      { "X-RateLimit-Remaining": "1, 0", "X-RateLimit-Reset": "1, 1419704" },
      "for 1419704 seconds",
    ],
    ["of both", { "X-RateLimit-Remaining": "0, 0", "X-RateLimit-Reset": "1, 50" }, "for 50 seconds"],
    ["that it names itself", { "Retry-After": "7", "X-RateLimit-Reset": "1, 50" }, "for 7 seconds"],
    ["that it does not name", {}, "for the moment"],
  ])("at the limit %s says when to come again", async (_, headers, words) => {
    const { find } = aSearch("brave", () => new Response("{}", { status: 429, headers }));
    expect(await find({ query: "x" })).toMatchObject({
      error: { code: "rate_limited", message: expect.stringContaining(words) },
    });
  });
});

describe("Tavily", () => {
  test("is asked as its reference says, and its results are listed", async () => {
    const { find, requests } = aSearch("tavily", () =>
      Response.json({
        query: "x",
        answer: null,
        results: [
          { title: "One", url: "https://one.example/", content: "First", score: 0.9, raw_content: null },
          { title: "Two", url: "https://two.example/", content: "Second", published_date: "2026-01-02" },
        ],
        response_time: "1.67",
      }),
    );
    expect(await find({ query: "x", freshness: "week" })).toEqual({
      ok: true,
      output:
        "1. One\n   https://one.example/\n   First\n\n2. Two\n   https://two.example/\n   2026-01-02\n   Second",
    });
    const [request] = requests;
    expect([request?.method, request?.url]).toEqual(["POST", "https://api.tavily.com/search"]);
    expect(await request?.json()).toEqual({
      query: "x",
      max_results: 5,
      search_depth: "basic",
      time_range: "week",
    });
    expect(Object.fromEntries(request?.headers ?? [])).toEqual({
      "content-type": "application/json",
      authorization: `Bearer ${KEY}`,
    });
  });

  test.each([
    [429, { "Retry-After": new Date(NOW_MS + 9_500).toUTCString() }, "for 9 seconds"],
    [429, { "Retry-After": "soon" }, "for the moment"],
    [432, {}, "used up"],
    [433, {}, "used up"],
  ])("at a limit (%i) says what it is", async (status, headers, words) => {
    const { find } = aSearch("tavily", () => new Response("{}", { status, headers }));
    expect(await find({ query: "x" })).toMatchObject({
      error: { code: "rate_limited", message: expect.stringContaining(words) },
    });
  });
});

describe.each(BOTH)("with %s", (provider) => {
  test("nothing found is no error", async () => {
    const { find } = aSearch(provider, () => Response.json(EMPTY[provider]));
    expect(await find({ query: "x" })).toEqual({ ok: true, output: "nothing was found; try other words" });
  });

  test("another address of the provider's is the operator's to name", async () => {
    const { find, requests } = aSearch(provider, () => Response.json(EMPTY[provider]), {
      baseUrl: "http://127.0.0.1:8788/search/",
    });
    await find({ query: "x" });
    expect(requests[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:8788\/search\/(res\/v1\/web\/)?search/);
  });

  test("more results than were asked for are left out, and long ones cut", async () => {
    const long = { title: "T".repeat(5_000), url: "https://a.example/", content: "c".repeat(5_000) };
    const results = Array.from({ length: 30 }, () => ({ ...long, description: long.content }));
    const { find } = aSearch(provider, () => Response.json({ web: { results }, results }));
    const result = await find({ query: "x", count: 20 });
    if (!result.ok) throw new Error(result.error.message);
    expect(result.output.split("\n\n")).toHaveLength(20);
    expect(result.output.length).toBeLessThan(20 * 2_100);
  });

  test.each([
    ["a status of its own", () => new Response(`no: ${KEY}`, { status: 500 }), "bad_status"],
    ["a refusal of the key", () => new Response(`bad key ${KEY}`, { status: 401 }), "failed"],
    ["something else than JSON", () => new Response(`<p>${KEY}</p>`), "failed"],
    ["another form", () => Response.json({ results: { key: KEY }, web: KEY }), "failed"],
    ["more than a megabyte", () => new Response(`"${KEY.repeat(60_000)}"`), "failed"],
    [
      "a failure to connect",
      () => {
        throw new TypeError(`connect with X-Subscription-Token: ${KEY}`);
      },
      "unreachable",
    ],
  ])("%s is an error without the key in it", async (_, answer, code) => {
    const { find } = aSearch(provider, answer);
    const result = await find({ query: "x" });
    expect(result).toMatchObject({ error: { code } });
    expect(JSON.stringify(result)).not.toContain(KEY);
  });

  test("a redirect is not followed: the key goes nowhere else", async () => {
    const { find, requests } = aSearch(provider, () => Response.redirect("https://elsewhere.example/", 302));
    expect(await find({ query: "x" })).toMatchObject({ error: { code: "bad_status" } });
    expect(requests.map(({ redirect }) => redirect)).toEqual(["manual"]);
  });

  test("a provider that is silent is given up, and a cancelled task waits for none", async () => {
    const silent = () => new Promise<Response>(() => {});
    expect(await aSearch(provider, silent, { timeoutMs: 20 }).find({ query: "x" })).toMatchObject({
      error: { code: "timed_out" },
    });
    const stop = new AbortController();
    const cancelled = aSearch(provider, () => {
      stop.abort();
      return silent();
    });
    expect(await cancelled.find({ query: "x" }, { signal: stop.signal })).toMatchObject({
      error: { code: "cancelled" },
    });
  });
});

test.each([
  ["nothing", { query: "  " }],
  ["more than 400 characters", { query: "x".repeat(401) }],
  ["more than 50 words", { query: "x ".repeat(51) }],
  ["no result", { query: "x", count: 0 }],
  ["more than 20 results", { query: "x", count: 21 }],
  ["another age", { query: "x", freshness: "decade" }],
  ["something unknown", { query: "x", site: "example.com" }],
])("who asks for %s is told so before anybody is asked", async (_, input) => {
  const { find, requests } = aSearch("brave", () => Response.json(EMPTY.brave));
  expect(await find(input)).toMatchObject({ error: { code: "invalid_arguments" } });
  expect(requests).toEqual([]);
});
