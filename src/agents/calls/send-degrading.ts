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

/** Connections, kinds of call and widths of log-probabilities for which no optional features are taken. */
export type PlainEndpoints = Set<string>;

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
  const { name, kind, wanted } = options;
  // An agent that asks for more alternatives than an endpoint gives is no word about those that do not.
  const key = `${kind} ${wanted.topLogprobs} ${name}`;
  const sendPlain = async (): Promise<Result<T, SendFailure>> =>
    call.send(async (signal) => request(NO_FEATURES, signal));
  if (options.plain.has(key)) return sendPlain();
  const full = await call.send(async (signal) => request(wanted, signal));
  if (full.ok || !full.failure.rejectedInput || !call.canSend(MIN_REQUEST_MS)) return full;
  const reduced = await sendPlain();
  // Remembered only when it helped: what is wrong with a request may be something else.
  if (reduced.ok) options.plain.add(key);
  return reduced;
}
