/**
 * One request to one model at one provider: the seam between calls (retries, money, checks) and wires.
 *
 * A provider sends exactly one request per method call and never retries. It throws what the wire throws;
 * `classify-error.ts` is the only reader of those errors.
 */
import type { TopLogprobs } from "../../market/entropy.ts";
import type { TokenUsage } from "../../market/money.ts";
import type { JsonValue } from "../../market/step.ts";
import type { StepAnswer, StepRequest, TextSink } from "../model-port.ts";

export type JsonSchema = { readonly [key: string]: JsonValue };

/** A question without tools: a bid or a verdict. */
export interface TextRequest {
  readonly system: string;
  readonly user: string;
  /** Reasoning included. */
  readonly maxOutputTokens: number;
  /** Sent to Workers AI only: the newest external models reject any but their own. */
  readonly temperature: number;
  readonly optional: OptionalFeatures;
}

/** What an endpoint may not know. A request that was rejected is sent again with less (`calls/send-degrading.ts`). */
export interface OptionalFeatures {
  readonly seed: number | null;
  /** Alternatives per token; 0: no log-probabilities. */
  readonly topLogprobs: number;
  /** Form of the answer; null: free text. */
  readonly schema: JsonSchema | null;
  /** Whether the answer is to come in pieces. */
  readonly streams: boolean;
  /** Whether a trace's conversation goes back as it was said; false: in the plainest form that the endpoint's kind has. */
  readonly asSaid: boolean;
}

export const NO_FEATURES: OptionalFeatures = {
  seed: null,
  topLogprobs: 0,
  schema: null,
  streams: false,
  asSaid: false,
};

export interface Reply {
  /** Null: the provider did not say. */
  readonly usage: TokenUsage | null;
}

export interface TextReply extends Reply {
  /** Without reasoning. */
  readonly text: string;
  /** Reasoning that came with the answer; empty where there is none or it stays hidden. */
  readonly reasoning: string;
  readonly topLogprobs: TopLogprobs | null;
}

export interface StepReply extends Reply {
  readonly answer: StepAnswer;
}

/** How a step's stream is listened to. */
export interface StreamWatch {
  /** Longest silence in milliseconds, before the first piece and between two; null: any. */
  readonly stallMs: number | null;
  /** Hears the text while it is written. */
  readonly text?: TextSink | undefined;
  /** Hears of each piece that the model wrote: text, reasoning, or a call. Must not throw. */
  readonly wrote: () => void;
}

/** What a request needs besides its step. */
export interface StepSending {
  readonly optional: OptionalFeatures;
  readonly signal: AbortSignal;
  readonly watch: StreamWatch;
}

export interface Provider {
  text(request: TextRequest, signal: AbortSignal): Promise<TextReply>;
  step(request: StepRequest, sending: StepSending): Promise<StepReply>;
}
