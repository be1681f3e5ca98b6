/** Stands in for the workload's documents in the contract tests. */
export const documents: Readonly<Record<string, string>> = { "one.md": "# One document" };
