const TABLE =
  /^\s*(?:(?:insert|replace)(?:\s+or\s+\w+)?\s+into|update(?:\s+or\s+\w+)?|delete\s+from)\s+(\w+)/i;

/** What a statement writes to; null: not a table's rows. */
export function tableOf(query: string): string | null {
  return TABLE.exec(query)?.[1] ?? null;
}

/** Whether a statement of SQL writes, by its first word. */
export function isWrite(query: string): boolean {
  return /^\s*(?:insert|update|delete|replace|create|drop|alter)\b/i.test(query);
}
