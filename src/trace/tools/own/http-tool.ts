/**
 * A tenant's own HTTP tool: one request to its fixed address, the arguments as JSON body or, where the method has none, as
 * query.
 *
 * Redirects are not followed. A server that asks for time (429, 503) is asked once more within the call's time; nothing
 * else is repeated: the model sees what happened, and decides.
 */
import type { AllowedTool, SecretHeader, ToolAccess } from "../../../market/tools/tenant-tool.ts";
import { sleep } from "../../../agents/calls/sleep.ts";
import { readBody } from "../read-body.ts";
import { toolError, type ToolContext, type ToolResult } from "../tool.ts";
import type { Arguments } from "./check-arguments.ts";
import { fetchWithin, type GuardDeps } from "./guarded-fetch.ts";
import { hideSecret, longestForm } from "./hide-secret.ts";

const MAX_BODY_BYTES = 262_144;
/** Of an answer that is an error. */
const MAX_ERROR_CHARS = 2_000;
const MAX_URL_CHARS = 8_192;
/** As `readBody` says it. */
const CUT = /\n\[cut: [^\n]*\]$/;
const BODILESS: ReadonlySet<string> = new Set(["GET", "DELETE"]);
const ASKS_FOR_TIME = new Set([429, 503]);
/** Before the second request, where the answer names no time, and at most. */
const WAIT_MS = 1_000;
const MAX_WAIT_MS = 5_000;

export type HttpAccess = Extract<ToolAccess, { readonly type: "http" }>;

export interface HttpCall {
  readonly tool: AllowedTool;
  readonly access: HttpAccess;
  readonly args: Arguments;
  readonly context: ToolContext;
}

/** @param signal ends the call: its time is up, or the task may not go on @throws what the request throws */
export async function callHttpTool(
  deps: GuardDeps,
  call: HttpCall,
  signal: AbortSignal,
): Promise<ToolResult> {
  const { tool, access } = call;
  const { secretHeader } = access;
  const addressed = addressOf(call);
  if (!addressed.ok) return toolError("invalid_arguments", `${tool.name} was not run; ${addressed.why}`);
  const fetch = fetchWithin(addressed.url.origin, deps);
  const request = async () => fetch(addressed.url.href, { ...requestOf(call), signal });
  let response = await request();
  if (ASKS_FOR_TIME.has(response.status)) {
    await response.body?.cancel();
    await sleep(waitMs(response), signal);
    signal.throwIfAborted();
    response = await request();
  }
  if (response.ok) {
    const body = await bodyOf(response, secretHeader);
    return { ok: true, output: `${statusLine(response, secretHeader)}\n\n${body}` };
  }
  const location = response.headers.get("location");
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    const where = hideSecret(location ?? "nowhere", secretHeader).slice(0, MAX_ERROR_CHARS);
    const why = `${tool.name} answered HTTP ${response.status} with a redirect to ${where}, which is not followed`;
    return toolError("bad_status", why);
  }
  const body = (await bodyOf(response, secretHeader)).slice(0, MAX_ERROR_CHARS);
  return toolError("bad_status", `${tool.name} answered ${statusLine(response, secretHeader)}\n\n${body}`);
}

function addressOf({
  access,
  args,
}: HttpCall): { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly why: string } {
  const url = new URL(access.url);
  if (!BODILESS.has(access.method)) return { ok: true, url };
  for (const [name, value] of Object.entries(args)) {
    // What the tenant wrote into the address is not the model's to change.
    if (url.searchParams.has(name)) return { ok: false, why: `the argument ${name} is fixed` };
    url.searchParams.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  if (url.href.length > MAX_URL_CHARS)
    return {
      ok: false,
      why: `the arguments stand in its address, which is then longer than ${MAX_URL_CHARS} characters`,
    };
  return { ok: true, url };
}

function requestOf({ access, args, context }: HttpCall): RequestInit {
  const { secretHeader, method } = access;
  const body = BODILESS.has(method) ? {} : { body: JSON.stringify(args) };
  return {
    method,
    headers: {
      Accept: "application/json, text/*;q=0.9, */*;q=0.1",
      "User-Agent": "Saleroom-Tools/1",
      "Idempotency-Key": context.idempotencyKey,
      ...("body" in body && { "Content-Type": "application/json" }),
      ...(secretHeader !== null && { [secretHeader.name]: secretHeader.value }),
    },
    ...body,
  };
}

/** What is cut off ends in nothing that could be the beginning of the secret. */
async function bodyOf(response: Response, secret: SecretHeader | null): Promise<string> {
  const text = await readBody(response, MAX_BODY_BYTES);
  const hidden = hideSecret(text, secret);
  const [note] = CUT.exec(hidden) ?? [];
  if (note === undefined) return hidden;
  return `${hidden.slice(0, Math.max(0, hidden.length - note.length - longestForm(secret)))}${note}`;
}

function statusLine({ status, headers }: Response, secret: SecretHeader | null): string {
  const type = headers.get("content-type");
  return `HTTP ${status}${type === null ? "" : `\ncontent-type: ${hideSecret(type, secret).slice(0, 200)}`}`;
}

function waitMs({ headers }: Response): number {
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1_000, MAX_WAIT_MS) : WAIT_MS;
}
