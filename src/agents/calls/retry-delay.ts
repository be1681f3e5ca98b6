/** How long to wait before a request is repeated. */

/** Requests of one call, retries included. */
export const MAX_REQUESTS = 3;
/** No model answers faster: a retry that would have less time than this before its deadline is not started. */
export const MIN_REQUEST_MS = 500;

const BASE_DELAY_MS = 500;
const MAX_DELAY_MS = 8_000;
/** Ours: what asks for longer is taken to ask for this, which is too long for every call and step. */
const MAX_RETRY_AFTER_MS = 86_400_000;

/**
 * Exponential backoff with jitter between half and all of it; never less than what the provider asked for.
 *
 * @param attempt requests that have failed so far, from 1
 * @param chance uniform in [0, 1)
 */
export function retryDelayMs(options: {
  readonly attempt: number;
  readonly chance: number;
  readonly retryAfterMs: number | null;
}): number {
  const full = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** (options.attempt - 1));
  return Math.max(options.retryAfterMs ?? 0, Math.round(full * (0.5 + options.chance / 2)));
}

/** `Retry-After` (seconds or an HTTP date, RFC 9110 10.2.3) or OpenAI's finer `retry-after-ms`; null where neither is sent. */
export function retryAfterMs(headers: Readonly<Record<string, string>>, nowMs: number): number | null {
  const precise = Number.parseFloat(headers["retry-after-ms"] ?? "");
  if (Number.isFinite(precise)) return bounded(precise);
  const value = headers["retry-after"]?.trim() ?? "";
  if (value === "") return null;
  const seconds = Number(value);
  const delay = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(delay) ? bounded(delay) : null;
}

function bounded(ms: number): number {
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.round(ms)));
}
