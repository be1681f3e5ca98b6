/** A step of a trace: one model call and the tool calls that it asked for. */
import type { AgentId } from "./ids.ts";
import type { Micros, TokenUsage } from "./money.ts";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** What a tool answered. Errors are for the model to act on; they do not end the trace. */
export type ToolOutcome =
  | { readonly ok: true; readonly output: string }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: JsonValue;
}

export interface AnsweredToolCall extends ToolCall {
  readonly outcome: ToolOutcome;
}

/** Ours: more tool calls in one step than this are refused, each with an error that says so. */
export const MAX_CALLS_PER_STEP = 8;

/** A model's answer as it is committed: with what it cost, before any tool runs. */
export interface AnsweredStep {
  readonly step: number;
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly assistant: JsonValue;
  /** Absent: from before it was kept. */
  readonly finishReason?: FinishReason;
  readonly usage: TokenUsage;
  readonly costMicros: Micros;
}

/** One committed step. */
export interface Step {
  /** From 1, without gaps, over an attempt and those that it goes on from. */
  readonly step: number;
  /** What the model said, without reasoning. */
  readonly text: string;
  readonly toolCalls: readonly AnsweredToolCall[];
  /**
   * The assistant message as the provider's adapter returned it, opaque to every room but `agents`:
   * reasoning signatures must go back to the provider unchanged.
   */
  readonly assistant: JsonValue;
  /** Absent: from before it was kept. */
  readonly finishReason?: FinishReason;
  /** Another agent, from which the present one took over; absent: its own step. */
  readonly writtenBy?: AgentId;
  readonly usage: TokenUsage;
  readonly costMicros: Micros;
}

/** Why a model's answer ended, as its provider says. */
export type FinishReason = "stop" | "length" | "tool-calls" | "content-filter" | "error" | "other";

/** A committed step with its tools' answers. */
export function toStep(answered: AnsweredStep, outcomes: readonly ToolOutcome[]): Step {
  return {
    ...answered,
    toolCalls: answered.toolCalls.map((call, index) => ({
      ...call,
      outcome: outcomes[index] ?? {
        ok: false,
        error: { code: "no_answer", message: "The tool gave no answer." },
      },
    })),
  };
}
