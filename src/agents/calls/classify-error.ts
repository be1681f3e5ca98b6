/**
 * What an error of a provider means: for people, for the bill, and for the next try. The only place that reads them.
 *
 * Bill: an error answer of the provider owes nothing (`refused`), and neither does a stream that says of the request, in
 * place of an answer, that it is longer than the model's window. Whatever ends a request without an answer may have
 * cost something (`unconfirmed`), unless it is certain that the request never left.
 */
import { APICallError } from "ai";
import type { CallFailure, CallFailureReason } from "../../market/call.ts";
import { BindingError } from "./binding-errors.ts";
import { saysContextTooLong } from "./context-refusal.ts";
import { redact } from "./redact.ts";
import { retryAfterMs } from "./retry-delay.ts";
import { BrokenAnswerError, CutStreamError, StalledError } from "./stream-errors.ts";
import { workersAiStatus } from "./workers-ai-errors.ts";

export interface RequestError {
  readonly failure: CallFailure;
  readonly billing: "refused" | "unconfirmed";
  readonly retryable: boolean;
  /** How long the provider asked to wait; null: it did not say. */
  readonly retryAfterMs: number | null;
  /** The endpoint refused the request as such; it may take one without optional features. */
  readonly rejectedInput: boolean;
}

interface ErrorContext {
  readonly signal: AbortSignal;
  readonly nowMs: number;
  readonly secrets: readonly string[];
}

/** Network errors of which it is certain that nothing was sent (Node's codes; workerd does not tell them apart). */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const NETWORK =
  /fetch failed|failed to fetch|network|connect|socket|terminated|ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR|internal error; reference/i;

/** How workers-ai-provider names the binding in the errors that it wraps; our own table of codes is read instead. */
const BINDING_URL = "workers-ai:";

/** Why `signal` ended the call: a deadline says so by name (`AbortSignal.timeout`), everything else is a cancellation. */
export function abortFailure(signal: AbortSignal): CallFailure {
  const reason: unknown = signal.reason;
  const timedOut =
    typeof reason === "object" && reason !== null && "name" in reason && reason.name === "TimeoutError";
  return timedOut
    ? { reason: "timeout", message: "the call did not end before its deadline" }
    : { reason: "cancelled", message: "the call was cancelled" };
}

export function classifyError(error: unknown, context: ErrorContext): RequestError {
  const found = errorOf(error, context);
  const message = redact(found.message, context.secrets);
  const mayPass = found.mayPass ?? found.retryable;
  const askedMs = found.retryAfterMs ?? 0;
  const failure = context.signal.aborted
    ? abortFailure(context.signal)
    : {
        reason: found.reason,
        message,
        ...(mayPass && { mayPass }),
        ...(askedMs > 0 && { retryAfterMs: askedMs }),
      };
  return {
    failure,
    billing: found.billing,
    retryable: found.retryable && !context.signal.aborted,
    retryAfterMs: found.retryAfterMs ?? null,
    rejectedInput: found.rejectedInput ?? false,
  };
}

interface Found {
  readonly reason: CallFailureReason;
  readonly message: string;
  readonly billing: "refused" | "unconfirmed";
  readonly retryable: boolean;
  /** Of what is not retried within the call, and may get through in another one; absent: as `retryable`. */
  readonly mayPass?: boolean;
  readonly retryAfterMs?: number | null;
  readonly rejectedInput?: boolean;
}

function errorOf(error: unknown, context: ErrorContext): Found {
  const message = messageOf(error);
  if (error instanceof BrokenAnswerError) {
    const found = errorOf(error.cause, context);
    if (found.reason === "context_refused") {
      // Told in place of an answer it is a refusal like any; behind a part of one, a provider that broke off.
      if (!error.hasContent) return found;
      return { ...broken(found.message), mayPass: true };
    }
    return { ...found, billing: "unconfirmed", rejectedInput: false, mayPass: true };
  }
  if (error instanceof StalledError || error instanceof CutStreamError) {
    const reason = error instanceof StalledError ? "timeout" : "unreachable";
    return { reason, message, billing: "unconfirmed", retryable: true };
  }
  if (APICallError.isInstance(error) && !error.url.startsWith(BINDING_URL)) {
    const status = error.statusCode;
    if (status !== undefined && status >= 400) {
      return statusError(status, {
        message: `HTTP ${status}: ${message}`,
        isTooLong: saysContextTooLong(error, message),
        retryAfterMs: retryAfterMs(error.responseHeaders ?? {}, context.nowMs),
      });
    }
    // An answer that the adapter could not read, though all of it came: the provider has worked and will bill it.
    if (status !== undefined && !isNetworkError(error.cause))
      return { ...broken(`unreadable answer: ${message}`), mayPass: true };
  }
  const workersAi = workersAiStatus(message);
  const isTooLong = saysContextTooLong(error, message);
  // Models on vLLM say so without a code of the platform's.
  const status = workersAi ?? (isTooLong ? 400 : null);
  if (status !== null)
    return statusError(status, { message: `Workers AI: ${message}`, isTooLong, retryAfterMs: null });
  if (isNetworkError(error)) return networkError(error, message);
  // Whatever goes wrong between us and the model is told without a code.
  const mayPass = chain(error).some((cause) => cause instanceof BindingError);
  return { ...broken(`${nameOf(error)}: ${message}`), mayPass };
}

function broken(message: string): Found {
  return { reason: "provider_error", message, billing: "unconfirmed", retryable: false };
}

function statusError(
  status: number,
  {
    isTooLong,
    ...answer
  }: { readonly message: string; readonly isTooLong: boolean; readonly retryAfterMs: number | null },
): Found {
  // A limit of rate, too, may be told as a request that is too long.
  if (isTooLong && (status === 400 || status === 413 || status === 422))
    return { ...answer, reason: "context_refused", billing: "refused", retryable: false };
  return {
    ...answer,
    reason: reasonOf(status),
    billing: "refused",
    retryable: status === 408 || status === 409 || status === 429 || status >= 500,
    rejectedInput: status === 400 || status === 405 || status === 422 || status === 501,
  };
}

function reasonOf(status: number): CallFailureReason {
  switch (status) {
    case 429:
      return "rate_limited";
    // A wrong key, a model that is not allowed, or one that does not exist: people must change the pool.
    case 401:
    case 403:
    case 404:
      return "misconfigured";
    default:
      return "provider_error";
  }
}

function isNetworkError(error: unknown): boolean {
  const name = nameOf(error);
  if (name === "AbortError" || name === "TimeoutError") return true;
  return chain(error).some((cause) => NETWORK.test(messageOf(cause)) || NETWORK.test(codeOf(cause)));
}

function networkError(error: unknown, message: string): Found {
  const neverSent = chain(error).some((cause) => NEVER_SENT.has(codeOf(cause)));
  return {
    reason: "unreachable",
    message: `no answer: ${message}`,
    billing: neverSent ? "refused" : "unconfirmed",
    retryable: true,
  };
}

/** The error and its causes, outermost first; cycles and depths beyond 8 are cut. */
function chain(error: unknown): unknown[] {
  const errors: unknown[] = [];
  let current = error;
  while (current !== undefined && current !== null && errors.length < 8) {
    errors.push(current);
    current = typeof current === "object" && "cause" in current ? current.cause : undefined;
  }
  return errors;
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

function nameOf(error: unknown): string {
  return typeof error === "object" && error !== null && "name" in error ? String(error.name) : "Error";
}

function messageOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
  return String(error);
}
