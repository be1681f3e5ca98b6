/** The tools of the tenant that a task is admitted with, as the registry has them in the admitting transaction. */
import { fail, type Result } from "../../market/result.ts";
import { TOOL_NAMES } from "../../market/task.ts";
import {
  allowKnownTools,
  allowTools,
  type Allowing,
  type ToolRefusal,
} from "../../market/tools/allow-tools.ts";
import type { AllowedTool } from "../../market/tools/tenant-tool.ts";
import type { ToolStore } from "./tool-store.ts";

export type AdmittedToolRefusal =
  | Exclude<ToolRefusal, { readonly reason: "unknown_tool" }>
  | (Extract<ToolRefusal, { readonly reason: "unknown_tool" }> & {
      /** Names that the tenant's tasks may have in their lists. */
      readonly accepted: readonly string[];
    });

/** @param names the task's own list */
export function admittedTools(
  store: ToolStore,
  names: readonly string[],
): Result<readonly AllowedTool[], AdmittedToolRefusal> {
  const allowed = allowTools(allowing(store, names));
  if (allowed.ok) return allowed;
  const { failure } = allowed;
  if (failure.reason !== "unknown_tool") return fail(failure);
  return fail({ ...failure, accepted: [...TOOL_NAMES, ...store.names()] });
}

/** For a task that nobody has asked for just now: a tool that is gone by now is none of its tools. */
export function knownTools(store: ToolStore, names: readonly string[]): readonly AllowedTool[] {
  return allowKnownTools(allowing(store, names));
}

function allowing(store: ToolStore, names: readonly string[]): Allowing {
  const house: readonly string[] = TOOL_NAMES;
  return { names: names.filter((name) => !house.includes(name)), find: (name) => store.named(name) };
}
