/**
 * One chat call as the emulators see it, whichever wire it came over (Workers AI binding or OpenAI-compatible HTTP).
 *
 * Wires translate to and from this; models (house agents, recorded agents) answer it. Models know nothing of wires.
 */

/** A message in OpenAI's chat form. `content` is null where an assistant message only calls tools. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | null;
  readonly toolCalls?: readonly ChatToolCall[];
  /** On `tool` messages: which call this answers. */
  readonly toolCallId?: string;
}

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text, as providers send it. */
  readonly arguments: string;
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly {
    readonly name: string;
    readonly description: string;
    /** JSON Schema of the arguments. */
    readonly parameters: unknown;
  }[];
  /** JSON Schema that the answer must satisfy; null: free text. */
  readonly responseSchema: unknown;
  /** Most completion tokens, reasoning included; null: the model's own limit. */
  readonly maxTokens: number | null;
  readonly seed: number | null;
  /** How many alternatives per token to return; null: no log-probabilities. */
  readonly topLogprobs: number | null;
}

/** One token of a reply with natural-log probabilities, as OpenAI's `logprobs.content[]`. */
export interface TokenLogprobs {
  readonly token: string;
  readonly logprob: number;
  readonly top: readonly { readonly token: string; readonly logprob: number }[];
}

export interface ChatReply {
  readonly content: string | null;
  readonly toolCalls: readonly ChatToolCall[];
  readonly finishReason: "stop" | "length" | "tool_calls";
  /** Visible tokens with log-probabilities; null where the model offers none or none were asked for. */
  readonly logprobs: readonly TokenLogprobs[] | null;
  readonly usage: ChatUsage;
}

/** Tokens, as providers report them: cached is part of prompt, reasoning is part of completion. */
export interface ChatUsage {
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

/** Something that answers chat calls. Pure: the same request gives the same reply. */
export interface EmulatedModel {
  /** The model name as clients send it. */
  readonly id: string;
  /** How long a real model of this size would take for this reply, in ms (wires wait this long, scaled by configuration). */
  latencyMs(request: ChatRequest, reply: ChatReply): number;
  reply(request: ChatRequest): ChatReply;
}
