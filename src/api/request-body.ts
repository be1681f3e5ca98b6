/** Request bodies: JSON of a bounded size that fits a schema, or a problem that names what is wrong. */
import type { Context } from "hono";
import type { z } from "zod";
import { nestsDeeperThan } from "../market/nesting.ts";
import type { ApiEnv } from "./api-env.ts";
import { issuesOf, Problem } from "./problem.ts";

/** Deepest nesting of a body. */
const MAX_NESTING = 64;

export interface ReadBody<T> {
  readonly value: T;
  /** The body as it came, for idempotency. */
  readonly text: string;
}

/**
 * Reads and validates a JSON body.
 *
 * @throws Problem unsupported_media_type, body_too_large (`app.ts` bounds the bytes), invalid_json, invalid_body
 */
export async function readBody<S extends z.ZodType>(
  c: Context<ApiEnv>,
  schema: S,
): Promise<ReadBody<z.output<S>>> {
  const type = (c.req.header("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw new Problem("unsupported_media_type");
  return parseBody(await c.req.text(), schema);
}

/** As `readBody`, for calls whose body may be left out: then it is read as `{}`. */
export async function readOptionalBody<S extends z.ZodType>(
  c: Context<ApiEnv>,
  schema: S,
): Promise<z.output<S>> {
  if ((await c.req.text()) === "") return parseBody("{}", schema).value;
  return (await readBody(c, schema)).value;
}

function parseBody<S extends z.ZodType>(text: string, schema: S): ReadBody<z.output<S>> {
  if (nestsDeeperThan(text, MAX_NESTING)) {
    throw new Problem("invalid_body", {
      issues: [{ path: "", message: `nested deeper than ${MAX_NESTING} levels` }],
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message.slice(0, 200) : "not JSON";
    throw new Problem("invalid_json", { issues: [{ path: "", message }] });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new Problem("invalid_body", { issues: issuesOf(parsed.error) });
  return { value: parsed.data, text };
}

/** Validates query parameters. @throws Problem invalid_parameter */
export function readQuery<S extends z.ZodType>(c: Context<ApiEnv>, schema: S): z.output<S> {
  const parsed = schema.safeParse(c.req.query());
  if (parsed.success) return parsed.data;
  const issues = issuesOf(parsed.error).map((issue) => ({ ...issue, path: `query ${issue.path}` }));
  throw new Problem("invalid_parameter", { issues });
}
