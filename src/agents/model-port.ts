/**
 * What the house asks of a model, in the house's words. The only path to a model (architecture, decision 5).
 *
 * Implemented over the real providers in this room; the callers record each call as started before and as ended after.
 */
import type { Agent } from "../market/agent.ts";
import type { CallBill, CallFailure } from "../market/call.ts";
import type { TopLogprobs } from "../market/entropy.ts";
import type { Micros } from "../market/money.ts";
import type { WrapUpLimit } from "../market/wrap-up.ts";
import type { FinishReason, JsonValue, Step, ToolCall } from "../market/step.ts";
import type { StrategyPromptInput } from "./prompts/strategy-prompt.ts";
import type { JuryPromptInput } from "./prompts/jury-prompt.ts";
import type { VerdictOutcome } from "../market/verifier-spec.ts";
import type { RulingPromptInput } from "./prompts/ruling-prompt.ts";
import type { TracePromptInput } from "./prompts/trace-prompt.ts";

export interface CallLimits {
  /** Ends the call when it aborts: deadline, cancellation or a lost lease. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970: no retry starts that could not end before. */
  readonly deadlineAtMs: number;
}

/** Hears the visible text of a step while the model writes it. Must not throw. */
export interface TextSink {
  /** A request begins: what was heard of an earlier one is void. */
  begin(): void;
  add(text: string): void;
}

export interface StepLimits extends CallLimits {
  /** Silence that ends the call as a timeout, in milliseconds; absent: only its deadline does. */
  readonly stallMs?: number;
  readonly text?: TextSink;
}

/**
 * A call's answer or failure, always with what it cost. A good answer may come with an `unconfirmed` bill: not every
 * provider reports its usage.
 */
export type Answer<T> = {
  readonly bill: CallBill;
  readonly ms: number;
  /** Requests sent, retries included. */
  readonly requests: number;
} & ({ readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: CallFailure });

export interface BidAnswer {
  readonly strategy: string;
  /** |s|: visible tokens of the strategy as the provider counted them (output minus reasoning). */
  readonly visibleTokens: number;
  /** Null where the provider gave no log-probabilities. */
  readonly topLogprobs: TopLogprobs | null;
}

/** Scores 0 to 5 by label, one for every label that was asked about. */
export interface JuryAnswer {
  readonly scores: Readonly<Record<string, number>>;
}

/** What a judge says of a result, and why, in a sentence or two. */
export interface RulingAnswer {
  readonly verdict: VerdictOutcome;
  readonly reason: string;
}

/** A tool as the model sees it. */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  /** JSON Schema (draft 2020-12 or 7) of the input. */
  readonly inputSchema: JsonValue;
}

export interface StepRequest {
  readonly prompt: TracePromptInput;
  /** Steps committed so far, oldest first: the conversation is append-only, so that prompt caches stay warm. */
  readonly history: readonly Step[];
  readonly tools: readonly ToolDescription[];
  readonly maxOutputTokens: number;
  readonly seed: number;
  /** Asks for the result behind the conversation, because this limit is reached; absent: the trace goes on. */
  readonly wrapUp?: WrapUpLimit;
}

export interface StepAnswer {
  /** Without reasoning, also where the model wrote that into its answer. */
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly assistant: JsonValue;
}

export interface ModelPort {
  bid(
    agent: Agent,
    input: StrategyPromptInput & { readonly seed: number },
    limits: CallLimits,
  ): Promise<Answer<BidAnswer>>;
  judge(
    agent: Agent,
    input: JuryPromptInput & { readonly seed: number },
    limits: CallLimits,
  ): Promise<Answer<JuryAnswer>>;
  /** A judge of a panel, about a trace's result. */
  rule(
    agent: Agent,
    input: RulingPromptInput & { readonly seed: number },
    limits: CallLimits,
  ): Promise<Answer<RulingAnswer>>;
  step(agent: Agent, request: StepRequest, limits: StepLimits): Promise<Answer<StepAnswer>>;
  /** Upper bounds in micro-USD, from the very prompts that the calls above would send. */
  bidBound(agent: Agent, input: StrategyPromptInput): Micros;
  juryBound(agent: Agent, input: JuryPromptInput): Micros;
  rulingBound(agent: Agent, input: RulingPromptInput): Micros;
  stepBound(agent: Agent, request: StepRequest): Micros;
  /** Most that a wrap-up behind this step can cost, whatever the step says and its tools answer. */
  wrapUpBound(agent: Agent, request: StepRequest): Micros;
}
