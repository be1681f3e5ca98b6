/** The request headers that the API honours. */
import type { Context } from "hono";
import type { ApiEnv } from "./api-env.ts";
import { Problem } from "./problem.ts";

/** Longest time that a request may wait for a task's end, in seconds. */
export const MAX_WAIT_S = 120;

/** `Idempotency-Key`: 1 to 255 visible ASCII characters, or absent. @throws Problem invalid_parameter */
export function idempotencyKey(c: Context<ApiEnv>): string | null {
  const key = c.req.header("Idempotency-Key");
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw badParameter("header Idempotency-Key", "1 to 255 visible ASCII characters");
  }
  return key;
}

/**
 * `Prefer: wait=N` (RFC 7240): seconds to wait, at most `MAX_WAIT_S`; 0 where it is absent.
 * Other preferences are ignored, as the RFC asks. @throws Problem invalid_parameter
 */
export function preferredWait(c: Context<ApiEnv>): number {
  const preferences = (c.req.header("Prefer") ?? "").split(",").map((part) => part.trim());
  const wait = preferences.find((part) => /^wait *(=|$)/i.test(part));
  if (wait === undefined) return 0;
  const seconds = /^wait *= *"?(\d{1,6})"?$/i.exec(wait)?.[1];
  if (seconds === undefined) throw badParameter("header Prefer", "wait takes whole seconds, as in wait=30");
  return Math.min(Number(seconds), MAX_WAIT_S);
}

/**
 * `Last-Event-ID`, or where that is absent or empty the query parameter `after`: the last event that the client has seen.
 * @throws Problem
 */
export function lastEventId(c: Context<ApiEnv>): number {
  const header = c.req.header("Last-Event-ID") ?? "";
  const text = header === "" ? (c.req.query("after") ?? "0") : header;
  if (!/^\d{1,9}$/.test(text)) {
    throw badParameter(header === "" ? "query after" : "header Last-Event-ID", "the number of an event");
  }
  return Number(text);
}

/** `?text=true`: the client wants to hear text while it is written. @throws Problem invalid_parameter */
export function wantsText(c: Context<ApiEnv>): boolean {
  const text = c.req.query("text") ?? "false";
  if (text !== "true" && text !== "false") throw badParameter("query text", "true or false");
  return text === "true";
}

/**
 * `If-Match` with one version as its tag; null: it is absent, or `*`. Whoever compresses an answer on its way makes its tag
 * a weak one: it names the same version. @throws Problem invalid_parameter
 */
export function ifMatchVersion(c: Context<ApiEnv>): number | null {
  const header = c.req.header("If-Match")?.trim();
  if (header === undefined || header === "*") return null;
  const version = /^(?:W\/)?"([1-9]\d{0,8})"$/.exec(header)?.[1];
  if (version === undefined) {
    throw badParameter("header If-Match", 'one version in quotes, as ETag gives it: "3"');
  }
  return Number(version);
}

function badParameter(path: string, message: string): Problem {
  return new Problem("invalid_parameter", { issues: [{ path, message }] });
}
