/** A tenant's MCP servers as a trace meets them: real ones, with and without sessions, and such as break. */
import { afterEach, describe, expect, test } from "vitest";
import type { OpenTools } from "../../../src/trace/tools/index.ts";
import { cut, serverWith } from "../../support/mcp-fakes.ts";
import {
  servedWorld,
  sessionServer,
  statelessServer,
  type ServedWorld,
  type Serve,
} from "../../support/mcp-servers.ts";
import {
  ask,
  aWorld,
  errorOf,
  list,
  MCP_ACCESS,
  openTools,
  outputOf,
  SECRET,
  toolsOf,
} from "./own-tools-day.ts";

let open: OpenTools | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

const SERVERS: readonly (readonly [string, (world: ServedWorld) => Serve])[] = [
  ["with sessions", (world) => sessionServer(world).serve],
  ["without sessions", (world) => statelessServer(world, "stateless")],
  ["of 2026-07-28", (world) => statelessServer(world, "reject")],
];

describe.each(SERVERS)("a server %s", (_, serverOf) => {
  async function opened() {
    const served = servedWorld();
    const world = aWorld(MCP_ACCESS, serverOf(served));
    const tools = await toolsOf(world);
    open = openTools(world, tools);
    return { served, world, open };
  }

  test("says which tools it has, in words that are marked as its own", async () => {
    const served = servedWorld();
    const listing = await list(aWorld(MCP_ACCESS, serverOf(served)));
    expect(listing).toMatchObject({ problem: null, leftOut: 0 });
    const { inputSchema, ...first } = listing.tools?.[0] ?? { inputSchema: null };
    expect(first).toEqual({
      name: "shop__lookup_order",
      remoteName: "lookup.order",
      description: "Tool of the remote server shop, which describes it as: “Looks an order up.”",
    });
    expect(inputSchema).toMatchObject({ type: "object", required: ["id"] });
    const allowed = await list(aWorld(MCP_ACCESS, serverOf(served)), { allow: ["echo", "nothing"] });
    expect(allowed.tools?.map(({ name }) => name)).toEqual(["shop__echo"]);
  });

  test("is called with the arguments, the key of the call and the secret", async () => {
    const { served, world, open: tools } = await opened();
    const result = await ask(tools, "shop__lookup_order", { id: "o-7" }, { key: "tsk-9-1-3-0" });
    expect(outputOf(result)).toBe("order o-7: shipped");
    expect(served.calls).toMatchObject([
      { name: "lookup.order", args: { id: "o-7" }, meta: { "saleroom/idempotency-key": "tsk-9-1-3-0" } },
    ]);
    expect(world.sent.length).toBeGreaterThan(0);
    expect(world.sent.filter(({ headers }) => headers.get("Authorization") !== SECRET)).toEqual([]);
    expect(new Set(world.sent.map(({ url }) => url))).toEqual(new Set([MCP_ACCESS.url]));
    // Nobody but the server speaks on a stream of its own: none is opened.
    expect(world.sent.filter(({ method }) => method === "GET")).toEqual([]);
  });

  test("is not called with arguments that its schema does not take", async () => {
    const { served, open: tools } = await opened();
    const error = errorOf(await ask(tools, "shop__lookup_order", { id: "seven" }));
    expect(error.code).toBe("invalid_arguments");
    expect(error.message).toContain("pattern");
    expect(served.calls).toEqual([]);
  });

  test("that echoes the secret does not show it", async () => {
    const { open: tools } = await opened();
    const output = outputOf(await ask(tools, "shop__echo", {}));
    expect(output).toContain("[secret]");
    expect(output).not.toContain("sesame");
  });

  test("that says a tool failed is told to the model, in the tool's words", async () => {
    const { open: tools } = await opened();
    expect(errorOf(await ask(tools, "shop__fails", {}))).toEqual({
      code: "tool_failed",
      message: "shop__fails says that it failed:\nno such order: try o-7",
    });
  });

  test("that answers in structure, pictures and links is shown what can be read", async () => {
    const { open: tools } = await opened();
    expect(outputOf(await ask(tools, "shop__figures", {}))).toBe('{"total":42}');
    expect(outputOf(await ask(tools, "shop__picture", {}))).toBe(
      "the floor plan:\n[image, image/png: not shown]\n[link to plan: https://shop.example.com/plan.pdf]",
    );
  });

  test("that answers without end is cut off", async () => {
    const { open: tools } = await opened();
    const { code, message } = errorOf(await ask(tools, "shop__huge", {}));
    expect([code, message.includes("longer than 1024 KiB")]).toEqual(["unreachable", true]);
  });

  test("that never answers is given up in time, and told so where it can be", async () => {
    const { world, open: tools } = await opened();
    world.access = { ...MCP_ACCESS, timeoutMs: 150 };
    expect(errorOf(await ask(tools, "shop__waits", {}))).toEqual({
      code: "timed_out",
      message: "shop__waits gave no complete answer within 150 ms",
    });
  });

  test("that never answers is left at once when the task is stopped", async () => {
    const { world, open: tools } = await opened();
    const stop = new AbortController();
    const asked = ask(tools, "shop__waits", {}, { signal: stop.signal });
    const called = () => world.sent.some(({ body }) => body.includes('"waits"'));
    while (!called()) await new Promise((resolve) => void setTimeout(resolve, 5));
    stop.abort("stop");
    expect(errorOf(await asked).code).toBe("cancelled");
  });

  test("that asks its client for a model's answer gets none", async () => {
    const { served, world, open: tools } = await opened();
    world.access = { ...MCP_ACCESS, timeoutMs: 300 };
    await ask(tools, "shop__asks", {});
    expect(served.answers).toEqual([]);
    // What is sent are questions, notes and refusals.
    expect(world.sent.filter(({ body }) => body !== "" && "result" in JSON.parse(body))).toEqual([]);
  });
});

