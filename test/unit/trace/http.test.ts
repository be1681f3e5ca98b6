/** The `http` tool through `runTool`, with a `fetch` that is handed in. */
import { describe, expect, it } from "vitest";
import { createHttp, runTool } from "../../../src/trace/tools/index.ts";
import type { HttpConfig, Tool, ToolResult } from "../../../src/trace/tools/index.ts";
import { aContext } from "./support.ts";

type Handler = (request: Request) => Response | Promise<Response>;

function anHttp(handler: Handler, overrides: Partial<HttpConfig> = {}): { tool: Tool; seen: Request[] } {
  const seen: Request[] = [];
  const fetch: HttpConfig["fetch"] = async (url, init) => {
    const request = new Request(url, init);
    seen.push(request);
    init.signal?.throwIfAborted();
    return handler(request);
  };
  return {
    tool: createHttp({ allow: ["https://api.test", "https://docs.test/v1/"], fetch, ...overrides }),
    seen,
  };
}

const get = async (tool: Tool, input: Record<string, unknown>, context = aContext()): Promise<ToolResult> =>
  runTool([tool], { name: "http", input }, context);

describe("http", () => {
  it("gives status line, type and body, and sends the idempotency key", async () => {
    const { tool, seen } = anHttp(
      () =>
        new Response('{"a":1}', {
          status: 201,
          statusText: "Created",
          headers: { "content-type": "application/json" },
        }),
    );
    const result = await get(tool, {
      url: "https://api.test/x#frag",
      method: "POST",
      body: "b",
      headers: { "X-A": "1" },
    });
    expect(result).toEqual({
      ok: true,
      output: 'HTTP 201 Created\ncontent-type: application/json\n\n{"a":1}',
    });
    expect(seen[0]?.url).toBe("https://api.test/x");
    expect(Object.fromEntries(seen[0]?.headers ?? [])).toMatchObject({
      "idempotency-key": "task/1/step/2",
      "x-a": "1",
    });
    expect(await seen[0]?.text()).toBe("b");
  });
  it.each(["https://evil.test/", "https://docs.test/v2", "https://docs.test/v1/../v2", "http://api.test/"])(
    "does not call %s",
    async (url) => {
      const { tool, seen } = anHttp(() => new Response("x"));
      expect(await get(tool, { url })).toMatchObject({ error: { code: "not_allowed" } });
      expect(seen).toEqual([]);
    },
  );
  it.each([
    "Host",
    "cookie",
    "Authorization",
    "Content-Length",
    "CF-Connecting-IP",
    "X-Forwarded-For",
    "Proxy-Authorization",
    "idempotency-key",
  ])("does not let %s be set", async (name) => {
    const { tool, seen } = anHttp(() => new Response("x"));
    expect(await get(tool, { url: "https://api.test/", headers: { [name]: "x" } })).toMatchObject({
      error: { code: "not_allowed", message: expect.stringContaining(name) },
    });
    expect(seen).toEqual([]);
  });
  it.each([
    { url: "nonsense" },
    { url: "ftp://api.test/" },
    { url: "https://api.test/", headers: { "a b": "x" } },
    { url: "https://api.test/", headers: { a: "x\r\nb: y" } },
    { url: "https://api.test/", method: "CONNECT" },
    { url: "https://api.test/", body: "x" },
  ])("refuses %j", async (input) => {
    const { tool, seen } = anHttp(() => new Response("x"));
    expect(await get(tool, input)).toMatchObject({ error: { code: "invalid_arguments" } });
    expect(seen).toEqual([]);
  });

  it("follows redirects inside the list, without headers that were meant for the first origin", async () => {
    const { tool, seen } = anHttp(({ url }) =>
      url === "https://api.test/"
        ? Response.redirect("https://docs.test/v1/a", 302)
        : new Response("there", { headers: { "content-type": "text/plain" } }),
    );
    expect(
      await get(tool, {
        url: "https://api.test/",
        method: "POST",
        body: "x",
        headers: { "X-Api-Key": "k", Accept: "text/plain" },
      }),
    ).toMatchObject({ ok: true, output: expect.stringContaining("there") });
    expect(
      seen.map((request) => [
        request.method,
        request.redirect,
        request.headers.get("x-api-key"),
        request.headers.get("accept"),
      ]),
    ).toEqual([
      ["POST", "manual", "k", "text/plain"],
      ["GET", "manual", null, "text/plain"],
    ]);
  });
  it("keeps method and body where the status says so", async () => {
    const { tool, seen } = anHttp(({ url }) =>
      url.endsWith("/b")
        ? new Response(null, { status: 204 })
        : new Response(null, { status: 307, headers: { location: "/b" } }),
    );
    expect(await get(tool, { url: "https://api.test/a", method: "PUT", body: "x" })).toMatchObject({
      ok: true,
      output: expect.stringMatching(/^HTTP 204/),
    });
    expect([seen[1]?.method, await seen[1]?.text()]).toEqual(["PUT", "x"]);
  });
  it.each([
    "https://evil.test/",
    "//evil.test/x",
    "https://docs.test/v1/%2e%2e/secret",
    "http://api.test/",
    "file:///etc/passwd",
    "https://api.test@evil.test/",
  ])("does not follow a redirect to %s", async (location) => {
    const { tool, seen } = anHttp(() => new Response(null, { status: 302, headers: { location } }));
    expect(await get(tool, { url: "https://api.test/" })).toMatchObject({
      error: { code: "not_allowed", message: expect.stringContaining("redirect") },
    });
    expect(seen).toHaveLength(1);
  });
  it("follows three redirects and no more", async () => {
    const { tool, seen } = anHttp(() => Response.redirect("https://api.test/again", 302));
    expect(await get(tool, { url: "https://api.test/" })).toMatchObject({ error: { code: "unreachable" } });
    expect(seen).toHaveLength(4);
  });

  it("reads and shows as much of an endless body as it says", async () => {
    let pulled = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536).fill(97));
      },
    });
    const { tool } = anHttp(
      () => new Response(body, { headers: { "content-type": "text/plain; charset=utf-8" } }),
    );
    const result = await get(tool, { url: "https://api.test/" });
    expect(result).toMatchObject({
      ok: true,
      output: expect.stringMatching(/^HTTP 200.*longer than 64 KiB\]$/s),
    });
    expect(new TextEncoder().encode(result.ok ? result.output : "").length).toBe(65_536);
    expect(tool.description).toContain("64 KiB");
    expect(pulled).toBeLessThan(4);
  });
  it("does not show what is not text", async () => {
    const { tool } = anHttp(
      () => new Response(new Uint8Array([1, 2]), { headers: { "content-type": "image/png" } }),
    );
    expect(await get(tool, { url: "https://api.test/" })).toMatchObject({
      ok: true,
      output: expect.stringContaining("[the body is of image/png".replace("of ", "")),
    });
  });
  it("gives up on a side that is silent", async () => {
    const { tool } = anHttp(
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      { timeoutMs: 5 },
    );
    expect(await get(tool, { url: "https://api.test/" })).toMatchObject({ error: { code: "timed_out" } });
  });
  it("stops when the task is cancelled", async () => {
    const controller = new AbortController();
    const { tool } = anHttp(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          controller.abort();
        }),
    );
    expect(
      await get(tool, { url: "https://api.test/" }, aContext({ signal: controller.signal })),
    ).toMatchObject({ error: { code: "cancelled" } });
  });
  it("tells that the other side could not be reached", async () => {
    const { tool } = anHttp(() => {
      throw new TypeError("connection refused");
    });
    expect(await get(tool, { url: "https://api.test/" })).toMatchObject({
      error: { code: "unreachable", message: expect.stringContaining("connection refused") },
    });
  });
});
