/** MCP servers that give a tenant's secret away in what goes wrong, or list what costs time. */
import { afterEach, describe, expect, test } from "vitest";
import type { OpenTools } from "../../../src/trace/tools/index.ts";
import { serverWith } from "../../support/mcp-fakes.ts";
import { servedWorld, statelessServer } from "../../support/mcp-servers.ts";
import { ask, aWorld, errorOf, list, MCP_ACCESS, openTools, SECRET, toolsOf } from "./own-tools-day.ts";

let open: OpenTools | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

describe("a server", () => {
  test.each([
    ["where its words are cut", SECRET.repeat(200)],
    ["where its words are cut elsewhere", "x".repeat(14) + SECRET.repeat(200)],
    ["where a parser quotes it", SECRET],
    ["where a parser quotes it in the middle", `{"a": 1, ${SECRET}`],
  ])("that breaks off shows nothing of the secret %s", async (_, words) => {
    const headers = { "content-type": "application/json" };
    for (const status of [200, 400, 500]) {
      const breaks = async () => new Response(words, { status, headers });
      expect((await list(aWorld(MCP_ACCESS, breaks))).problem).not.toMatch(/Bearer s|sesame/);
      const world = aWorld(MCP_ACCESS, statelessServer(servedWorld(), "stateless"));
      open = openTools(world, await toolsOf(world));
      world.serve = breaks;
      const { message } = errorOf(await ask(open, "shop__echo", {}));
      expect(message).not.toMatch(/Bearer s|sesame/);
    }
  });

  test("that lists more tools of one name than anybody could tell apart has those beyond counted", async () => {
    const tools = Array.from({ length: 20_000 }, () => ({ name: "a", inputSchema: { type: "object" } }));
    const from = performance.now();
    const found = await list(aWorld(MCP_ACCESS, serverWith(tools)));
    expect(found.tools).toHaveLength(64);
    expect(found.leftOut).toBe(20_000 - 64);
    expect(performance.now() - from).toBeLessThan(5_000);
  });
});
