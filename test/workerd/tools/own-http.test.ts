/** A tenant's own HTTP tools as a trace meets them: what is sent, what is shown, and servers that break. */
import { describe, expect, test } from "vitest";
import { callHttpTool } from "../../../src/trace/tools/own/http-tool.ts";
import type { Serve } from "../../support/mcp-servers.ts";
import {
  ask,
  aWorld,
  depsOf,
  errorOf,
  HTTP_ACCESS,
  HTTP_TOOL,
  openTools,
  outputOf,
  SECRET,
  type World,
} from "./own-tools-day.ts";

const json = (body: unknown, init: ResponseInit = {}) => Response.json(body, init);
const world = (serve: Serve, access: Partial<typeof HTTP_ACCESS> = {}) =>
  aWorld({ ...HTTP_ACCESS, ...access }, serve);
const run = async (of: World, input: unknown = { id: "o-7" }, options = {}) =>
  ask(openTools(of, [HTTP_TOOL]), "orders", input, options);

describe("a tenant's HTTP tool", () => {
  test("is sent the arguments as JSON, with the key of the call and the secret, to its address", async () => {
    const shop = world(async () => json({ state: "shipped" }));
    const result = await run(shop, { id: "o-7", tags: ["a"] }, { key: "tsk-9-1-3-0" });
    expect(outputOf(result)).toBe('HTTP 200\ncontent-type: application/json\n\n{"state":"shipped"}');
    expect(shop.sent).toHaveLength(1);
    const [sent] = shop.sent;
    expect(sent).toMatchObject({
      url: "https://shop.example.com/orders?version=2",
      method: "POST",
      body: '{"id":"o-7","tags":["a"]}',
    });
    expect(sent?.headers.get("Authorization")).toBe(SECRET);
    expect(sent?.headers.get("Idempotency-Key")).toBe("tsk-9-1-3-0");
    expect(sent?.headers.get("Content-Type")).toBe("application/json");
  });

  test("without a body has them in its address, beside what the tenant wrote there", async () => {
    const shop = world(async () => json([]), { method: "GET" });
    await run(shop, { id: "o-7", count: 3, tags: ["a b"] });
    expect(shop.sent[0]).toMatchObject({
      url: "https://shop.example.com/orders?version=2&id=o-7&count=3&tags=%5B%22a+b%22%5D",
      method: "GET",
      body: "",
    });
  });

  test("does not let a model change what the tenant wrote into the address", async () => {
    const shop = world(async () => json([]), {
      method: "GET",
      url: "https://shop.example.com/orders?id=o-1",
    });
    expect(errorOf(await run(shop))).toEqual({
      code: "invalid_arguments",
      message: "orders was not run; the argument id is fixed",
    });
    expect(shop.sent).toEqual([]);
  });

  test.each([
    [{ id: "seven" }, "pattern"],
    [{}, "id"],
    [{ id: "o-7", more: 1 }, "more"],
    ["o-7", "object"],
    [{ id: `o-${"7".repeat(300_000)}` }, "characters"],
  ])("is not run with %j", async (input, words) => {
    const shop = world(async () => json([]));
    const { code, message } = errorOf(await run(shop, input));
    expect(code).toBe("invalid_arguments");
    expect(message).toContain(words);
    expect(shop.sent).toEqual([]);
  });

  test("whose schema's pattern never comes to an end holds nobody up", async () => {
    const tool = {
      ...HTTP_TOOL,
      inputSchema: { type: "object", properties: { id: { type: "string", pattern: "^(a+)+$" } } },
    };
    const shop = world(async () => json([]));
    const result = await ask(openTools(shop, [tool]), "orders", { id: `${"a".repeat(40)}!` });
    expect(errorOf(result).code).toBe("failed");
    expect(shop.sent).toEqual([]);
  });
});

