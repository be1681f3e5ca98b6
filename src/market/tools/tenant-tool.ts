/**
 * The tools that a tenant registers: its own HTTP endpoints, and remote MCP servers. Pure.
 *
 * What models are shown of a tool (name, description, schema) is frozen into a task when it is admitted, so that bidders,
 * the winner and whoever takes over see the same, and a provider's prompt cache stays warm. Where the tool is, and the
 * secret that goes there, are read at every call and always together: a secret goes to no address but its own.
 */
import type { ToolId } from "../ids.ts";
import type { JsonValue } from "../step.ts";

/** Of one tenant. */
export const MAX_TENANT_TOOLS = 32;
/** Of one MCP server: those that it lists beyond are left out. */
export const MAX_SERVER_TOOLS = 64;
/** Names of MCP tools that may be allowed, as the server has them. */
export const MAX_REMOTE_NAME_CHARS = 128;
export const MAX_TOOL_DESCRIPTION_CHARS = 1_024;
/** Of one tool's input, as JSON. */
export const MAX_SCHEMA_CHARS = 16_384;
export const MAX_SCHEMA_NESTING = 32;
/** Of all that is kept of an MCP server's list, as JSON. */
export const MAX_LISTING_CHARS = 131_072;
/** What a call may take, in milliseconds. */
export const MIN_TIMEOUT_MS = 1_000;
export const DEFAULT_TIMEOUT_MS = 30_000;
export const MAX_TIMEOUT_MS = 120_000;
/** A header that is shorter is no secret: hiding it where it is echoed would shred the text. */
export const MIN_SECRET_CHARS = 8;
export const MAX_SECRET_CHARS = 4_096;
/** Of all forms of a secret in which its server may hand it back, together: what they are looked for with is made of them. */
export const MAX_SECRET_FORM_CHARS = 262_144;

export const HTTP_TOOL_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type HttpToolMethod = (typeof HTTP_TOOL_METHODS)[number];

/** A header that goes with every request to the tool, and is shown to nobody. */
export interface SecretHeader {
  readonly name: string;
  readonly value: string;
}

export type JsonSchema = { readonly [key: string]: JsonValue };

/** One tool of an MCP server, as it was listed. */
export interface ListedTool {
  /** As models see it: the server's name in the registry, `__`, and what is left of its own. */
  readonly name: string;
  /** As the server has it. */
  readonly remoteName: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
}

/** What an MCP server said of its tools, when it was asked last. */
export interface Listing {
  readonly atMs: number;
  /** Null: it could not be asked. */
  readonly tools: readonly ListedTool[] | null;
  /** Tools that are not kept: too many, too large, or of no form that models take. */
  readonly leftOut: number;
  /** Why it could not be asked; null: it could. */
  readonly problem: string | null;
}

/** What the tenant says of a tool. */
export type ToolSettings = {
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly timeoutMs: number;
} & (
  | { readonly type: "http"; readonly method: HttpToolMethod; readonly inputSchema: JsonSchema }
  /** `allow`: of the server's tools, those of these names; null: all. */
  | { readonly type: "mcp"; readonly allow: readonly string[] | null }
);

/** A registered tool as it is stored. */
export type TenantTool = ToolSettings & {
  readonly toolId: ToolId;
  readonly secretHeader: SecretHeader | null;
  /** Of an MCP server; null: of an HTTP tool. */
  readonly listing: Listing | null;
  /** From 1; every change is the next. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

/** A tool that a task was admitted with, as models are shown it. */
export type AllowedTool = {
  readonly toolId: ToolId;
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
} & (
  | { readonly type: "http" }
  | { readonly type: "mcp"; readonly server: string; readonly remoteName: string }
);

/** Where a tool is called, with what: read at every call. Never logged, never stored anywhere else. */
export type ToolAccess = Pick<TenantTool, "toolId" | "version" | "url" | "timeoutMs" | "secretHeader"> &
  ({ readonly type: "http"; readonly method: HttpToolMethod } | { readonly type: "mcp" });

export function accessOf(tool: TenantTool): ToolAccess {
  const { toolId, version, url, timeoutMs, secretHeader } = tool;
  const common = { toolId, version, url, timeoutMs, secretHeader };
  return tool.type === "http" ? { ...common, type: "http", method: tool.method } : { ...common, type: "mcp" };
}
