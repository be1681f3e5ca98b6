/**
 * A call to a model and what became of its money (architecture, decision 5).
 *
 * Every call is recorded as started, at its upper bound, before it is made, and as billed afterwards.
 */
import type { AgentId, CallId } from "./ids.ts";
import type { Micros, Prices, TokenUsage } from "./money.ts";
import type { FinishReason } from "./step.ts";

export const CALL_KINDS = ["embed", "bid", "jury", "refine", "trace", "judge"] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** A call that is about to be made. */
export interface StartedCall {
  readonly callId: CallId;
  readonly kind: CallKind;
  /** Null: the call is no agent's; `embed` asks the memory's model. */
  readonly agentId: AgentId | null;
  /** Most that this call can cost. */
  readonly boundMicros: Micros;
}

/**
 * How a call ended.
 * - `billed`: the provider reported its usage.
 * - `refused`: the provider answered with an error before any work, so that nothing is owed.
 * - `unconfirmed`: its usage never came back; it stays counted at its bound.
 */
export type CallBill =
  | {
      readonly status: "billed";
      readonly usage: TokenUsage;
      readonly costMicros: Micros;
      /** What it was computed by. */ readonly prices?: Prices;
    }
  | { readonly status: "refused" }
  | { readonly status: "unconfirmed" };

export interface EndedCall {
  readonly callId: CallId;
  readonly bill: CallBill;
  /** Wall time of the call, retries included. */
  readonly ms: number;
  /**
   * Its holder has given itself up, and what the call brought is not recorded: whoever goes on asks again, and the house
   * pays for this one. Absent: it has not.
   */
  readonly givenUp?: true;
  /** Why the answer ended, and why there is none that can be used; absent: not known. Of them nothing depends. */
  readonly finishReason?: FinishReason;
  readonly error?: CallFailureReason;
}

/** Why a model gave no usable answer. */
export type CallFailureReason =
  | "timeout"
  | "cancelled"
  | "rate_limited"
  /** The provider found it longer than the model's window, and refused it: nothing is owed. */
  | "context_refused"
  | "provider_error"
  | "unreachable"
  | "misconfigured"
  | "empty"
  | "too_long"
  | "malformed"
  /** It would have passed what may be spent, and was not made. */
  | "unaffordable"
  /** Its model has failed again and again, and is left alone for a while: nothing was sent. */
  | "circuit_open";

/** What a tenant is told. Details may name the operator's variables and hosts: those stay with the operator. */
export const CALL_FAILURE_TEXT: Readonly<Record<CallFailureReason, string>> = {
  timeout: "no answer in time",
  cancelled: "the work was stopped",
  rate_limited: "the provider refuses more calls for now",
  context_refused: "longer than the model's window takes",
  provider_error: "the provider answered with an error",
  unreachable: "the provider could not be reached, or broke off",
  misconfigured: "the agent is not set up; its operator can see why",
  empty: "an answer without text",
  too_long: "longer than the auction admits, also when asked again",
  malformed: "an answer that is not of the form that was asked for",
  circuit_open: "not asked: it has failed again and again, and is left alone for a while",
  unaffordable: "not asked: what may be spent on the task is used up",
};

/** Ours: how long a model that has failed again and again is left alone at first, in milliseconds. */
export const FIRST_PAUSE_MS = 10_000;

export interface CallFailure {
  readonly reason: CallFailureReason;
  /** For the operator: at most 500 characters, without secrets. */
  readonly message: string;
  /**
   * Whether the same call may get through later, for failures whose reason does not say; absent: it may not. Of
   * `circuit_open`: whether it may before `retryAfterMs`, since another call is trying the model.
   */
  readonly mayPass?: boolean;
  /** How long it makes no sense to ask again; absent: nobody said. */
  readonly retryAfterMs?: number;
}