describe("a server with sessions", () => {
  test("has one for a slice, and none after it", async () => {
    const served = servedWorld();
    const server = sessionServer(served);
    const world = aWorld(MCP_ACCESS, server.serve);
    const tools = openTools(world, await toolsOf(world));
    expect(server.open()).toBe(0);
    await Promise.all([ask(tools, "shop__lookup_order", { id: "o-1" }), ask(tools, "shop__fails", {})]);
    await ask(tools, "shop__lookup_order", { id: "o-2" });
    expect(server.open()).toBe(1);
    await tools.close();
    expect(server.open()).toBe(0);
  });

  test("that forgot its session is connected to again, and the call goes out once more under its key", async () => {
    const served = servedWorld();
    const server = sessionServer(served);
    const world = aWorld(MCP_ACCESS, server.serve);
    open = openTools(world, await toolsOf(world));
    await ask(open, "shop__lookup_order", { id: "o-1" });
    server.forget();
    const again = await ask(open, "shop__lookup_order", { id: "o-2" }, { key: "k-2" });
    expect(outputOf(again)).toBe("order o-2: shipped");
    expect(served.calls.map(({ args, meta }) => [args["id"], meta["saleroom/idempotency-key"]])).toEqual([
      ["o-1", "tsk-1-1-0"],
      ["o-2", "k-2"],
    ]);
  });

  test("that moved in the registry is called where it is by now, with the secret for there", async () => {
    const served = servedWorld();
    const world = aWorld(MCP_ACCESS, sessionServer(served).serve);
    open = openTools(world, await toolsOf(world));
    await ask(open, "shop__lookup_order", { id: "o-1" });
    const from = world.sent.length;
    world.access = {
      ...MCP_ACCESS,
      version: 2,
      url: "https://new.example.com/mcp",
      secretHeader: { name: "X-Key", value: "another-secret" },
    };
    expect(outputOf(await ask(open, "shop__lookup_order", { id: "o-2" }))).toBe("order o-2: shipped");
    const later = world.sent.slice(from);
    for (const { url, headers, method } of later) {
      const isNew = url === "https://new.example.com/mcp";
      // The old session is ended where it was.
      expect(isNew || method === "DELETE").toBe(true);
      expect(headers.get(isNew ? "X-Key" : "Authorization")).toBe(isNew ? "another-secret" : SECRET);
      expect(headers.get(isNew ? "Authorization" : "X-Key")).toBeNull();
    }
  });
});

