/** Errors of the API: every one is a row of the error table, with a stable code and, for bad input, the fields. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { logError } from "../log.ts";
import { ERROR_TABLE, type ErrorCode } from "../market/error-table.ts";
import type { ApiEnv } from "./api-env.ts";

/** One thing that is wrong with a request. */
export interface Issue {
  /** Such as `limits.maxSteps`, `tools[1]`, `header Idempotency-Key`; empty for the body as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Ends a request with a row of the error table. */
export class Problem extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];
  readonly headers: Readonly<Record<string, string>>;
  /** Figures that say how it came to this; of the code's own form, and null for most. */
  readonly details: Readonly<Record<string, string | number | null>> | null;

  constructor(
    code: ErrorCode,
    options: {
      readonly issues?: readonly Issue[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly details?: Readonly<Record<string, string | number | null>>;
    } = {},
  ) {
    super(ERROR_TABLE[code].message);
    this.code = code;
    this.issues = options.issues ?? [];
    this.headers = options.headers ?? {};
    this.details = options.details ?? null;
  }
}

/** The response for whatever a handler threw. Nothing internal leaves: a bug is `internal`. */
export function problemResponse(error: unknown, c: Context<ApiEnv>): Response {
  const requestId = c.get("requestId");
  const problem =
    error instanceof Problem ? error : new Problem(isPassing(error) ? "unavailable" : "internal");
  if (!(error instanceof Problem)) logError("request-failed", error, { requestId, path: c.req.path });
  const row = ERROR_TABLE[problem.code];
  for (const [name, value] of Object.entries(problem.headers)) c.header(name, value);
  return c.json(
    {
      error: {
        code: problem.code,
        message: row.message,
        retryable: row.retryable,
        ...(problem.issues.length > 0 ? { issues: problem.issues } : {}),
        ...(problem.details === null ? {} : { details: problem.details }),
      },
      requestId,
    },
    row.status satisfies ContentfulStatusCode,
  );
}

/** Zod's issues as paths and messages; unknown fields are named one by one. */
export function issuesOf(error: z.ZodError): Issue[] {
  return error.issues.flatMap((issue): Issue[] => {
    const path = pathText(issue.path);
    if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({
      path: path === "" ? key : `${path}.${key}`,
      message: "unknown field",
    }));
  });
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** The platform marks errors of objects that restart or are overloaded: the same request may succeed at once. */
function isPassing(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const marks = error as { readonly retryable?: unknown; readonly overloaded?: unknown };
  return marks.retryable === true || marks.overloaded === true;
}
