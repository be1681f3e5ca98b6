/**
 * The MCP servers of one slice of a trace: connected to at the first call, kept until the slice ends.
 *
 * A server that was changed in the registry meanwhile is connected to anew, where it is by now; a session that its server
 * forgot is opened again, once for a call, which goes out under the same key.
 */
import { SdkHttpError } from "@modelcontextprotocol/client";
import type { CallToolResult } from "@modelcontextprotocol/client";
import type { ToolId } from "../../../market/ids.ts";
import type { AllowedTool, ToolAccess } from "../../../market/tools/tenant-tool.ts";
import type { ToolContext } from "../tool.ts";
import type { Arguments } from "./check-arguments.ts";
import type { GuardDeps } from "./guarded-fetch.ts";
import { connectMcp, type McpConnection } from "./mcp-client.ts";

/** In the call's `_meta`: the same for every attempt at one call. */
const IDEMPOTENCY_META = "saleroom/idempotency-key";

export interface McpCall {
  readonly tool: Extract<AllowedTool, { readonly type: "mcp" }>;
  readonly access: ToolAccess;
  readonly args: Arguments;
  readonly context: ToolContext;
}

interface Entry {
  readonly version: number;
  readonly connection: Promise<McpConnection>;
}

export class McpSessions {
  readonly #deps: GuardDeps;
  readonly #entries = new Map<ToolId, Entry>();

  constructor(deps: GuardDeps) {
    this.#deps = deps;
  }

  /** @param signal ends the call: its time is up, or the task may not go on @throws what the server, the SDK or the guard throws */
  async call(call: McpCall, signal: AbortSignal): Promise<CallToolResult> {
    const connection = await this.#connected(call.access, signal);
    try {
      return await ask(connection, call, signal);
    } catch (error) {
      if (!connection.hasSession() || !isForgotten(error)) throw error;
      await this.#drop(call.access.toolId, connection);
      return ask(await this.#connected(call.access, signal), call, signal);
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(endOf));
  }

  async #connected(access: ToolAccess, signal: AbortSignal): Promise<McpConnection> {
    const { toolId, version } = access;
    const known = this.#entries.get(toolId);
    if (known?.version === version) return known.connection;
    const entry: Entry = { version, connection: connectMcp(this.#deps, access, signal) };
    this.#entries.set(toolId, entry);
    // Calls that stand beside this one may still use the earlier one: it ends with its requests.
    if (known !== undefined) await endOf(known);
    try {
      return await entry.connection;
    } catch (error) {
      if (this.#entries.get(toolId) === entry) this.#entries.delete(toolId);
      throw error;
    }
  }

  async #drop(toolId: ToolId, connection: McpConnection): Promise<void> {
    const entry = this.#entries.get(toolId);
    if ((await entry?.connection.catch(() => null)) === connection) this.#entries.delete(toolId);
    await connection.close();
  }
}

async function ask({ client }: McpConnection, call: McpCall, signal: AbortSignal): Promise<CallToolResult> {
  const { tool, access, args, context } = call;
  return client.callTool(
    {
      name: tool.remoteName,
      arguments: { ...args },
      _meta: { [IDEMPOTENCY_META]: context.idempotencyKey },
    },
    {
      signal,
      timeout: access.timeoutMs,
      maxTotalTimeout: access.timeoutMs,
      // As it was listed: the client has no list of its own.
      toolDefinition: {
        name: tool.remoteName,
        inputSchema: { ...tool.inputSchema, type: "object" },
      },
    },
  );
}

async function endOf({ connection }: Entry): Promise<void> {
  const open = await connection.catch(() => null);
  await open?.close();
}

/** Streamable HTTP: a server answers 404 to a session that it does not know any more; some say 400. */
function isForgotten(error: unknown): boolean {
  if (!(error instanceof SdkHttpError)) return false;
  const { status } = error;
  return status === 404 || (status === 400 && /session/i.test(error.message));
}
