/** Runs one call of a model: finds the tool, checks the arguments, catches everything, bounds the output. */
import { raceAbort } from "../../async/race-abort.ts";
import { boundText } from "./bound-text.ts";
import { toolError } from "./tool.ts";
import type { Tool, ToolContext, ToolResult } from "./tool.ts";

/** Longest output or message a model is shown, UTF-8 bytes. */
export const MAX_OUTPUT_BYTES = 65_536;
const CUT = "\n[cut: the output was longer than 64 KiB]";
const MAX_ISSUES = 8;

/** A call as the model made it. */
export interface ToolCall {
  readonly name: string;
  /** Parsed JSON, not yet checked. */
  readonly input: unknown;
}

/** Never rejects; each failure is a result whose message says what to do differently. */
export async function runTool(
  tools: readonly Tool[],
  call: ToolCall,
  context: ToolContext,
): Promise<ToolResult> {
  const tool = tools.find((it) => it.name === call.name);
  if (tool === undefined) {
    const names = tools.map((it) => it.name).join(", ") || "none";
    return bounded(
      toolError("unknown_tool", `there is no tool ${JSON.stringify(call.name)}; there are: ${names}`),
    );
  }
  if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
  try {
    const parsed = tool.inputSchema.safeParse(call.input);
    if (!parsed.success) {
      const issues = parsed.error.issues
        .slice(0, MAX_ISSUES)
        .map((it) => `${pathText(it.path)}: ${it.message}`);
      return bounded(
        toolError("invalid_arguments", `${tool.name} was not run; fix the arguments. ${issues.join("; ")}`),
      );
    }
    // A tool that does not listen to its signal is not waited for.
    return bounded(await raceAbort(tool.execute(parsed.data, context), context.signal));
  } catch (error) {
    if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
    return toolError(
      "failed",
      `${tool.name} broke (${error instanceof Error ? error.name : "unknown error"}); trying it again may help`,
    );
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "arguments" : path.map(String).join(".");
}

function bounded(result: ToolResult): ToolResult {
  if (result.ok) return { ok: true, output: boundText(result.output, MAX_OUTPUT_BYTES, CUT) };
  return toolError(result.error.code, boundText(result.error.message, MAX_OUTPUT_BYTES, CUT));
}
