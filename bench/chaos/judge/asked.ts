/**
 * Others that a task asked, and what it kept: a checker's verdicts are those that it gave, a tool's answers those of calls
 * that reached it, and files have what was written.
 */
import type { Evidence, TaskSeen } from "../evidence.ts";
import { OWN_TOOL } from "../own-tool.ts";
import type { Find } from "./violation.ts";

export function judgeAsked(evidence: Evidence, find: Find): void {
  judgeVerdicts(evidence, find);
  judgeTools(evidence, find);
  for (const task of evidence.tasks) judgeFiles(task, find);
}

/** The emulated agents write a path with one text alone, and delete nothing; who begins anew has files of its own. */
function judgeFiles({ taskId, events, steps, files }: TaskSeen, find: Find): void {
  const before = Math.max(0, ...events.map((event) => (event.type === "task-escalated" ? event.attempt : 0)));
  const calls = steps.filter(({ attempt }) => attempt > before).flatMap(({ toolCalls }) => toolCalls);
  for (const { name, input, outcome } of calls) {
    if (name !== "write_file" || !outcome.ok) continue;
    const { path, text } = input as { readonly path: string; readonly text: string };
    if (files[path] !== text) find("file-differs", taskId, `${path} has ${files[path] ?? "nothing"}`);
  }
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
