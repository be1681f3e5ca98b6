/** A slice of a trace with its tenant's own tools, over servers that tests write. */
import { z } from "zod";
import type { TenantId, ToolId } from "../../../src/market/ids.ts";
import type { AllowedTool, Listing, ToolAccess } from "../../../src/market/tools/tenant-tool.ts";
import { createSandbox } from "../../../src/trace/sandbox/index.ts";
import { wasmModule } from "../../../src/trace/sandbox/wasm.ts";
import { listServer } from "../../../src/trace/tools/own/list-server.ts";
import { openOwnTools, type OwnToolDeps } from "../../../src/trace/tools/own/own-tools.ts";
import { runTool, type OpenTools, type ToolResult } from "../../../src/trace/tools/index.ts";
import type { TraceDesk } from "../../../src/taskroom/task-room-api.ts";
import type { Serve } from "../../support/mcp-servers.ts";

export const SECRET = "Bearer sesame-4711/abc+def==";
export const TOOL_ID = "tol_1" as ToolId;
const TENANT_ID = "ten_1" as TenantId;
const sandbox = createSandbox({ wasmModule, pause: async () => undefined });

export const HTTP_TOOL: AllowedTool = {
  type: "http",
  toolId: TOOL_ID,
  name: "orders",
  description: "Looks an order up.",
  inputSchema: {
    type: "object",
    properties: {
      id: { type: "string", pattern: "^o-\\d+$" },
      count: { type: "integer" },
      tags: { type: "array" },
    },
    required: ["id"],
    additionalProperties: false,
  },
};

const COMMON = {
  toolId: TOOL_ID,
  version: 1,
  timeoutMs: 5_000,
  secretHeader: { name: "Authorization", value: SECRET },
};
export const HTTP_ACCESS: Extract<ToolAccess, { type: "http" }> = {
  ...COMMON,
  type: "http",
  url: "https://shop.example.com/orders?version=2",
  method: "POST",
};
export const MCP_ACCESS: ToolAccess = { ...COMMON, type: "mcp", url: "https://shop.example.com/mcp" };

export interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface World {
  access: ToolAccess | null;
  /** By name; anything else has a public address. */
  readonly addresses: Record<string, readonly string[]>;
  readonly sent: Sent[];
  serve: Serve;
}

export function aWorld(access: ToolAccess, serve: Serve): World {
  return { access, serve, addresses: {}, sent: [] };
}

/** The guard's way out; as the platform's, it ends with its signal. */
export function depsOf(world: World): OwnToolDeps {
  return {
    sandbox,
    nowMs: () => 0,
    allow: [],
    resolve: async (name) => world.addresses[name] ?? ["93.184.216.34"],
    access: async () => world.access,
    fetch: async (url, init) => {
      const request = new Request(url, init);
      const { method, headers } = request;
      world.sent.push({ url, method, headers, body: await request.clone().text() });
      init.signal?.throwIfAborted();
      const aborted = new Promise<never>((_, reject) => {
        init.signal?.addEventListener("abort", () => reject(init.signal?.reason as Error), { once: true });
      });
      aborted.catch(() => undefined);
      return Promise.race([world.serve(request), aborted]);
    },
  };
}

export function openTools(world: World, ownTools: readonly AllowedTool[]): OpenTools {
  return openOwnTools(depsOf(world), { desk: { tenantId: TENANT_ID, ownTools } as unknown as TraceDesk });
}

export async function list(
  world: World,
  options: { allow?: readonly string[]; timeoutMs?: number } = {},
): Promise<Listing> {
  const { allow = null, ...deps } = options;
  return listServer({ ...depsOf(world), ...deps }, { ...MCP_ACCESS, name: "shop", allow });
}

/** The server's tools as a task is admitted with them. */
export async function toolsOf(world: World): Promise<AllowedTool[]> {
  const { tools, problem } = await list(world);
  if (tools === null) throw new Error(`the server could not be asked: ${problem}`);
  return tools.map((tool) => ({ type: "mcp", toolId: TOOL_ID, server: "shop", ...tool }));
}

export async function ask(
  { tools }: OpenTools,
  name: string,
  input: unknown,
  { signal = new AbortController().signal, key = "tsk-1-1-0" } = {},
): Promise<ToolResult> {
  return runTool(tools, { name, input }, { idempotencyKey: key, signal });
}

const okSchema = z.object({ ok: z.literal(true), output: z.string() });
const failedSchema = z.object({
  ok: z.literal(false),
  error: z.object({ code: z.string(), message: z.string() }),
});
export const outputOf = (result: ToolResult) => okSchema.parse(result).output;
export const errorOf = (result: ToolResult) => failedSchema.parse(result).error;
