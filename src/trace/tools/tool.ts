/** The seam between a trace's step loop and what a model may call. No platform type in it. */
import type { z } from "zod";
import type { JsonSchema } from "../../market/tools/tenant-tool.ts";

/** Why a tool gave no output. */
export type ToolErrorCode =
  /** No tool of this name. */
  | "unknown_tool"
  /** The arguments do not fit the schema. */
  | "invalid_arguments"
  /** Understood, and refused: an address outside of the allow-list, a header that may not be set. */
  | "not_allowed"
  /** The time limit passed. */
  | "timed_out"
  /** The other side could not be reached or broke off. */
  | "unreachable"
  /** The other side answered with a status that is no success. */
  | "bad_status"
  /** A tool of the tenant's says itself that it failed. */
  | "tool_failed"
  /** The tenant has removed it since the task was admitted. */
  | "removed"
  /** What was asked for is not text. */
  | "not_text"
  /** There is nothing of this name. */
  | "not_found"
  /** More than there is room for. */
  | "too_large"
  /** The other side takes no more for now. */
  | "rate_limited"
  /** The script threw, did not parse, or used up its budget. */
  | "script_failed"
  /** The task was cancelled. */
  | "cancelled"
  /** A fault of ours. */
  | "failed";

export interface ToolContext {
  /** The same for every attempt at one call; a side that honours it acts once (calls are made at least once). */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** Output and messages are for a model to read; both may hold text from outside. */
export type ToolResult =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly error: { readonly code: ToolErrorCode; readonly message: string } };

export interface Tool<I = unknown> {
  /** As the model calls it, snake_case. */
  readonly name: string;
  readonly description: string;
  readonly inputSchema: z.ZodType<I>;
  /** As models are shown it; absent: as `inputSchema` says. */
  readonly jsonSchema?: JsonSchema;
  /** May throw; `runTool` turns that into `failed`. */
  execute(input: I, context: ToolContext): Promise<ToolResult>;
}

/** A refusal or failure that the model is told. */
export function toolError(code: ToolErrorCode, message: string): ToolResult {
  return { ok: false, error: { code, message } };
}
