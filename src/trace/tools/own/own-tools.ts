/**
 * The tools that a task's tenant registered, for one slice of its trace.
 *
 * What the model is shown was frozen when the task was admitted. Where a tool is, and its secret, are asked of the market
 * room at every call: what was changed or removed since is so from the next call on.
 */
import { z } from "zod";
import type { TenantId, ToolId } from "../../../market/ids.ts";
import type { AllowedTool, ToolAccess } from "../../../market/tools/tenant-tool.ts";
import type { Sandbox } from "../../sandbox/index.ts";
import { toolError, type Tool, type ToolContext, type ToolResult } from "../tool.ts";
import type { OpenTools, ToolSlice } from "../toolbox.ts";
import { checkArguments } from "./check-arguments.ts";
import type { GuardDeps } from "./guarded-fetch.ts";
import { callHttpTool } from "./http-tool.ts";
import { toolResultOf } from "./mcp-result.ts";
import { McpSessions } from "./mcp-sessions.ts";
import { failedCall, withoutSecret } from "./tell-failure.ts";

export interface OwnToolDeps extends GuardDeps {
  readonly sandbox: Sandbox;
  readonly nowMs: () => number;
  /** Null: the tool was removed. */
  readonly access: (tenantId: TenantId, toolId: ToolId) => Promise<ToolAccess | null>;
}

export function openOwnTools(deps: OwnToolDeps, { desk }: Pick<ToolSlice, "desk">): OpenTools {
  const sessions = new McpSessions(deps);
  const tools = (desk.ownTools ?? []).map((tool): Tool => ({
    name: tool.name,
    description: tool.description,
    inputSchema: z.unknown(),
    jsonSchema: tool.inputSchema,
    execute: async (input, context) =>
      run({ ...deps, sessions, tenantId: desk.tenantId }, tool, { input, context }),
  }));
  return { tools, close: async () => sessions.close() };
}

interface RunDeps extends OwnToolDeps {
  readonly sessions: McpSessions;
  readonly tenantId: TenantId;
}

async function run(
  deps: RunDeps,
  tool: AllowedTool,
  { input, context }: { readonly input: unknown; readonly context: ToolContext },
): Promise<ToolResult> {
  const { sandbox, nowMs } = deps;
  const checked = await checkArguments(tool, input, { context, sandbox, nowMs: nowMs() });
  if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
  if (!checked.ok) return checked.result;
  const access = await deps.access(deps.tenantId, tool.toolId);
  if (access === null || access.type !== tool.type)
    return toolError("removed", `${tool.name} was removed since this task began; go on without it`);
  const timeout = AbortSignal.timeout(access.timeoutMs);
  const signal = AbortSignal.any([context.signal, timeout]);
  const { args } = checked;
  try {
    const result =
      access.type === "http"
        ? await callHttpTool(deps, { tool, access, args, context }, signal)
        : await callServer(deps, { tool, access, args, context }, signal);
    return withoutSecret(result, access.secretHeader);
  } catch (error) {
    if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
    if (timeout.aborted)
      return toolError("timed_out", `${tool.name} gave no complete answer within ${access.timeoutMs} ms`);
    return withoutSecret(failedCall(tool.name, error), access.secretHeader);
  }
}

async function callServer(
  { sessions }: RunDeps,
  call: Omit<Parameters<McpSessions["call"]>[0], "tool"> & { readonly tool: AllowedTool },
  signal: AbortSignal,
): Promise<ToolResult> {
  const { tool } = call;
  if (tool.type !== "mcp") throw new Error("an HTTP tool has no server");
  return toolResultOf(tool.name, await sessions.call({ ...call, tool }, signal));
}
