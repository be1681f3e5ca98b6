/** Whether a statement of SQL writes, by its first word. */
export function isWrite(query: string): boolean {
  return /^\s*(?:insert|update|delete|replace|create|drop|alter)\b/i.test(query);
}
