/** What the call log keeps about one call. Counts and times only: prompts and answers are never logged. */
import type { ChatUsage } from "../chat.ts";
import type { FaultRule } from "../faults/fault-rule.ts";

export type Wire = "workers-ai" | "openai";

/**
 * How a call ended: `ok` answered whole; `error` refused; `cut` the stream broke off; `hung` never answered.
 * A row without a status is still under way, or its process died.
 */
export type CallStatus = "ok" | "error" | "cut" | "hung";

/** What is known when a call arrives. */
export interface CallArrival {
  readonly wire: Wire;
  /** Model name as the client sent it. */
  readonly model: string;
  /** Name that both wires share; faults and summaries go by it. */
  readonly bareModel: string;
  /** SHA-256 of the messages (or of the texts to embed), 32 hexadecimal digits. */
  readonly fingerprint: string;
  readonly requestBytes: number;
  readonly seed: number | null;
}

/** What the log answers to an arrival: the row's id, and what a fault switch needs to decide. */
export interface CallTicket {
  readonly id: number;
  /** 1 for the first call to this model since its switches were set (or ever, without switches). */
  readonly callNumber: number;
  /** Calls that had arrived and not yet begun to answer, this one included; all models. Hung calls do not count: nobody can see when their callers give up. */
  readonly inFlight: number;
  readonly faults: FaultRule | null;
}

/** What is known when the answer is about to leave. */
export interface CallCompletion {
  readonly status: CallStatus;
  /** Null where nothing was used or nothing is known. */
  readonly usage: ChatUsage | null;
  readonly ms: number;
  /** The fault that was applied; null: none. */
  readonly fault: string | null;
}

/** One row, as `GET /emulator/calls` shows it. */
export interface CallRow {
  readonly id: number;
  readonly at: string;
  readonly wire: Wire;
  readonly model: string;
  readonly bareModel: string;
  readonly fingerprint: string;
  /** Always null: no wire says what a call is for. Kept so that a reader can fill it in. */
  readonly purpose: null;
  readonly requestBytes: number;
  readonly seed: number | null;
  readonly inFlight: number;
  readonly status: CallStatus | null;
  readonly usage: ChatUsage | null;
  readonly ms: number | null;
  readonly fault: string | null;
}

/** Per model, as `GET /emulator/calls/summary` shows it. */
export interface ModelSummary {
  readonly model: string;
  readonly calls: number;
  readonly ok: number;
  readonly errors: number;
  readonly cut: number;
  readonly hung: number;
  readonly open: number;
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  /** Most calls (of all models) that were in flight when a call to this model arrived. */
  readonly maxInFlight: number;
}
