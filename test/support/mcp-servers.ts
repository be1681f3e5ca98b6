/**
 * Real MCP servers, by the official SDK, as functions from a request to its response: one that keeps sessions as servers
 * did before 2026-07-28, one that keeps none, and one that speaks that version.
 */
import {
  createMcpHandler,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { z } from "zod";

/** Called by a tool of the server: what it was asked, and what goes with that. */
export interface ServedCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>>;
}

export interface ServedWorld {
  readonly calls: ServedCall[];
  /** Headers of every request, as they came. */
  readonly headers: Headers[];
  /** Resolves when somebody cancels the tool that waits. */
  readonly cancelled: Promise<void>;
  readonly onCancelled: () => void;
  /** What the server was answered when it asked its client for something. */
  readonly answers: unknown[];
}

export function servedWorld(): ServedWorld {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { calls: [], headers: [], cancelled: promise, onCancelled: resolve, answers: [] };
}

export type Serve = (request: Request) => Promise<Response>;

function makeServer(world: ServedWorld): McpServer {
  const server = new McpServer({ name: "orders", version: "1.2.3" });
  const told = (name: string, args: object, meta: unknown): void => {
    world.calls.push({ name, args: { ...args }, meta: { ...(meta as object | undefined) } });
  };
  const text = (words: string) => ({ content: [{ type: "text" as const, text: words }] });
  server.registerTool(
    "lookup.order",
    { description: "Looks an order up.", inputSchema: z.object({ id: z.string().regex(/^o-\d+$/) }) },
    ({ id }, { mcpReq: { _meta: meta } }) => {
      told("lookup.order", { id }, meta);
      return text(`order ${id}: shipped`);
    },
  );
  server.registerTool("echo", { description: "Says what it was sent." }, () =>
    text(JSON.stringify(world.headers.map((headers) => [...headers]))),
  );
  server.registerTool("fails", { description: "Never works." }, () => ({
    ...text("no such order: try o-7"),
    isError: true,
  }));
  server.registerTool(
    "figures",
    { description: "Structured.", outputSchema: z.object({ total: z.number() }) },
    () => ({ content: [], structuredContent: { total: 42 } }),
  );
  server.registerTool("picture", { description: "A picture." }, () => ({
    content: [
      { type: "text" as const, text: "the floor plan:" },
      { type: "image" as const, data: "aGVsbG8=", mimeType: "image/png" },
      { type: "resource_link" as const, uri: "https://shop.example.com/plan.pdf", name: "plan" },
    ],
  }));
  server.registerTool("huge", { description: "Very long." }, () => text("x".repeat(2_000_000)));
  server.registerTool("waits", { description: "Never answers." }, async (ctx) => {
    await new Promise<void>((resolve) => {
      ctx.mcpReq.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    world.onCancelled();
    return text("cancelled");
  });
  server.registerTool("asks", { description: "Asks its client." }, async (ctx) => {
    world.answers.push(await ctx.mcpReq.requestSampling({ messages: [], maxTokens: 10 }));
    return text("answered");
  });
  return server;
}

/** @param legacy `reject`: of 2026-07-28 alone; `stateless`: also of before, without sessions */
export function statelessServer(world: ServedWorld, legacy: "reject" | "stateless"): Serve {
  const handler = createMcpHandler(() => makeServer(world), { legacy });
  return async (request) => {
    world.headers.push(request.headers);
    return handler.fetch(request);
  };
}

/** `forget`: its sessions are gone, as after a restart. */
export function sessionServer(world: ServedWorld): { readonly serve: Serve; forget(): void; open(): number } {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  return {
    serve: async (request) => {
      world.headers.push(request.headers);
      const id = request.headers.get("mcp-session-id");
      const known = id === null ? undefined : sessions.get(id);
      if (known !== undefined) return known.handleRequest(request);
      if (id !== null) return new Response("no such session", { status: 404 });
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (made) => void sessions.set(made, transport),
        onsessionclosed: (closed) => void sessions.delete(closed),
      });
      await makeServer(world).connect(transport);
      return transport.handleRequest(request);
    },
    forget: () => sessions.clear(),
    open: () => sessions.size,
  };
}
