/** The tools of a task as its bidders are told of them: a seam, so that the auction knows no tool. */
import type { AllowedTool } from "../market/tools/tenant-tool.ts";

/** @param names the task's own list @param own the tenant's tools that it was admitted with */
export type ToolMenu = (
  names: readonly string[],
  own: readonly AllowedTool[],
) => readonly { readonly name: string; readonly description: string }[];