describe("a server of a tenant's HTTP tool", () => {
  test("that refuses is told to the model with status and the beginning of its words", async () => {
    const shop = world(async () => json({ error: `no order o-7 ${"x".repeat(5_000)}` }, { status: 422 }));
    const { code, message } = errorOf(await run(shop));
    expect(code).toBe("bad_status");
    expect(message).toContain(
      'orders answered HTTP 422\ncontent-type: application/json\n\n{"error":"no order o-7',
    );
    expect(message.length).toBeLessThan(2_600);
    expect(shop.sent).toHaveLength(1);
  });

  test("that fails is not asked again: the model decides", async () => {
    const shop = world(async () => new Response("boom", { status: 500 }));
    expect(errorOf(await run(shop)).code).toBe("bad_status");
    expect(shop.sent).toHaveLength(1);
  });

  test.each([429, 503])("that answers %i is asked once more, under the same key", async (status) => {
    let asked = 0;
    const shop = world(async () => {
      asked += 1;
      return asked === 1 ? new Response("", { status, headers: { "retry-after": "0" } }) : json("later");
    });
    expect(outputOf(await run(shop))).toContain('"later"');
    expect(shop.sent.map(({ headers }) => headers.get("Idempotency-Key"))).toEqual([
      "tsk-1-1-0",
      "tsk-1-1-0",
    ]);
    const busy = world(async () => new Response("", { status, headers: { "retry-after": "0" } }));
    expect(errorOf(await run(busy)).message).toContain(`HTTP ${status}`);
    expect(busy.sent).toHaveLength(2);
  });

  test.each(["http://169.254.169.254/latest/meta-data/", "https://evil.example.com/collect", "/orders/"])(
    "that redirects to %s is not followed, and the secret goes nowhere else",
    async (location) => {
      const shop = world(async () => new Response(null, { status: 302, headers: { location } }));
      const { code, message } = errorOf(await run(shop));
      expect(code).toBe("bad_status");
      expect(message).toBe(`orders answered HTTP 302 with a redirect to ${location}, which is not followed`);
      expect(shop.sent).toHaveLength(1);
    },
  );

  test.each<readonly [string, (secret: string) => string]>([
    ["as it is", (secret) => secret],
    ["without its scheme", (secret) => secret.slice("Bearer ".length)],
    ["in an address", encodeURIComponent],
    ["in base64", btoa],
    ["in JSON", (secret) => JSON.stringify({ secret })],
  ])("that echoes the secret %s does not show it", async (_, form) => {
    const echo = form(SECRET);
    for (const status of [200, 400]) {
      const shop = world(
        async () => new Response(`you sent ${echo}`, { status, headers: { "content-type": "text/plain" } }),
      );
      const result = JSON.stringify(await run(shop));
      expect(result).toContain("[secret]");
      expect(result).not.toContain("sesame");
      expect(result).not.toContain(btoa("sesame-4711").slice(4, 12));
    }
    const redirects = world(
      async () => new Response(null, { status: 302, headers: { location: `/?${echo}` } }),
    );
    expect(JSON.stringify(await run(redirects))).not.toContain("sesame");
  });

  test("that echoes Basic credentials, decoded, does not show them", async () => {
    const secretHeader = { name: "Authorization", value: `Basic ${btoa("shop:open-sesame-1")}` };
    const shop = world(async () => json({ user: "shop", password: "open-sesame-1" }), { secretHeader });
    expect(outputOf(await run(shop))).toContain('{"user":"shop","password":"[secret]"}');
  });

  test("that writes without end is cut, and not in the middle of the secret", async () => {
    const text = "x".repeat(262_144 - 8) + SECRET;
    const shop = world(async () => new Response(text, { headers: { "content-type": "text/plain" } }));
    expect(outputOf(await run(shop))).toMatch(/\[cut: the output was longer than 64 KiB\]$/);
    // Before the trace cuts it for the model.
    const context = { idempotencyKey: "k", signal: new AbortController().signal };
    const called = { tool: HTTP_TOOL, access: HTTP_ACCESS, args: {}, context };
    const output = outputOf(await callHttpTool(depsOf(shop), called, context.signal));
    expect(output).toMatch(/x\n\[cut: the body was longer than 256 KiB\]$/);
    expect(output.length).toBeGreaterThan(260_000);
  });

  test.each([0, 14])(
    "that echoes the secret in a long header does not show a part of it (%i)",
    async (at) => {
      const type = `text/plain; a=${"x".repeat(at)}${SECRET.repeat(20)}`;
      for (const status of [200, 400]) {
        const shop = world(async () => new Response("ok", { status, headers: { "content-type": type } }));
        const shown = JSON.stringify(await run(shop));
        expect(shown).toContain("text/plain; a=");
        expect(shown).not.toMatch(/Bearer s|sesame/);
      }
    },
  );

  test("that sends a picture is not shown", async () => {
    const shop = world(async () => new Response("PNG", { headers: { "content-type": "image/png" } }));
    expect(outputOf(await run(shop))).toContain("[the body is image/png, which is not shown]");
  });

  test("that hangs is given up in time", async () => {
    const shop = world(async () => new Promise(() => undefined), { timeoutMs: 100 });
    expect(errorOf(await run(shop))).toEqual({
      code: "timed_out",
      message: "orders gave no complete answer within 100 ms",
    });
  });

  test("that hangs is left at once when the task is stopped", async () => {
    const stop = new AbortController();
    const shop = world(async () => {
      stop.abort("stop");
      return new Promise(() => undefined);
    });
    expect(errorOf(await run(shop, { id: "o-7" }, { signal: stop.signal })).code).toBe("cancelled");
  });

  test("that breaks off is told as such", async () => {
    const stream = () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("half of"));
          controller.error(new Error(`connection with ${SECRET} lost`));
        },
      });
    const shop = world(async () => new Response(stream(), { headers: { "content-type": "text/plain" } }));
    const { code, message } = errorOf(await run(shop));
    expect(code).toBe("unreachable");
    expect(message).not.toContain("sesame");
  });

  test.each([
    [["10.0.0.7"], "its address is not one of the public internet"],
    [["8.8.8.8", "fd00::1"], "its address is not one of the public internet"],
    [[], "the name in its address leads nowhere by now"],
  ])("whose name leads to %j by now is not called", async (addresses, words) => {
    const shop = world(async () => json([]));
    shop.addresses["shop.example.com"] = addresses;
    expect(errorOf(await run(shop))).toEqual({
      code: "not_allowed",
      message: `orders was not called: ${words}`,
    });
    expect(shop.sent).toEqual([]);
  });
});

test("a tool that became one of another kind is none any more", async () => {
  const shop = aWorld({ ...HTTP_ACCESS, type: "mcp" }, async () => json([]));
  expect(errorOf(await run(shop)).code).toBe("removed");
  shop.access = null;
  expect(errorOf(await run(shop)).code).toBe("removed");
  expect(shop.sent).toEqual([]);
});
