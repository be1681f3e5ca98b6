/** A tenant's own tools over HTTP: registered, shown without their secrets, changed, removed, and named by tasks. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { MAX_TENANT_TOOLS } from "../../../src/market/tools/tenant-tool.ts";
import { servedWorld, statelessServer, type Serve } from "../../support/mcp-servers.ts";
import { A_TOOL, idOf } from "./idempotency-day.ts";
import {
  call,
  config,
  fingerprint,
  keyWith,
  openTenant,
  post,
  problemOf,
  put,
  type Tenant,
} from "./support.ts";

const SECRET = "Bearer sesame-4711-abcdef";
const secretHeader = { name: "Authorization", value: SECRET };
const A_SERVER = { type: "mcp", name: "shop", url: "https://mcp.example.com/mcp", secretHeader };

let tenant: Tenant;
beforeEach(async () => {
  tenant = await openTenant();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const create = async (body: object) => post("/v1/tools", body, tenant.auth);
const read = async (path: string) => call(path, { headers: tenant.auth });
const change = async (id: string, body: object) => put(`/v1/tools/${id}`, body, tenant.auth);
const submit = async (tools: readonly string[]) => post("/v1/tasks", { prompt: "p", tools }, tenant.auth);

/** The internet as the Worker sees it: the resolver, and one server. */
function theInternet(serve: Serve, address = "93.184.216.34"): { readonly asked: string[] } {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { hostname } = new URL(request.url);
    if (hostname === "cloudflare-dns.com")
      return Response.json({
        Status: 0,
        Answer: request.url.includes("type=AAAA") ? [] : [{ data: address }],
      });
    asked.push(request.url);
    return serve(request);
  });
  return { asked };
}

