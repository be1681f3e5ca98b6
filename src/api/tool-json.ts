/** A tenant's tools as the API shows them: of a secret, that there is one. */
import { MAX_ALLOWED_CHARS, MAX_ALLOWED_TOOLS } from "../market/tools/allow-tools.ts";
import type { AdmittedToolRefusal } from "../tenancy/tools/admitted-tools.ts";
import type { ToolView } from "../tenancy/tools/tool-api.ts";
import { Problem } from "./problem.ts";

export function toolJson(tool: ToolView): Record<string, unknown> {
  const { toolId, type, name, description, url, timeoutMs, secretHeader, createdAtMs, updatedAtMs } = tool;
  return {
    object: "tool",
    id: toolId,
    type,
    name,
    description,
    url,
    timeoutMs,
    secretHeader,
    ...(tool.type === "http" ? { method: tool.method, inputSchema: tool.inputSchema } : listed(tool)),
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
  };
}

function listed({ allow, listing }: Extract<ToolView, { readonly type: "mcp" }>) {
  return {
    allow,
    /** Null: the server could not be asked, and no task may name it. */
    tools: listing?.tools ?? null,
    /** Tools of the server that are not kept. */
    leftOut: listing?.leftOut ?? 0,
    listedAt: listing === null ? null : iso(listing.atMs),
    problem: listing?.problem ?? null,
  };
}

/** Why a task is not admitted with the tools that it names. */
export function allowedToolsProblem(refusal: AdmittedToolRefusal): Problem {
  if (refusal.reason === "tools_too_large") {
    const message = `together ${refusal.tools} tools of ${refusal.chars} characters; at most ${MAX_ALLOWED_TOOLS} of ${MAX_ALLOWED_CHARS}: name fewer of a server's, as server__tool`;
    return new Problem("invalid_body", { issues: [{ path: "tools", message }] });
  }
  const accepted = refusal.accepted.join(", ");
  return new Problem("unknown_tool", {
    issues: refusal.unknown.map(({ name, why }) => ({
      path: "tools",
      message:
        why === "unlisted"
          ? `${name}: its server could not be asked for its tools; POST /v1/tools/:tool/refresh asks again`
          : `${name} is none; accepted are ${accepted}, and of an MCP server also server__tool`,
    })),
  });
}

const iso = (ms: number): string => new Date(ms).toISOString();
