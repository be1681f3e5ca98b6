/** MCP servers that no SDK would make: answers that break off, and lists of anything. */
import type { Serve } from "./mcp-servers.ts";

/** An answer that breaks off. */
export function cut(): Response {
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(
        new TextEncoder().encode('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/'),
      );
      controller.close();
    },
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
}

/** A server of before 2026-07-28 that has nothing but a list. @param endless every page has a next one */
export function serverWith(tools: readonly object[], endless = false): Serve {
  let pages = 0;
  return async (request) => {
    const { id, method } = await request.json<{ id?: number; method: string }>();
    if (id === undefined) return new Response(null, { status: 202 });
    const json = (result: object) => Response.json({ jsonrpc: "2.0", id, result });
    if (method === "initialize")
      return json({
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: "s", version: "1" },
      });
    if (method !== "tools/list")
      return Response.json({ jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } });
    pages += 1;
    return json({ tools, ...(endless && { nextCursor: `page-${pages}` }) });
  };
}
