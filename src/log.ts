/**
 * Structured log lines: one JSON object a line, for `wrangler tail` and Workers Logs.
 *
 * Never a prompt, a strategy, a key or a provider's answer: ids, codes and numbers only. Lines of tasks carry the names of
 * OpenTelemetry's semantic conventions; what these have no name for begins with `saleroom.`.
 */
import { failureOfError, wordsAlone } from "./market/dead-letter.ts";

const MAX_ERROR_CHARS = 500;
/** Libraries wrap errors in their own. */
const MAX_CAUSES = 4;

export type LogFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** What is written: errors alone, besides them the ends of tasks and their verdicts, or every call and step of them. */
export const LOG_LEVELS = ["error", "task", "call"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

// One Worker's code, one environment: every house of an isolate is told the same.
let level: LogLevel = "call";

export function setLogLevel(to: LogLevel): void {
  level = to;
}

function writes(what: LogLevel): boolean {
  return LOG_LEVELS.indexOf(what) <= LOG_LEVELS.indexOf(level);
}

export function logInfo(event: string, fields: LogFields = {}): void {
  if (writes("task")) console.log(JSON.stringify({ level: "info", event, ...fields }));
}

/** One call or step of a task. */
export function logCall(event: string, fields: LogFields): void {
  if (writes("call")) console.log(JSON.stringify({ level: "info", event, ...fields }));
}

/** An error that nobody upstream will see: names and own words, without anything that they quote, of it and its causes. */
export function logError(event: string, error: unknown, fields: LogFields = {}): void {
  const words = typeof error === "string" ? wordsAlone(error) : causesOf(error).map(wordsOf).join("; ");
  const shown = words.replaceAll(/\s+/g, " ").slice(0, MAX_ERROR_CHARS);
  console.error(JSON.stringify({ level: "error", event, error: shown, ...fields }));
}

function causesOf(error: unknown): unknown[] {
  const causes = [error];
  for (let at = error; at instanceof Error && at.cause != null && causes.length < MAX_CAUSES; at = at.cause)
    causes.push(at.cause);
  return causes;
}

function wordsOf(error: unknown): string {
  const { errorClass, message } = failureOfError(error);
  return `${errorClass}: ${message}`;
}
