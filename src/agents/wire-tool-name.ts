/** A tool's name as every provider accepts it back: models make names up, and one bad name would spoil the conversation. */
export function wireToolName(name: string): string {
  const safe = name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
  return safe === "" ? "unknown" : safe;
}
