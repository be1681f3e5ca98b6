/** The arguments of a call against the schema that the model was shown. */
import type { AllowedTool } from "../../../market/tools/tenant-tool.ts";
import type { Sandbox } from "../../sandbox/index.ts";
import { validateJson } from "../../verifiers/validate-json.ts";
import { toolError, type ToolContext, type ToolResult } from "../tool.ts";

/** Of one call, as JSON. */
const MAX_ARGUMENT_CHARS = 262_144;

export type Arguments = Readonly<Record<string, unknown>>;

export type Checked =
  | { readonly ok: true; readonly args: Arguments }
  | { readonly ok: false; readonly result: ToolResult };

export async function checkArguments(
  tool: AllowedTool,
  input: unknown,
  {
    context,
    sandbox,
    nowMs,
  }: { readonly context: ToolContext; readonly sandbox: Sandbox; readonly nowMs: number },
): Promise<Checked> {
  const wrong = (what: string): Checked => ({
    ok: false,
    result: toolError("invalid_arguments", `${tool.name} was not run; fix the arguments. ${what}`),
  });
  const args = input ?? {};
  if (typeof args !== "object" || Array.isArray(args)) return wrong("They are an object.");
  const document = JSON.stringify(args);
  if (document.length > MAX_ARGUMENT_CHARS) return wrong(`At most ${MAX_ARGUMENT_CHARS} characters of JSON.`);
  const options = { sandbox, seed: context.idempotencyKey, nowMs, signal: context.signal };
  const { kind, detail } = await validateJson({ schema: tool.inputSchema, document }, options);
  switch (kind) {
    case "valid":
      return { ok: true, args: args as Arguments };
    case "unusable":
      // A server's dialect is its own, and it checks by itself; nobody else does for an HTTP tool.
      if (tool.type === "mcp") return { ok: true, args: args as Arguments };
      return { ok: false, result: toolError("failed", `${tool.name} was not run: ${detail}`) };
    case "invalid":
    case "not-json":
    case "too-deep":
      return wrong(detail);
  }
}
