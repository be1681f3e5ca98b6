/** OpenAI's error bodies. */
import type { CallOutcome } from "../log/run-call.ts";

export interface OpenAiError {
  readonly status: 400 | 401 | 404 | 429 | 500 | 504;
  readonly type: "invalid_request_error" | "authentication_error" | "rate_limit_error" | "server_error";
  readonly code: string;
  readonly message: string;
  readonly retryAfterS?: number;
}

export function openAiError(error: OpenAiError): Response {
  const { status, type, code, message, retryAfterS } = error;
  return Response.json(
    { error: { message, type, param: null, code } },
    {
      status,
      headers: {
        "x-saleroom-label": "saleroom-emulated",
        ...(retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) }),
      },
    },
  );
}

/** The response to an outcome that is no answer. */
export function outcomeResponse(
  outcome: Exclude<CallOutcome<unknown>, { kind: "answered" }>,
  model: string,
): Response {
  switch (outcome.kind) {
    case "refused":
      return outcome.reason === "unknown_model"
        ? openAiError({
            status: 404,
            type: "invalid_request_error",
            code: "model_not_found",
            message: `The emulators have no model \`${model}\`.`,
          })
        : openAiError({
            status: 400,
            type: "invalid_request_error",
            code: outcome.reason,
            message: outcome.message,
          });
    case "rate_limited":
      return openAiError({
        status: 429,
        type: "rate_limit_error",
        code: "rate_limit_exceeded",
        message: "Emulated fault: rate limit reached.",
        retryAfterS: outcome.retryAfterS,
      });
    case "server_error":
      return openAiError({
        status: 500,
        type: "server_error",
        code: "server_error",
        message: "Emulated fault: the server had an error.",
      });
    case "hung":
      return openAiError({
        status: 504,
        type: "server_error",
        code: "timeout",
        message: "Emulated fault: no answer.",
      });
  }
}
