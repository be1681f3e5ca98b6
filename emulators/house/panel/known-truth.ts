/**
 * What can be known of a result by whoever knows its task: the answers of the workload, right and wrong. Read from the task's
 * text and the result alone; nobody tells a judge what a verifier would say.
 */
import type { WorkloadTask } from "../../workload/index.ts";

/** White space, and the fence that models put around code, change nothing. */
function normalized(result: string): string {
  return result.replace(/^\s*```[\w-]*\n([\s\S]*?)\n?```\s*$/, "$1").replace(/\s+/g, "");
}

/** Null: neither a known right result nor a known wrong one. */
export function knownTruth({ verifier, solutions }: WorkloadTask, result: string): boolean | null {
  if (verifier.type === "equals") {
    const same = (text: string) => (verifier.ignoreCase ? text.trim().toLowerCase() : text.trim());
    return same(result) === same(verifier.expected);
  }
  const text = normalized(result);
  if (text === normalized(solutions.right)) return true;
  return solutions.wrong.some((wrong) => text === normalized(wrong.result)) ? false : null;
}
