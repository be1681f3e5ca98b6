/** From the names in a task's list to the tenant's tools that it is admitted with. Pure. */
import { fail, ok, type Result } from "../result.ts";
import type { AllowedTool, TenantTool } from "./tenant-tool.ts";
import { registeredName } from "./tool-name.ts";

/** Tools of the tenant that one task may allow, and their size as JSON: they stand in every prompt of its trace. */
export const MAX_ALLOWED_TOOLS = 64;
export const MAX_ALLOWED_CHARS = 131_072;

export interface UnknownName {
  readonly name: string;
  /** `unlisted`: the MCP server is known, and has never said what it has. */
  readonly why: "unknown" | "unlisted";
}

export type ToolRefusal =
  | { readonly reason: "unknown_tool"; readonly unknown: readonly UnknownName[] }
  | { readonly reason: "tools_too_large"; readonly tools: number; readonly chars: number };

export interface Allowing {
  /** The names of the task that are not the house's. */
  readonly names: readonly string[];
  /** The tenant's tool of this name. */
  readonly find: (name: string) => TenantTool | null;
}

/** A server's name allows all of its tools, and those that are named beside it once. */
export function allowTools({ names, find }: Allowing): Result<readonly AllowedTool[], ToolRefusal> {
  const allowed = new Map<string, AllowedTool>();
  const unknown: UnknownName[] = [];
  for (const name of names) {
    const tool = find(registeredName(name));
    const found = tool === null ? [] : toolsOf(tool).filter((one) => name === tool.name || name === one.name);
    if (found.length === 0) unknown.push({ name, why: isUnlisted(tool) ? "unlisted" : "unknown" });
    for (const one of found) allowed.set(one.name, one);
  }
  if (unknown.length > 0) return fail({ reason: "unknown_tool", unknown });
  const tools = [...allowed.values()];
  const chars = tools.reduce((sum, tool) => sum + JSON.stringify(tool).length, 0);
  if (tools.length > MAX_ALLOWED_TOOLS || chars > MAX_ALLOWED_CHARS)
    return fail({ reason: "tools_too_large", tools: tools.length, chars });
  return ok(tools);
}

/** Of the same names, those that there still are: for a task that nobody can be told about. */
export function allowKnownTools({ names, find }: Allowing): readonly AllowedTool[] {
  const known = names.filter((name) => allowTools({ names: [name], find }).ok);
  const all = allowTools({ names: known, find });
  return all.ok ? all.value : [];
}

function isUnlisted(tool: TenantTool | null): boolean {
  return tool?.type === "mcp" && (tool.listing?.tools ?? null) === null;
}

/** As models are shown them. */
function toolsOf(tool: TenantTool): AllowedTool[] {
  const { toolId, name, description } = tool;
  if (tool.type === "http")
    return [{ type: "http", toolId, name, description, inputSchema: tool.inputSchema }];
  const listed = tool.listing?.tools ?? [];
  const { allow } = tool;
  return listed
    .filter(({ remoteName }) => allow === null || allow.includes(remoteName))
    .map((one) => ({ type: "mcp", toolId, server: name, ...one }));
}