describe("a server that breaks", () => {
  const working = () => statelessServer(servedWorld(), "stateless");

  test.each<readonly [string, () => Response, string, string]>([
    ["answers 500", () => new Response("boom", { status: 500 }), "tool_failed", "500"],
    [
      "answers what is no JSON",
      () => new Response("<html>", { headers: { "content-type": "application/json" } }),
      "unreachable",
      "",
    ],
    [
      "answers a page",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      "unreachable",
      "text/html",
    ],
    ["cuts its stream", () => cut(), "unreachable", ""],
    [
      "redirects to the metadata service",
      () =>
        new Response(null, { status: 307, headers: { location: "http://169.254.169.254/latest/meta-data" } }),
      "tool_failed",
      "169.254.169.254/latest/meta-data",
    ],
    [
      "redirects to another origin",
      () => new Response(null, { status: 308, headers: { location: "https://evil.example.com/mcp" } }),
      "tool_failed",
      "evil.example.com",
    ],
  ])("and %s is told as such", async (_, answer, code, words) => {
    const serve = working();
    const world = aWorld(MCP_ACCESS, serve);
    open = openTools(world, await toolsOf(world));
    world.serve = async (request) =>
      (await request.clone().text()).includes("tools/call") ? answer() : serve(request);
    const error = errorOf(await ask(open, "shop__echo", {}));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(new Set(world.sent.map(({ url }) => url))).toEqual(new Set([MCP_ACCESS.url]));
  });

  test("follows a redirect within its origin alone", async () => {
    const serve = working();
    const world = aWorld(MCP_ACCESS, async (request) => {
      const url = new URL(request.url);
      if (url.pathname !== "/mcp") return serve(request);
      return new Response(null, { status: 307, headers: { location: "/mcp/" } });
    });
    open = openTools(world, await toolsOf(world));
    expect(outputOf(await ask(open, "shop__lookup_order", { id: "o-1" }))).toBe("order o-1: shipped");
  });

  test("whose name leads into a private network by now is not called", async () => {
    const world = aWorld(MCP_ACCESS, working());
    open = openTools(world, await toolsOf(world));
    world.addresses["shop.example.com"] = ["93.184.216.34", "10.0.0.7"];
    const from = world.sent.length;
    const error = errorOf(await ask(open, "shop__echo", {}));
    expect(error).toEqual({
      code: "not_allowed",
      message: "shop__echo was not called: its address is not one of the public internet",
    });
    expect(world.sent).toHaveLength(from);
  });

  test("cannot be asked for its tools: it is listed with its problem, without the secret", async () => {
    const error = { code: -32_000, message: `who is ${SECRET}?` };
    const world = aWorld(MCP_ACCESS, async (request) => {
      const { id = null } = await request.json<{ id?: number }>();
      return Response.json({ jsonrpc: "2.0", id, error });
    });
    const listing = await list(world);
    expect(listing).toMatchObject({ tools: null, leftOut: 0 });
    expect(listing.problem).toContain("[secret]");
    expect(listing.problem).not.toContain("sesame");
    const hanging = aWorld(MCP_ACCESS, async () => new Promise(() => undefined));
    expect((await list(hanging, { timeoutMs: 100 })).problem).toBe("no answer within 100 ms");
  });

  test("lists the secret, or more than is kept: that is left out and counted", async () => {
    const tool = (name: string, more: object = {}) => ({ name, inputSchema: { type: "object" }, ...more });
    const tools = [
      tool("a", { description: `use ${SECRET}` }),
      tool("a.b"),
      tool("a b"),
      tool("large", { inputSchema: { type: "object", description: "x".repeat(20_000) } }),
      tool("leaks", { inputSchema: { type: "object", description: SECRET } }),
      ...Array.from({ length: 70 }, (_, at) => tool(`n${at}`)),
    ];
    const world = aWorld(MCP_ACCESS, serverWith(tools));
    const found = await list(world);
    expect(found.tools).toHaveLength(64);
    expect(found.leftOut).toBe(11);
    expect(found.tools?.slice(0, 3).map(({ name }) => name)).toEqual(["shop__a", "shop__a_b", "shop__a_b_2"]);
    expect(JSON.stringify(found)).not.toContain("sesame");
  });

  test("lists pages without end: it has none", async () => {
    const world = aWorld(MCP_ACCESS, serverWith([{ name: "a", inputSchema: { type: "object" } }], true));
    const found = await list(world);
    expect(found.tools).toBeNull();
    expect(world.sent.length).toBeLessThan(30);
  });
});

test("a tool that its tenant removed since says so, and nothing is sent", async () => {
  const world = aWorld(MCP_ACCESS, statelessServer(servedWorld(), "stateless"));
  open = openTools(world, await toolsOf(world));
  world.access = null;
  const from = world.sent.length;
  expect(errorOf(await ask(open, "shop__echo", {})).code).toBe("removed");
  expect(world.sent).toHaveLength(from);
});
