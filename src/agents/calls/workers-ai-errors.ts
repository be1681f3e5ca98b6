/**
 * Error codes of Workers AI (developers.cloudflare.com/workers-ai/platform/errors, read in a copy of July 2026).
 *
 * The binding throws plain errors; the code stands in the message ("InferenceUpstreamError: 3040: …") and nowhere else
 * once the error has crossed a service binding.
 */

const STATUS_BY_CODE: Readonly<Record<number, number>> = {
  3003: 400,
  3006: 413,
  3007: 408,
  3008: 408,
  3023: 403,
  // The account's daily allocation is used up: waiting seconds does not help.
  3036: 402,
  3039: 400,
  3040: 429,
  3041: 403,
  3042: 404,
  5004: 400,
  5005: 405,
  5006: 400,
  5007: 404,
  5016: 403,
  5018: 403,
  5019: 405,
  5025: 400,
};

/** The HTTP status that an error of the binding stands for; null where its message names no code. */
export function workersAiStatus(message: string): number | null {
  for (const match of message.matchAll(/\b(\d{4})\s*:/g)) {
    const status = STATUS_BY_CODE[Number(match[1])];
    if (status !== undefined) return status;
  }
  // A code that is not in the table: 5xxx are about the request, 3xxx about the service.
  const unknown = /(?:^|Error: )(\d)\d{3}\s*:/.exec(message);
  if (unknown === null) return null;
  return unknown[1] === "5" ? 400 : 500;
}
