/** Which of the offered tools serves what, and how its arguments are spelt: read from the tools' own schemas. */
import type { ChatRequest } from "../../chat.ts";
import { hash32 } from "../draws.ts";

type Tool = ChatRequest["tools"][number];

export interface Toolbox {
  /** Runs JavaScript; null: not offered. */
  readonly run: ToolCaller | null;
  /** Fetches a URL; null: not offered. */
  readonly read: ToolCaller | null;
  /** Keeps a text beside the work; null: not offered. */
  readonly note: ToolCaller | null;
  /** Hands in the result; null: not offered, so a plain answer is the result. */
  readonly submit: ToolCaller | null;
  /** How code prints: `console.log` if the tool's description says so, else by its last expression. */
  readonly logs: boolean;
}

/** A tool by name with a function that writes its arguments as JSON text. */
export interface ToolCaller {
  readonly name: string;
  arguments(value: string): string;
}

function properties(tool: Tool): string[] {
  const schema = tool.parameters as { properties?: Record<string, unknown> } | null | undefined;
  return Object.keys(schema?.properties ?? {});
}

function caller(tool: Tool | undefined, likely: readonly [string, ...string[]]): ToolCaller | null {
  if (tool === undefined) return null;
  const names = properties(tool);
  const field = likely.find((name) => names.includes(name)) ?? names[0] ?? likely[0];
  const method = field === "url" && names.includes("method") ? { method: "GET" } : {};
  return { name: tool.name, arguments: (value) => JSON.stringify({ ...method, [field]: value }) };
}

/** Every note is a file of its own, by what it says: written again, it is the same. */
const pathOf = (text: string) => `notes/${(hash32(text) >>> 0).toString(16)}.md`;

function noteTaker(tool: Tool | undefined): ToolCaller | null {
  if (tool === undefined) return null;
  return { name: tool.name, arguments: (text) => JSON.stringify({ path: pathOf(text), text }) };
}

/** Finds the tools of a trace among those offered. */
export function toolboxOf(tools: readonly Tool[], submitTool: string): Toolbox {
  const find = (name: string, pattern: RegExp) =>
    tools.find((tool) => tool.name === name) ??
    tools.find((tool) => tool.name !== submitTool && pattern.test(tool.name));
  const run = find("run_javascript", /javascript|run_code|execute/i);
  return {
    run: caller(run, ["code", "source", "script", "javascript"]),
    read: caller(find("http", /http|fetch|browse|page/i), ["url", "uri", "href"]),
    note: noteTaker(tools.find((tool) => tool.name === "write_file")),
    submit: caller(
      tools.find((tool) => tool.name === submitTool),
      ["result", "answer", "output"],
    ),
    logs: run !== undefined && /console\.log/i.test(run.description),
  };
}
