/** Which of its tenant's tools a task is admitted with. */
import { describe, expect, test } from "vitest";
import type { ToolId } from "../../../../src/market/ids.ts";
import { allowKnownTools, allowTools, MAX_ALLOWED_TOOLS } from "../../../../src/market/tools/allow-tools.ts";
import type { ListedTool, TenantTool } from "../../../../src/market/tools/tenant-tool.ts";

const schema = { type: "object" };
const common = {
  url: "https://shop.example.com/",
  timeoutMs: 1_000,
  version: 1,
  createdAtMs: 0,
  updatedAtMs: 0,
  secretHeader: { name: "X-Key", value: "not to be seen" },
};
const orders: TenantTool = {
  ...common,
  type: "http",
  toolId: "tol_1" as ToolId,
  name: "orders",
  description: "Looks up.",
  method: "POST",
  inputSchema: schema,
  listing: null,
};

function shop(
  remote: readonly string[],
  more: { allow?: readonly string[]; inputSchema?: object } = {},
): TenantTool {
  const { allow = null, inputSchema = schema } = more;
  const tools = remote.map((name) => ({
    name: `shop__${name}`,
    remoteName: name,
    description: name,
    inputSchema,
  }));
  const listing = { atMs: 0, tools: tools as ListedTool[], leftOut: 0, problem: null };
  return { ...common, type: "mcp", toolId: "tol_2" as ToolId, name: "shop", description: "", allow, listing };
}

const among = (...tools: readonly TenantTool[]) => ({
  find: (name: string) => tools.find((tool) => tool.name === name) ?? null,
});
const allow = (names: readonly string[], ...tools: readonly TenantTool[]) => {
  const allowed = allowTools({ names, ...among(...tools) });
  return allowed.ok ? allowed.value.map(({ name }) => name) : allowed.failure;
};

describe("a task is admitted with", () => {
  test("what it names, without address and secret", () => {
    const allowed = allowTools({ names: ["orders"], ...among(orders) });
    expect(allowed).toEqual({
      ok: true,
      value: [
        { type: "http", toolId: "tol_1", name: "orders", description: "Looks up.", inputSchema: schema },
      ],
    });
  });

  test("all of a server's tools by its name, or some of them, each once", () => {
    const server = shop(["find", "pay"]);
    expect(allow(["shop"], server)).toEqual(["shop__find", "shop__pay"]);
    expect(allow(["shop__pay"], server)).toEqual(["shop__pay"]);
    expect(allow(["shop__pay", "shop", "orders"], server, orders)).toEqual([
      "shop__pay",
      "shop__find",
      "orders",
    ]);
  });

  test("none that the tenant does not allow of a server", () => {
    const server = shop(["find", "pay"], { allow: ["find"] });
    expect(allow(["shop"], server)).toEqual(["shop__find"]);
    expect(allow(["shop__pay"], server)).toEqual({
      reason: "unknown_tool",
      unknown: [{ name: "shop__pay", why: "unknown" }],
    });
  });
});

describe("a task is refused", () => {
  test("with names that are nobody's, each of which is told", () => {
    expect(allow(["orders", "invoices", "shop__x"], orders, shop(["find"]))).toEqual({
      reason: "unknown_tool",
      unknown: [
        { name: "invoices", why: "unknown" },
        { name: "shop__x", why: "unknown" },
      ],
    });
  });

  test("with a server that has never said what it has", () => {
    const never = {
      ...shop([]),
      listing: { atMs: 0, tools: null, leftOut: 0, problem: "no answer" },
    } as TenantTool;
    for (const name of ["shop", "shop__find"])
      expect(allow([name], never)).toEqual({ reason: "unknown_tool", unknown: [{ name, why: "unlisted" }] });
    expect(allow(["shop"], { ...never, listing: null })).toMatchObject({
      reason: "unknown_tool",
    });
  });

  test("with more than every prompt of its trace may carry", () => {
    const many = shop(Array.from({ length: MAX_ALLOWED_TOOLS }, (_, at) => `t${at}`));
    expect(allow(["shop"], many)).toHaveLength(MAX_ALLOWED_TOOLS);
    expect(allow(["shop", "orders"], many, orders)).toMatchObject({
      reason: "tools_too_large",
      tools: MAX_ALLOWED_TOOLS + 1,
    });
    const inputSchema = { type: "object", description: "x".repeat(70_000) };
    expect(allow(["shop"], shop(["a", "b"], { inputSchema }))).toMatchObject({
      reason: "tools_too_large",
      tools: 2,
    });
  });
});

test("a run that nobody can be told about has what there still is", () => {
  const names = ["orders", "gone", "shop__find"];
  expect(allowKnownTools({ names, ...among(orders, shop(["find"])) }).map(({ name }) => name)).toEqual([
    "orders",
    "shop__find",
  ]);
});
