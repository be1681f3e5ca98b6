/** Others that a task asked: a checker's verdicts are those that it gave, and a tool's answers those of calls that reached it. */
import type { Evidence } from "../evidence.ts";
import { OWN_TOOL } from "../own-tool.ts";
import type { Find } from "./violation.ts";

export function judgeAsked(evidence: Evidence, find: Find): void {
  judgeVerdicts(evidence, find);
  judgeTools(evidence, find);
}

function judgeVerdicts({ tasks, checked }: Evidence, find: Find): void {
  for (const { taskId, events } of tasks) {
    for (const event of events) {
      if (event.type !== "verification-ended" || event.verifier !== "http") continue;
      const { attempt, outcome } = event;
      const asked = checked.filter((one) => one.taskId === taskId && one.attempt === attempt);
      const ids = new Set(asked.map(({ id }) => id));
      if (ids.size > 1) find("verdict-differs", taskId, `asked about ${attempt} as ${[...ids].join(", ")}`);
      // A wait that is over, or a checker that always fails, leaves it unknown.
      if (outcome !== "unknown" && !asked.some((one) => one.outcome === outcome))
        find("verdict-differs", taskId, `${outcome} of ${attempt}, asked ${asked.length} times`);
    }
  }
}

function judgeTools({ tasks, toolHits }: Evidence, find: Find): void {
  const hits = new Map<string, string>();
  for (const { idempotencyKey, url } of toolHits) {
    const other = hits.get(idempotencyKey) ?? url;
    if (other !== url) find("tool-call-differs", idempotencyKey, `asked for ${other} and for ${url}`);
    hits.set(idempotencyKey, url);
  }
  for (const { taskId, steps } of tasks) {
    for (const { attempt, step, toolCalls } of steps) {
      for (const [index, { name, input, outcome }] of toolCalls.entries()) {
        if (name !== OWN_TOOL || !outcome.ok) continue;
        const key = `${taskId}-${attempt}-${step}-${index}`;
        const { url } = input as { readonly url?: unknown };
        if (hits.get(key) !== url)
          find("tool-call-differs", key, `answered, and ${hits.get(key) ?? "nothing"} was asked for`);
      }
    }
  }
}
