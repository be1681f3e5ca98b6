/** The user's own tasks: one JSON object a line. All lines are checked before any task is submitted. */
import { z } from "zod";
import { fail, ok, type Result } from "../../src/market/result.ts";
import { taskSpecSchema, type TaskInput } from "../../src/market/task.ts";
import type { DemoTask } from "./demo-task.ts";

/** A line that is not a task, and why. */
export interface BadLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** Empty lines are skipped. A file without a single task is a failure, too. */
export function parseTasks(text: string): Result<readonly DemoTask[], readonly BadLine[]> {
  const bad: BadLine[] = [];
  const tasks: DemoTask[] = [];
  text.split("\n").forEach((content, at) => {
    if (content.trim() === "") return;
    const line = at + 1;
    const parsed = parseLine(content);
    if (parsed.ok) tasks.push({ label: `line ${line}`, bin: null, input: parsed.value });
    else bad.push({ line, reason: parsed.failure });
  });
  if (bad.length === 0 && tasks.length === 0) bad.push({ line: 1, reason: "the file holds no task" });
  return bad.length > 0 ? fail(bad) : ok(tasks);
}

function parseLine(content: string): Result<TaskInput, string> {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    return fail(`not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const spec = taskSpecSchema.safeParse(value);
  return spec.success ? ok(spec.data) : fail(z.prettifyError(spec.error).replaceAll(/\s*\n\s*/g, " "));
}
