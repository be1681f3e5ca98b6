/**
 * The tool `http`: one request to an address on the allow-list.
 *
 * What a model writes here may be put into its mouth by a page it read, so every hop is checked against the list, and
 * headers that carry identity or steer proxies are refused. Sends the call's `Idempotency-Key`.
 */
import { z } from "zod";
import { createAllowList } from "./allow-list.ts";
import type { AllowList } from "./allow-list.ts";
import { readBody } from "./read-body.ts";
import { MAX_OUTPUT_BYTES } from "./run-tool.ts";
import { toolError } from "./tool.ts";
import type { Tool, ToolContext, ToolResult } from "./tool.ts";

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 3;
const MAX_URL_CHARS = 8_192;
const MAX_REQUEST_BODY_CHARS = 262_144;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const BODILESS = new Set(["GET", "HEAD"]);
const FORBIDDEN_HEADER =
  /^(?:host|cookie2?|set-cookie|authorization|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|via|forwarded|x-real-ip|true-client-ip|idempotency-key|(?:cf|x-forwarded|proxy|sec)-.*)$/i;
/** Headers that may follow a redirect to another origin; any other may hold a secret meant for the first. */
const PORTABLE_HEADER = /^(?:accept|accept-language|content-type)$/i;

const inputSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(MAX_URL_CHARS),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).default("GET"),
  headers: z
    .record(
      z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/),
      z
        .string()
        .max(4_096)
        .regex(/^[^\r\n\0]*$/),
    )
    .default({}),
  body: z.string().max(MAX_REQUEST_BODY_CHARS).optional(),
});

type HttpInput = z.infer<typeof inputSchema>;

export interface HttpConfig {
  /** Origins, each with an optional path prefix: `https://api.example.com`, `http://127.0.0.1:8788/docs/`. */
  readonly allow: readonly string[];
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** For all hops and the body together, ms. Default 10 s. */
  readonly timeoutMs?: number;
}

/** Makes the tool. @throws TypeError for an entry of the allow-list that is no address */
export function createHttp(config: HttpConfig): Tool<HttpInput> {
  const allowList = createAllowList(config.allow);
  return {
    name: "http",
    description:
      `Sends one HTTP request and returns status, content type and body (text, ${MAX_OUTPUT_BYTES / 1024} KiB in all ` +
      `at most). Only these addresses may be called: ${allowList.shown}.`,
    inputSchema,
    async execute(input, context) {
      const refusal = refused(input);
      if (refusal !== null) return refusal;
      const timeout = AbortSignal.timeout(config.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      try {
        return await follow({
          config,
          allowList,
          input,
          context,
          signal: AbortSignal.any([context.signal, timeout]),
        });
      } catch (error) {
        if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
        if (timeout.aborted)
          return toolError(
            "timed_out",
            `no complete answer within ${config.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms`,
          );
        return toolError(
          "unreachable",
          `the request failed: ${error instanceof Error ? error.message : "unknown error"}`,
        );
      }
    },
  };
}

function refused({ headers, method, body }: HttpInput): ToolResult | null {
  const forbidden = Object.keys(headers).find((name) => FORBIDDEN_HEADER.test(name));
  if (forbidden !== undefined) return toolError("not_allowed", `the header ${forbidden} may not be set`);
  if (body !== undefined && BODILESS.has(method))
    return toolError("invalid_arguments", `body: ${method} has none`);
  return null;
}

interface Journey {
  readonly config: HttpConfig;
  readonly allowList: AllowList;
  readonly input: HttpInput;
  readonly context: ToolContext;
  readonly signal: AbortSignal;
}

async function follow({ config, allowList, input, context, signal }: Journey): Promise<ToolResult> {
  let url = new URL(input.url);
  let request: HttpInput = input;
  for (let hop = 0; ; hop += 1) {
    if (!allowList.allows(url)) {
      const what = hop === 0 ? url.href : `a redirect to ${url.href}`;
      return toolError("not_allowed", `${what} is not allowed; only these may be called: ${allowList.shown}`);
    }
    const response = await config.fetch(withoutHash(url), {
      method: request.method,
      headers: { ...request.headers, "Idempotency-Key": context.idempotencyKey },
      ...(request.body === undefined ? {} : { body: request.body }),
      redirect: "manual",
      signal,
    });
    const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
    if (location === null) return { ok: true, output: await shown(response) };
    await response.body?.cancel();
    if (hop >= MAX_REDIRECTS) return toolError("unreachable", `more than ${MAX_REDIRECTS} redirects`);
    const next = parseUrl(location, url);
    if (next === null)
      return toolError("unreachable", `a redirect to ${JSON.stringify(location)}, which is no address`);
    request = redirected(request, { status: response.status, crossesOrigin: next.origin !== url.origin });
    url = next;
  }
}

function parseUrl(location: string, base: URL): URL | null {
  return URL.canParse(location, base.href) ? new URL(location, base.href) : null;
}

function withoutHash(url: URL): string {
  const sent = new URL(url.href);
  sent.hash = "";
  return sent.href;
}

/** RFC 9110 section 15.4: 303 turns everything but HEAD into GET, 301 and 302 do so to POST, 307 and 308 keep it. */
function redirected(
  request: HttpInput,
  { status, crossesOrigin }: { readonly status: number; readonly crossesOrigin: boolean },
): HttpInput {
  const headers = Object.entries(request.headers).filter(
    ([name]) => !crossesOrigin || PORTABLE_HEADER.test(name),
  );
  const becomesGet =
    (status === 303 && request.method !== "HEAD") ||
    ((status === 301 || status === 302) && request.method === "POST");
  if (!becomesGet) return { ...request, headers: Object.fromEntries(headers) };
  const kept = headers.filter(([name]) => name.toLowerCase() !== "content-type");
  return { ...request, method: "GET", headers: Object.fromEntries(kept), body: undefined };
}

async function shown(response: Response): Promise<string> {
  const statusLine = `HTTP ${response.status} ${response.statusText}`.trimEnd();
  const type = response.headers.get("content-type");
  const body = await readBody(response, MAX_OUTPUT_BYTES);
  return `${statusLine}${type === null ? "" : `\ncontent-type: ${type}`}\n\n${body}`;
}
