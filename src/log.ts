/**
 * Structured log lines: one JSON object a line, for `wrangler tail` and Workers Logs.
 *
 * Never a prompt, a strategy, a key or a provider's answer: ids, codes and numbers only.
 */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

export function logInfo(event: string, fields: LogFields = {}): void {
  console.log(JSON.stringify({ level: "info", event, ...fields }));
}

/** An error that nobody upstream will see: name and message only, the stack stays with the runtime's own report. */
export function logError(event: string, error: unknown, fields: LogFields = {}): void {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  console.error(JSON.stringify({ level: "error", event, error: message.slice(0, 500), ...fields }));
}
