/**
 * Tells errors that are a row's own fault from a database that does not work.
 *
 * D1 throws plain `Error`s whose message carries SQLite's result code, or `D1_TYPE_ERROR` for a value that cannot
 * be bound (https://developers.cloudflare.com/d1/observability/debug-d1/). `SQLITE_ERROR` is not listed: it is what
 * a missing table or column answers, which is the deployment's fault and no row's.
 */
const DATA_ERROR = /\bD1_TYPE_ERROR\b|\bSQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG|RANGE)\b|string or blob too big/;
const MAX_MESSAGE_CHARS = 500;

/** The error's message if it is about the data, else null. */
export function dataErrorMessage(error: unknown): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (DATA_ERROR.test(at.message)) return at.message.slice(0, MAX_MESSAGE_CHARS);
  }
  return null;
}
