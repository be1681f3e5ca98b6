/** A step as the assistant's message: text and tool calls in OpenAI's form. */
import type { ChatToolCall } from "../../chat.ts";
import { hash32 } from "../draws.ts";
import type { Step } from "./step.ts";
import type { Toolbox, ToolCaller } from "./toolbox.ts";

export interface StepMessage {
  readonly content: string | null;
  readonly toolCalls: readonly ChatToolCall[];
}

/** @param key names the trace and the turn, so that call ids repeat with the run and never within it */
export function messageOf(step: Step, tools: Toolbox, key: string): StepMessage {
  const call = (tool: ToolCaller, value: string, index: number): ChatToolCall => ({
    id: `call_${(hash32(`${key} ${index}`) >>> 0).toString(16).padStart(8, "0")}`,
    name: tool.name,
    arguments: tool.arguments(value),
  });
  const content = step.say === "" ? null : step.say;
  if (step.kind === "read" && tools.read !== null) {
    const read = tools.read;
    return { content, toolCalls: step.urls.map((url, index) => call(read, url, index)) };
  }
  if (step.kind === "run" && tools.run !== null) {
    const run = call(tools.run, step.code, 0);
    // What is said of a run is kept, too, where there are files.
    const notes = tools.note === null ? [] : [call(tools.note, step.say, 1)];
    return { content, toolCalls: [run, ...notes] };
  }
  const result = step.kind === "submit" ? step.result : "";
  if (tools.submit === null) return { content: result, toolCalls: [] };
  return { content, toolCalls: [call(tools.submit, result, 0)] };
}
