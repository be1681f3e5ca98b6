/** What the tools of a request add to its prompt, in tokens, at most. Pure. */
import { utf8Bytes } from "../utf8.ts";

/** Markup around a tool's description or call. */
export const TOOL_OVERHEAD_TOKENS = 64;
/** A schema may be pretty-printed by the provider's template. */
export const SCHEMA_FACTOR = 2;

interface ShownTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: unknown;
}

export function toolTokens(tools: readonly ShownTool[]): number {
  return tools.reduce((sum, { name, description, inputSchema }) => {
    const bytes = utf8Bytes(JSON.stringify({ name, description, inputSchema }));
    return sum + TOOL_OVERHEAD_TOKENS + SCHEMA_FACTOR * bytes;
  }, 0);
}
