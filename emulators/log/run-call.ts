/**
 * The way of every model call, on either wire: arrive in the log, meet a fault or not, take its time, be completed in the log, leave.
 *
 * The completion is committed before the caller may see an answer. May not know what is asked or in which shape it is answered.
 */
import { callLog } from "../admin/config.ts";
import type { EmulatorConfig, EmulatorEnv } from "../admin/config.ts";
import type { ChatUsage } from "../chat.ts";
import { decideFault, ruledLatencyMs } from "../faults/decide-fault.ts";
import type { Fault, FaultContext } from "../faults/decide-fault.ts";
import type { CallArrival, CallCompletion, CallTicket } from "./call-row.ts";

/** Share of a reply's latency that passes before a stream's first byte; the rest is spread over its tokens. Ours. */
const FIRST_TOKEN_SHARE = 0.2;

/** A hung call ends at last; callers give up long before. (Local workerd tells nobody when they do: measured, the request's signal does not fire.) */
const LONGEST_HANG_MS = 600_000;

export interface CallContext {
  readonly env: EmulatorEnv;
  readonly config: EmulatorConfig;
  /** Keeps a call's bookkeeping going when the caller has left. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

export interface CallInput {
  readonly arrival: CallArrival;
  /** Text that a fault's `match` looks at. */
  readonly prompt: string;
  readonly streams: boolean;
}

/** Why no model answers. */
export interface Refusal {
  readonly kind: "refused";
  readonly reason: "unknown_model" | "no_recording";
  readonly message: string;
}

/** What a model makes of a call, or why it refuses. */
export type Work<T> =
  | { readonly kind: "done"; readonly value: T; readonly usage: ChatUsage; readonly latencyMs: number }
  | Refusal;

export type CallOutcome<T> =
  | {
      readonly kind: "answered";
      readonly callId: number;
      readonly value: T;
      readonly fault: Fault | null;
      readonly restMs: number;
    }
  | Refusal
  | { readonly kind: "rate_limited"; readonly retryAfterS: number }
  | { readonly kind: "server_error" }
  | { readonly kind: "hung" };

/**
 * Runs one call.
 *
 * @param work asked once, and only if no fault refuses the call first
 */
export async function runCall<T>(
  context: CallContext,
  input: CallInput,
  work: () => Promise<Work<T>>,
): Promise<CallOutcome<T>> {
  const run = async (): Promise<CallOutcome<T>> => {
    const startedMs = Date.now();
    const ticket = await callLog(context.env).arrive(input.arrival);
    const fault = faultOf(ticket, input);
    const end = (completion: Omit<CallCompletion, "ms" | "fault">) =>
      callLog(context.env).complete(ticket.id, {
        ...completion,
        fault: fault?.kind ?? null,
        ms: Date.now() - startedMs,
      });

    if (fault?.kind === "hang") {
      await end({ status: "hung", usage: null });
      await sleep(LONGEST_HANG_MS);
      return { kind: "hung" };
    }
    if (fault?.kind === "status429" || fault?.kind === "status500") {
      await sleep(waitMs(context.config, ticket, input, 0));
      await end({ status: "error", usage: null });
      return fault.kind === "status429"
        ? { kind: "rate_limited", retryAfterS: fault.retryAfterS }
        : { kind: "server_error" };
    }

    const done = await work().catch(async (error: unknown) => {
      await end({ status: "error", usage: null });
      throw error;
    });
    if (done.kind === "refused") {
      await end({ status: "error", usage: null });
      return done;
    }
    const totalMs = waitMs(context.config, ticket, input, done.latencyMs);
    const firstMs = input.streams ? totalMs * FIRST_TOKEN_SHARE : totalMs;
    await sleep(firstMs);
    await end(
      fault?.kind === "cutStreamAfterTokens" || fault?.kind === "stallStreamAfterTokens"
        ? { status: "cut", usage: usedUntil(done.usage, fault.tokens) }
        : { status: "ok", usage: done.usage },
    );
    return { kind: "answered", callId: ticket.id, value: done.value, fault, restMs: totalMs - firstMs };
  };
  const outcome = run();
  context.waitUntil(outcome.catch(() => undefined));
  return outcome;
}

function faultOf(ticket: CallTicket, input: CallInput): Fault | null {
  return ticket.faults === null ? null : decideFault(ticket.faults, faultContext(ticket, input));
}

function waitMs(config: EmulatorConfig, ticket: CallTicket, input: CallInput, ownMs: number): number {
  const ruled = ticket.faults === null ? null : ruledLatencyMs(ticket.faults, faultContext(ticket, input));
  return ruled ?? ownMs * (ticket.faults?.latencyScale ?? config.latencyScale);
}

function faultContext(ticket: CallTicket, input: CallInput): FaultContext {
  return {
    model: input.arrival.bareModel,
    callNumber: ticket.callNumber,
    prompt: input.prompt,
    streams: input.streams,
  };
}

/** A provider bills what it generated before the stream broke. */
function usedUntil(usage: ChatUsage, tokens: number): ChatUsage {
  const completionTokens = Math.min(usage.completionTokens, usage.reasoningTokens + tokens);
  return { ...usage, completionTokens };
}

async function sleep(ms: number): Promise<void> {
  if (ms >= 1) await new Promise((resolve) => setTimeout(resolve, ms));
}
