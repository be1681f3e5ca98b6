/** A tiny trace loop for measuring the house models without the market: real prompts, tools given as a function. */
import { tracePrompt } from "../../src/agents/prompts/trace-prompt.ts";
import { SUBMIT_TOOL } from "../../src/market/submission.ts";
import type { ChatMessage, ChatReply, ChatRequest, EmulatedModel } from "../chat.ts";

const schema = (name: string) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
});

/** Tools as the market offers them, in their plainest form. */
export const TRACE_TOOLS: ChatRequest["tools"] = [
  {
    name: "run_javascript",
    description: "Runs JavaScript; the value of the last expression is returned.",
    parameters: schema("code"),
  },
  { name: "http", description: "Fetches a URL.", parameters: schema("url") },
  { name: SUBMIT_TOOL, description: "Hands in the result.", parameters: schema("result") },
];

export interface TraceOrder {
  readonly model: EmulatedModel;
  readonly task: string;
  readonly strategy: string;
  readonly seed: number;
  readonly nonce?: string;
  readonly tools?: ChatRequest["tools"];
  /** Answers a call of any tool but the submission. */
  readonly call: (tool: string, argument: string) => string;
}

export interface DrivenTrace {
  readonly result: string;
  readonly replies: readonly ChatReply[];
  /** True if the trace ended by itself. */
  readonly finished: boolean;
}

/** More turns than any script has. */
const MOST_TURNS = 30;

/** A request as the market sends it, without limits. */
export function chatRequest(
  model: string,
  seed: number,
  prompt: { readonly system: string; readonly user: string },
): ChatRequest {
  return {
    model,
    messages: [
      { role: "system", content: prompt.system },
      { role: "user", content: prompt.user },
    ],
    tools: [],
    responseSchema: null,
    maxTokens: null,
    seed,
    topLogprobs: null,
  };
}

/** Runs a trace to its submission. */
export function driveTrace({
  model,
  task,
  strategy,
  seed,
  nonce = "5ea1ed",
  tools = TRACE_TOOLS,
  call,
}: TraceOrder): DrivenTrace {
  const first = { ...chatRequest(model.id, seed, tracePrompt({ task, strategy, nonce })), tools };
  const messages: ChatMessage[] = [...first.messages];
  const replies: ChatReply[] = [];
  while (replies.length < MOST_TURNS) {
    const reply = model.reply({ ...first, messages });
    replies.push(reply);
    if (reply.toolCalls.length === 0) return { result: reply.content ?? "", replies, finished: true };
    messages.push({ role: "assistant", content: reply.content, toolCalls: reply.toolCalls });
    for (const { id, name, arguments: json } of reply.toolCalls) {
      const argument = String(Object.values(JSON.parse(json) as Record<string, unknown>).at(-1));
      if (name === SUBMIT_TOOL) return { result: argument, replies, finished: true };
      messages.push({ role: "tool", content: call(name, argument), toolCallId: id });
    }
  }
  return { result: "", replies, finished: false };
}
