/** Runs house traces with real tools: JavaScript in a `vm`, documents from the workload. */
import vm from "node:vm";
import type { ChatRequest, EmulatedModel } from "../../../emulators/chat.ts";
import { chatRequest, type DrivenTrace, driveTrace, TRACE_TOOLS } from "../../../emulators/house/drive.ts";
import { createHouseModels } from "../../../emulators/house/index.ts";
import { documents, promptAt, workload, type WorkloadTask } from "../../../emulators/workload/index.ts";
import { bidPrompt } from "../../../src/agents/prompts/bid-prompt.ts";

/** Where the documents seem to be served. */
export const DOCS = "http://127.0.0.1:8788/docs";

/** Answers as the market's tools do. */
export function callTool(tool: string, argument: string): string {
  if (tool === "http") {
    const text = documents[argument.slice(DOCS.length + 1)];
    return text === undefined ? "HTTP 404 Not Found\n\nno such document" : `HTTP 200 OK\n\n${text}`;
  }
  try {
    return `value: ${String(vm.runInNewContext(argument, {}, { timeout: 1_000 }))}`;
  } catch (error) {
    return `script_failed: ${String(error)}`;
  }
}

/** The model at this place, smallest first. */
export function modelAt(index: number, informativeness = 1): EmulatedModel {
  const model = createHouseModels(informativeness)[index];
  if (model === undefined) throw new Error("no such model");
  return model;
}

/** The strategy that a model bids. */
export function bidOf(
  model: EmulatedModel,
  task: string,
  { seed, nonce = "abc123" }: { readonly seed: number; readonly nonce?: string },
): string {
  const tools = TRACE_TOOLS.filter((tool) => tool.name !== "submit");
  return (
    model.reply(chatRequest(model.id, seed, bidPrompt({ task, tools, maxTokens: 300, nonce }))).content ?? ""
  );
}

export interface Run {
  readonly task: WorkloadTask;
  /** Place of the model, smallest first. */
  readonly index: number;
  readonly seed: number;
  readonly tools?: ChatRequest["tools"];
  readonly call?: typeof callTool;
}

/** Bids and carries out its own bid. */
export function runTrace({ task, index, seed, tools = TRACE_TOOLS, call = callTool }: Run): DrivenTrace {
  const model = modelAt(index);
  const prompt = promptAt(task, DOCS);
  return driveTrace({ model, task: prompt, strategy: bidOf(model, prompt, { seed }), seed, tools, call });
}

export function taskById(id: string): WorkloadTask {
  const task = workload.find((known) => known.id === id);
  if (task === undefined) throw new Error(`no task ${id}`);
  return task;
}