describe("a tool", () => {
  test("is registered, read and listed, and of its secret is shown that there is one", async () => {
    const response = await create({ ...A_TOOL, secretHeader });
    expect(response.status).toBe(201);
    const shown = await response.json<{ id: string }>();
    expect(response.headers.get("Location")).toBe(`/v1/tools/${shown.id}`);
    expect(shown).toEqual({
      object: "tool",
      id: expect.stringMatching(/^tol_/),
      type: "http",
      name: "orders",
      description: "Looks an order up.",
      url: "https://shop.example.com/orders",
      method: "POST",
      timeoutMs: 30_000,
      inputSchema: A_TOOL.inputSchema,
      secretHeader: { name: "Authorization", lastChars: "cdef" },
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
    expect(await (await read(`/v1/tools/${shown.id}`)).json()).toEqual(shown);
    expect(await (await read("/v1/tools")).json()).toEqual({ object: "list", data: [shown] });
    const short = await create({ ...A_TOOL, name: "b", secretHeader: { name: "X-Key", value: "12345678" } });
    expect(await short.json()).toMatchObject({ secretHeader: { name: "X-Key", lastChars: null } });
  });

  test.each([
    ["http://shop.example.com/"],
    ["https://127.0.0.1/"],
    ["https://0x7f.1/"],
    ["https://[::ffff:10.0.0.1]/"],
    ["https://169.254.169.254/latest/meta-data"],
    ["https://metadata.google.internal/"],
    ["https://user:pass@shop.example.com/"],
    ["file:///etc/passwd"],
  ])("is at no address like %s", async (url) => {
    const refused = { status: 400, code: "invalid_body", paths: ["url"] };
    expect(await problemOf(await create({ ...A_TOOL, url }))).toEqual(refused);
    expect(await problemOf(await create({ ...A_SERVER, url }))).toEqual(refused);
    const id = await idOf(await create(A_TOOL));
    expect(await problemOf(await change(id, { ...A_TOOL, url }))).toEqual(refused);
  });

  test("is at an address that the operator's list allows", async () => {
    expect((await create({ ...A_TOOL, url: "http://tools.test/orders" })).status).toBe(201);
  });

  test.each<readonly [object, string]>([
    [{ name: "http" }, "name"],
    [{ name: "submit" }, "name"],
    [{ name: "or__ders" }, "name"],
    [{ description: "" }, "description"],
    [{ method: "HEAD" }, "method"],
    [{ inputSchema: { type: "string" } }, "inputSchema"],
    [{ inputSchema: { type: "object", $ref: "https://evil.example.com/schema" } }, "inputSchema"],
    [{ inputSchema: { type: "object", title: "x".repeat(17_000) } }, "inputSchema"],
    [{ timeoutMs: 999 }, "timeoutMs"],
    [{ allow: ["x"] }, "allow"],
    [{ secretHeader: { name: "Host", value: "12345678" } }, "secretHeader.name"],
    [{ secretHeader: { name: "Idempotency-Key", value: "12345678" } }, "secretHeader.name"],
    [{ secretHeader: { name: "X-Key", value: "1234567" } }, "secretHeader.value"],
    [{ secretHeader: { name: "X-Key", value: "12345678\r\nX-More: 1" } }, "secretHeader.value"],
    [
      { secretHeader: { name: "X-Key", value: "an order" }, description: "Looks an order up." },
      "secretHeader",
    ],
  ])("is refused with %j", async (part, path) => {
    const { status, paths } = await problemOf(await create({ ...A_TOOL, ...part }));
    expect([status, paths]).toEqual([400, [path]]);
  });

  test("has a secret as long as they come, or of many parts, but none of more forms than can be hidden", async () => {
    const withSecret = async (name: string, value: string) =>
      create({ ...A_TOOL, name, secretHeader: { name: "X-Key", value } });
    const cookies = Array.from({ length: 60 }, (_, at) => `c${at}=${btoa(`${at * 7_919}?~`.repeat(4))}`);
    expect((await withSecret("a", `Bearer ${"eyJhbGciOiJIUzI1NiJ9".repeat(204)}`)).status).toBe(201);
    expect((await withSecret("b", cookies.join("; "))).status).toBe(201);
    for (const value of ["<&'\"".repeat(1_024), "<".repeat(5_000), "ä".repeat(10)]) {
      const { status, paths } = await problemOf(await withSecret("c", value));
      expect([status, paths]).toEqual([400, ["secretHeader.value"]]);
    }
  });

  test("keeps its secret when it is changed, but for another origin it must be said again", async () => {
    const id = await idOf(await create({ ...A_TOOL, secretHeader }));
    const moved = { ...A_TOOL, url: "https://shop.example.com/v2/orders", description: "Newer." };
    expect(await (await change(id, moved)).json()).toMatchObject({
      url: moved.url,
      description: "Newer.",
      secretHeader: { lastChars: "cdef" },
    });
    const away = { ...A_TOOL, url: "https://evil.example.com/collect" };
    expect(await problemOf(await change(id, away))).toEqual({
      status: 400,
      code: "invalid_body",
      paths: ["secretHeader"],
    });
    expect(await (await change(id, { ...away, secretHeader: null })).json()).toMatchObject({
      secretHeader: null,
    });
    const given = { ...A_TOOL, secretHeader: { name: "X-Key", value: "another-secret-of-20" } };
    expect(await (await change(id, given)).json()).toMatchObject({
      secretHeader: { name: "X-Key", lastChars: "f-20" },
    });
  });

  test("keeps its type, and a name is one tool's", async () => {
    const id = await idOf(await create(A_TOOL));
    theInternet(async () => new Response(null, { status: 500 }));
    expect(await problemOf(await change(id, A_SERVER))).toMatchObject({
      code: "invalid_body",
      paths: ["type"],
    });
    await create({ ...A_TOOL, name: "invoices" });
    const taken = { status: 409, code: "tool_name_taken", paths: [] };
    expect(await problemOf(await create(A_TOOL))).toEqual(taken);
    expect(await problemOf(await change(id, { ...A_TOOL, name: "invoices" }))).toEqual(taken);
  });

  test("is removed, and is then as one that never was", async () => {
    const id = await idOf(await create(A_TOOL));
    const removed = await call(`/v1/tools/${id}`, { method: "DELETE", headers: tenant.auth });
    expect(await removed.json()).toEqual({ object: "tool", id, deleted: true });
    const unknown = await fingerprint(await read(`/v1/tools/${newId("tol", config.source)}`));
    expect(unknown).toMatchObject({ status: 404 });
    expect(await fingerprint(await read(`/v1/tools/${id}`))).toEqual(unknown);
    expect(await fingerprint(await read("/v1/tools/nonsense"))).toEqual(unknown);
  });

  test("is one of so many, and no more", async () => {
    for (let at = 0; at < MAX_TENANT_TOOLS; at += 1)
      expect((await create({ ...A_TOOL, name: `orders-${at}` })).status).toBe(201);
    expect(await problemOf(await create(A_TOOL))).toEqual({ status: 409, code: "too_many_tools", paths: [] });
  });

  test("is read by keys that read, and changed by those of scope admin alone", async () => {
    const id = await idOf(await create(A_TOOL));
    const reader = await keyWith(tenant, { name: "reader", scopes: ["read"] });
    const internet = theInternet(async () => new Response(null, { status: 500 }));
    expect((await call(`/v1/tools/${id}`, { headers: reader.auth })).status).toBe(200);
    const asked = [
      await post("/v1/tools", A_SERVER, reader.auth),
      await put(`/v1/tools/${id}`, A_TOOL, reader.auth),
      await post(`/v1/tools/${id}/refresh`, {}, reader.auth),
      await call(`/v1/tools/${id}`, { method: "DELETE", headers: reader.auth }),
    ];
    expect(await Promise.all(asked.map(async (one) => (await problemOf(one)).code))).toEqual(
      Array.from({ length: 4 }, () => "forbidden"),
    );
    // Nor does the house call anything for them.
    expect(internet.asked).toEqual([]);
  });

  test("leaves its secret in the market room's table of tools and nowhere else", async () => {
    await post("/v1/tools", { ...A_TOOL, secretHeader }, { ...tenant.auth, "Idempotency-Key": "k" });
    expect((await submit(["orders"])).status).toBe(202);
    const holding = await runInDurableObject(
      tenant.market as unknown as DurableObjectStub,
      async (_room, { storage }) => {
        const tables = storage.sql
          .exec<{ name: string }>(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf_%'",
          )
          .toArray();
        return tables
          .filter(({ name }) =>
            JSON.stringify(storage.sql.exec(`SELECT * FROM "${name}"`).toArray()).includes("sesame"),
          )
          .map(({ name }) => name);
      },
    );
    expect(holding).toEqual(["tools"]);
  });
});

describe("an MCP server", () => {
  test("is asked for its tools when it is registered, with its secret, at its address alone", async () => {
    const served = servedWorld();
    const internet = theInternet(statelessServer(served, "stateless"));
    const response = await create(A_SERVER);
    expect(response.status).toBe(201);
    const shown = await response.json<{ tools: { name: string }[] }>();
    expect(shown).toMatchObject({
      type: "mcp",
      allow: null,
      leftOut: 0,
      problem: null,
      listedAt: expect.any(String),
    });
    expect(shown.tools.map(({ name }) => name)).toContain("shop__lookup_order");
    expect(new Set(internet.asked)).toEqual(new Set([A_SERVER.url]));
    expect(served.headers.every((headers) => headers.get("Authorization") === SECRET)).toBe(true);
    expect(JSON.stringify(shown)).not.toContain("sesame");
  });

  test("that cannot be asked is registered with its problem, and asked again on request", async () => {
    theInternet(async () => new Response("down", { status: 503 }));
    const response = await create(A_SERVER);
    expect(response.status).toBe(201);
    const shown = await response.clone().json();
    expect(shown).toMatchObject({ tools: null, problem: expect.stringContaining("503") });
    const { code, paths } = await problemOf(await submit(["shop"]));
    expect([code, paths]).toEqual(["unknown_tool", ["tools"]]);
    vi.restoreAllMocks();
    theInternet(statelessServer(servedWorld(), "stateless"));
    const again = await post(`/v1/tools/${await idOf(response)}/refresh`, {}, tenant.auth);
    expect(await again.json()).toMatchObject({ problem: null, tools: expect.arrayContaining([]) });
    expect((await submit(["shop"])).status).toBe(202);
  });

  test("whose name leads into a private network is not asked", async () => {
    const internet = theInternet(statelessServer(servedWorld(), "stateless"), "10.0.0.1");
    expect(await (await create(A_SERVER)).json()).toMatchObject({
      tools: null,
      problem: "its address is not one of the public internet",
    });
    expect(internet.asked).toEqual([]);
  });

  test("that is changed is asked anew, under its new name", async () => {
    theInternet(statelessServer(servedWorld(), "stateless"));
    const id = await idOf(await create(A_SERVER));
    const { secretHeader: _stays, ...same } = A_SERVER;
    const changed = await change(id, { ...same, name: "store", allow: ["echo"] });
    expect(await changed.json()).toMatchObject({ tools: [{ name: "store__echo", remoteName: "echo" }] });
    expect((await submit(["store__echo"])).status).toBe(202);
    expect((await problemOf(await submit(["shop"]))).code).toBe("unknown_tool");
  });
});

describe("a task", () => {
  test("that names a tool that is none is refused, and told which are accepted", async () => {
    await create(A_TOOL);
    const response = await submit(["run_javascript", "orders", "invoices"]);
    const text = await response.clone().text();
    expect(await problemOf(response)).toEqual({ status: 400, code: "unknown_tool", paths: ["tools"] });
    expect(text).toContain("invoices is none; accepted are run_javascript, http");
    expect(text).toContain("orders");
    const other = await openTenant();
    const foreign = await post("/v1/tasks", { prompt: "p", tools: ["orders"] }, other.auth);
    expect((await problemOf(foreign)).code).toBe("unknown_tool");
  });

  test("that is a quote names them in the same way", async () => {
    const asked = { prompt: "p", tools: ["orders"] };
    expect((await problemOf(await post("/v1/quotes", asked, tenant.auth))).code).toBe("unknown_tool");
    await create(A_TOOL);
    expect((await post("/v1/quotes", asked, tenant.auth)).status).toBe(202);
  });
});
