/** What an MCP tool answered, as text for a model. */
import type { CallToolResult } from "@modelcontextprotocol/client";
import { toolError, type ToolResult } from "../tool.ts";

type Content = CallToolResult["content"][number];

export function toolResultOf(
  name: string,
  { content, structuredContent, isError }: CallToolResult,
): ToolResult {
  const blocks = content.map(shown);
  const structured = structuredContent === undefined ? null : JSON.stringify(structuredContent);
  // Servers repeat it as text for clients that know no other.
  const repeated =
    structured === null || content.some((block) => block.type === "text" && sameJson(block.text, structured));
  const output = [...blocks, ...(repeated ? [] : [structured])].join("\n");
  if (isError === true) return toolError("tool_failed", `${name} says that it failed:\n${output}`);
  return { ok: true, output: output === "" ? "[done; the tool says nothing]" : output };
}

function shown(block: Content): string {
  switch (block.type) {
    case "text":
      return block.text;
    case "image":
    case "audio":
      return `[${block.type}, ${block.mimeType}: not shown]`;
    case "resource_link":
      return `[link to ${block.name}: ${block.uri}]`;
    case "resource": {
      const { resource } = block;
      return "text" in resource ? resource.text : `[${resource.uri}: binary, not shown]`;
    }
  }
}

function sameJson(text: string, json: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}
