/**
 * Errors as the real Workers AI binding throws them: an Error whose message begins with an internal code.
 *
 * Codes and texts: developers.cloudflare.com/workers-ai/platform/errors, and for 3040, 3043 and 5006 the wording seen in
 * production (3043 and 5006 are not in the table). `workers-ai-provider` reads the code out of the message.
 */
import type { CallOutcome } from "../log/run-call.ts";

/** @param code internal code, such as 3040 */
export function workersAiError(code: number, description: string): Error {
  const error = new Error(`${code}: ${description}`);
  error.name = "InferenceUpstreamError";
  return error;
}

/**
 * What the binding throws for an outcome that is no answer.
 *
 * @param model name as the client sent it
 */
export function outcomeError(
  outcome: Exclude<CallOutcome<unknown>, { kind: "answered" }>,
  model: string,
): Error {
  switch (outcome.kind) {
    case "refused":
      return workersAiError(5007, `No such model ${model} or task`);
    case "rate_limited":
      return workersAiError(3040, "Capacity temporarily exceeded, please try again.");
    case "server_error":
      return workersAiError(3043, "Internal server error");
    case "hung":
      return workersAiError(3007, "Request timeout");
  }
}
