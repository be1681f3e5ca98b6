/** Why a call of a tenant's tool gave nothing, as the model is told. */
import { ProtocolError, SdkHttpError } from "@modelcontextprotocol/client";
import type { SecretHeader } from "../../../market/tools/tenant-tool.ts";
import { toolError, type ToolResult } from "../tool.ts";
import { BROKE_OFF } from "./mcp-client.ts";
import { RequestRefused } from "./guarded-fetch.ts";
import { hideSecret } from "./hide-secret.ts";

const MAX_MESSAGE_CHARS = 2_000;
/** Errors that libraries wrap stand in a chain of causes. */
const MAX_CAUSES = 5;
/** V8 quotes what it could not parse, cut, so that a secret in it would not be found. */
const QUOTED = /(?:, )?(?:\.{3})?".{0,60}?"(?:\.{3})? is not valid JSON/gs;

/** @param name of the tool */
export function failedCall(name: string, error: unknown): ToolResult {
  const refused = causesOf(error).find((cause) => cause instanceof RequestRefused);
  if (refused !== undefined) return toolError("not_allowed", `${name} was not called: ${refused.message}`);
  if (error instanceof ProtocolError && error.code !== BROKE_OFF)
    return toolError("tool_failed", `${name} refused the call: ${error.message}`);
  if (error instanceof SdkHttpError)
    return toolError("tool_failed", `${name}: the server answered HTTP ${error.status}: ${error.message}`);
  return toolError("unreachable", `${name} gave no answer that could be read: ${messageOf(error)}`);
}

/** Of an attempt to ask a server for its tools. */
export function problemOf(error: unknown, secret: SecretHeader | null): string {
  const refused = causesOf(error).find((cause) => cause instanceof RequestRefused);
  return hideSecret(messageOf(refused ?? error), secret).slice(0, MAX_MESSAGE_CHARS);
}

/** Without the secret, and of a length that a model can read. */
export function withoutSecret(result: ToolResult, secret: SecretHeader | null): ToolResult {
  if (result.ok) return { ok: true, output: hideSecret(result.output, secret) };
  const { code, message } = result.error;
  return toolError(code, hideSecret(message, secret).slice(0, MAX_MESSAGE_CHARS + 500));
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let one = error; one instanceof Error && causes.length < MAX_CAUSES; one = one.cause) causes.push(one);
  return causes;
}

/** Whole: whoever shows it hides the secret first, and cuts it then. */
function messageOf(error: unknown): string {
  return (
    causesOf(error)
      .map(({ message }) => message.replaceAll(QUOTED, " is not valid JSON"))
      .filter((message) => message !== "")
      .join(": ") || "unknown error"
  );
}
