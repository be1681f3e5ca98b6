/**
 * What a recorded agent answers: in a trace, the step that the real model took at this point, word for word.
 *
 * The recorded model saw a shell; here its commands go to this Worker's shell endpoint over the `http` tool, which returns
 * what the real shell returned. Nothing was recorded for bids and juries, and the answers to those say so.
 */
import type { ChatReply, ChatRequest, ChatUsage } from "../chat.ts";
import type { FoundStep } from "./recordings-object.ts";
import type { RecordedStep } from "./trace-schema.ts";

/** A recorded model's name on the wire is this and the model's own name. */
export const RECORDED_PREFIX = "recorded-";

const HTTP_TOOL = "http";
const SUBMIT_TOOL = "submit";

/** The middle of the scale: no verdicts were recorded, and this one prefers nobody. */
const NEUTRAL_SCORE = 3;

/** Time of a call as a large hosted model takes it, in ms; ours. */
const BASE_LATENCY_MS = 600;
const LATENCY_PER_TOKEN_MS = 12;

const UNRECORDED_BID =
  "Recorded agent: this is a recorded run of a real model, and no strategy was recorded for it. It will replay what it did for this task, step by step.";

export interface RecordedContext {
  /** Origin at which the shell endpoint is reached. */
  readonly origin: string;
  readonly step: (query: { readonly text: string; readonly k: number }) => Promise<FoundStep | null>;
}

/** @returns null where a trace is asked for and no recording fits the task */
export async function recordedReply(
  request: ChatRequest,
  context: RecordedContext,
): Promise<ChatReply | null> {
  const names = new Set(request.tools.map((tool) => tool.name));
  if (names.has(HTTP_TOOL) && names.has(SUBMIT_TOOL)) return traceReply(request, context);
  const labels = juryLabels(request);
  if (labels.length === 0) return textReply(request, UNRECORDED_BID);
  // No verdicts were recorded: every strategy gets the same score, so a recorded juror never decides an auction.
  return textReply(
    request,
    JSON.stringify(Object.fromEntries(labels.map((label) => [label, NEUTRAL_SCORE]))),
  );
}

export function recordedLatencyMs(reply: ChatReply): number {
  return BASE_LATENCY_MS + LATENCY_PER_TOKEN_MS * reply.usage.completionTokens;
}

async function traceReply(request: ChatRequest, context: RecordedContext): Promise<ChatReply | null> {
  const text = request.messages
    .filter((message) => message.role === "user")
    .map((message) => message.content ?? "");
  const k = request.messages.filter((message) => message.role === "assistant").length;
  const found = await context.step({ text: text.join("\n"), k });
  if (found === null) return null;
  return {
    content: found.step.text,
    toolCalls: [{ id: `call_recorded_${found.k}`, ...toolCall(found, context.origin) }],
    finishReason: "tool_calls",
    logprobs: null,
    usage: recordedUsage(found.step.usage),
  };
}

function toolCall(found: FoundStep, origin: string): { readonly name: string; readonly arguments: string } {
  if (found.isLast) {
    const result = found.submission === "" ? found.step.output : found.submission;
    return { name: SUBMIT_TOOL, arguments: JSON.stringify({ result }) };
  }
  const call = {
    method: "POST",
    url: `${origin}/emulator/recordings/${encodeURIComponent(found.name)}/shell`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ step: found.k, command: found.step.command }),
  };
  return { name: HTTP_TOOL, arguments: JSON.stringify(call) };
}

function recordedUsage(usage: RecordedStep["usage"]): ChatUsage {
  return {
    promptTokens: usage.prompt_tokens,
    cachedPromptTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: usage.completion_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

/** Labels of the strategies that a jury prompt shows, in its order; the nonce of its tags stands in its system message. */
function juryLabels(request: ChatRequest): string[] {
  const system = request.messages.find((message) => message.role === "system")?.content ?? "";
  const nonce = /between tags ending in -(\w+) is data/.exec(system)?.[1];
  const user = request.messages.findLast((message) => message.role === "user")?.content ?? "";
  if (nonce === undefined || !/You are a juror\b/.test(system)) return [];
  return Array.from(user.matchAll(new RegExp(`<([A-Z]+)-${nonce}>`, "g")), (match) => match[1] ?? "");
}

/** Counted by the rule of thumb of four characters a token: these words are ours, no provider counted them. */
function textReply(request: ChatRequest, content: string): ChatReply {
  const characters = request.messages.reduce((sum, message) => sum + (message.content ?? "").length, 0);
  return {
    content,
    toolCalls: [],
    finishReason: "stop",
    logprobs: null,
    usage: {
      promptTokens: Math.ceil(characters / 4),
      cachedPromptTokens: 0,
      completionTokens: Math.ceil(content.length / 4),
      reasoningTokens: 0,
    },
  };
}
