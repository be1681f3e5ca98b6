/**
 * Asks with optional features first and without them where the endpoint refuses the request.
 *
 * Which endpoints refuse is learned by asking, and remembered as long as the isolate lives: a list of what every server
 * of the world supports would be wrong tomorrow. Not by an agent's id, which another tenant's agent may have elsewhere.
 */
import { type Result } from "../../market/result.ts";
import { NO_FEATURES, type OptionalFeatures, type Reply } from "../providers/provider.ts";
import type { MeteredCall, SendFailure } from "./metered-call.ts";
import { MIN_REQUEST_MS } from "./retry-delay.ts";

/** What is left out of requests: nothing; that what the model said goes back as it was said; every optional feature. */
type Plainness = 0 | 1 | 2;

/** By connection, kind of call and width of log-probabilities; absent: nothing. */
export type PlainEndpoints = Map<string, Plainness>;

export async function sendDegrading<T extends Reply>(
  call: MeteredCall,
  options: {
    /** The connection's name. */
    readonly name: string;
    readonly kind: "bid" | "jury" | "trace" | "judge";
    readonly wanted: OptionalFeatures;
    readonly plain: PlainEndpoints;
  },
  request: (features: OptionalFeatures, signal: AbortSignal) => Promise<T>,
): Promise<Result<T, SendFailure>> {
  const { name, kind, wanted, plain } = options;
  // An agent that asks for more alternatives than an endpoint gives is no word about those that do not.
  const key = `${kind} ${wanted.topLogprobs} ${name}`;
  const known = plain.get(key) ?? 0;
  // What goes back may be refused alone: all else is kept then. Where nothing does, it is not tried.
  const forms = ([0, 1, 2] as const).filter((form) => form >= known && (form !== 1 || wanted.asSaid));
  for (let at = 0; ; at += 1) {
    const form = forms[at] ?? 2;
    const reply = await call.send(async (signal) => request(without(wanted, form), signal));
    // Remembered only when it helped: what is wrong with a request may be something else.
    if (reply.ok && form > known) plain.set(key, form);
    if (reply.ok || !reply.failure.rejectedInput || form === 2 || !call.canSend(MIN_REQUEST_MS)) return reply;
  }
}

function without(wanted: OptionalFeatures, form: Plainness): OptionalFeatures {
  if (form === 0) return wanted;
  return form === 1 ? { ...wanted, asSaid: false } : NO_FEATURES;
}
