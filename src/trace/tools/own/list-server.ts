/**
 * What a remote MCP server has, asked when it is registered, changed or refreshed: names and descriptions for bidders,
 * schemas for the winner.
 *
 * All of it is the server's text, and may be anything: it is bounded, and what models could not be given is left out and
 * counted.
 */
import { nestsDeeperThan } from "../../../market/nesting.ts";
import {
  MAX_LISTING_CHARS,
  MAX_REMOTE_NAME_CHARS,
  MAX_SCHEMA_CHARS,
  MAX_SCHEMA_NESTING,
  MAX_SERVER_TOOLS,
  MAX_TOOL_DESCRIPTION_CHARS,
  type JsonSchema,
  type ListedTool,
  type Listing,
  type SecretHeader,
} from "../../../market/tools/tenant-tool.ts";
import { shownNames } from "../../../market/tools/tool-name.ts";
import type { GuardDeps } from "./guarded-fetch.ts";
import { hideSecret } from "./hide-secret.ts";
import { connectMcp, type McpAccess } from "./mcp-client.ts";
import { problemOf } from "./tell-failure.ts";

/** For all of it. */
const LIST_MS = 15_000;
/** Ours: so many are looked at. Names that are alike are told apart one by one, at the cost of their number's square. */
const MAX_LOOKED_AT = 1_024;

export interface ListDeps extends GuardDeps {
  readonly nowMs: () => number;
  /** Default: 15 s. */
  readonly timeoutMs?: number;
}

export interface ListedServer extends McpAccess {
  readonly name: string;
  /** Of its tools, those of these names; null: all. */
  readonly allow: readonly string[] | null;
}

/** Never rejects: a server that cannot be asked has a list with its problem. */
export async function listServer(deps: ListDeps, server: ListedServer): Promise<Listing> {
  const atMs = deps.nowMs();
  const timeoutMs = deps.timeoutMs ?? LIST_MS;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const connection = await connectMcp(deps, { ...server, timeoutMs }, signal);
    try {
      const { tools } = await connection.client.listTools(undefined, { signal, timeout: timeoutMs });
      return { atMs, problem: null, ...kept(server, tools) };
    } finally {
      await connection.close();
    }
  } catch (error) {
    const problem = signal.aborted
      ? `no answer within ${timeoutMs} ms`
      : problemOf(error, server.secretHeader);
    return { atMs, tools: null, leftOut: 0, problem };
  }
}

interface RemoteTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: object;
}

function kept(
  { name: server, secretHeader, allow }: ListedServer,
  all: readonly RemoteTool[],
): Pick<Listing, "leftOut"> & { readonly tools: readonly ListedTool[] } {
  const isAllowed = ({ name }: RemoteTool): boolean => allow === null || allow.includes(name);
  const remote = all.slice(0, MAX_LOOKED_AT);
  const names = shownNames(
    server,
    remote.map(({ name }) => name),
  );
  const tools: ListedTool[] = [];
  let left = MAX_LISTING_CHARS;
  let leftOut = all.slice(MAX_LOOKED_AT).filter(isAllowed).length;
  for (const [at, one] of remote.entries()) {
    if (!isAllowed(one)) continue;
    const inputSchema = schemaOf(one, secretHeader);
    const description = descriptionOf(server, one, secretHeader);
    const tool = { name: names[at] ?? "", remoteName: one.name, description };
    const chars = JSON.stringify({ ...tool, inputSchema }).length;
    if (inputSchema === null || tools.length >= MAX_SERVER_TOOLS || chars > left) {
      leftOut += 1;
      continue;
    }
    left -= chars;
    tools.push({ ...tool, inputSchema });
  }
  return { tools, leftOut };
}

function schemaOf({ name, inputSchema }: RemoteTool, secret: SecretHeader | null): JsonSchema | null {
  const text = JSON.stringify(inputSchema);
  if (name.length > MAX_REMOTE_NAME_CHARS || hideSecret(name, secret) !== name) return null;
  if (text.length > MAX_SCHEMA_CHARS || nestsDeeperThan(text, MAX_SCHEMA_NESTING)) return null;
  // A schema that holds the secret is none that could be mended.
  return hideSecret(text, secret) === text ? (JSON.parse(text) as JsonSchema) : null;
}

/** As the server's own words, which are no instructions. */
function descriptionOf(
  server: string,
  { description = "" }: RemoteTool,
  secret: SecretHeader | null,
): string {
  const words = hideSecret(description, secret).replaceAll(/[“”]/g, '"').trim();
  const bounded =
    words.length <= MAX_TOOL_DESCRIPTION_CHARS
      ? words
      : `${words.slice(0, MAX_TOOL_DESCRIPTION_CHARS).toWellFormed()}…`;
  return `Tool of the remote server ${server}, which describes it as: “${bounded}”`;
}
