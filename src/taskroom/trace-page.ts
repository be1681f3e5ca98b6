/**
 * A task's trace as it is read from outside: page by page, since all attempts of a task together may be more than a call
 * between rooms carries. First the steps in the order of attempt and step, then the calls by their ids.
 *
 * A page shows what is committed when it is read. Steps stay as they are, and a later one is only committed after an earlier
 * one: whoever reads a trace that runs has no gap, and sees what came meanwhile where that part is still to be read.
 */
import { toStep } from "../market/step.ts";
import { callView, type CallRow } from "./call-row.ts";
import { storedStep, type StepRow } from "./step-row.ts";
import type { TracePage, TracePlace, TraceView } from "./task-room-api.ts";

export interface PageBounds {
  /** Of the page's steps, as they are stored; a step that is larger is a page of its own. */
  readonly bytes: number;
  readonly calls: number;
}

/** Far below the 32 MiB of a call, and a step is 2 MB at most; a thousand calls are half a megabyte. */
export const TRACE_PAGE: PageBounds = { bytes: 4_000_000, calls: 1_000 };

export function tracePage(sql: SqlStorage, after: TracePlace, bounds: PageBounds): TracePage {
  const { steps, place } =
    after.part === "steps" ? stepsAfter(sql, after, bounds) : { steps: [], place: after };
  if (place.part === "steps") return { steps, calls: [], next: place };
  const query = "SELECT * FROM calls WHERE call_id > ? ORDER BY call_id LIMIT ?";
  const calls = sql.exec<CallRow>(query, place.callId, bounds.calls).toArray().map(callView);
  const last = calls.at(-1);
  const more = last !== undefined && calls.length === bounds.calls;
  return { steps, calls, next: more ? { part: "calls", callId: last.callId } : null };
}

/** As many as the page takes, and after what the next one begins. A step that waits for its tools is not shown. */
function stepsAfter(
  sql: SqlStorage,
  after: Extract<TracePlace, { readonly part: "steps" }>,
  { bytes: most }: PageBounds,
): { readonly steps: TraceView["steps"]; readonly place: TracePlace } {
  // Row by row: those that the page does not take are not read.
  const rows = sql.exec<StepRow & { bytes: number }>(
    `SELECT attempt, body, outcomes, octet_length(body) + octet_length(outcomes) AS bytes FROM steps
     WHERE (attempt, step) > (?, ?) AND outcomes IS NOT NULL ORDER BY attempt, step`,
    after.attempt,
    after.step,
  );
  const steps: TraceView["steps"][number][] = [];
  let place = after;
  let bytes = 0;
  for (const row of rows) {
    bytes += row.bytes;
    if (steps.length > 0 && bytes > most) return { steps, place };
    const { attempt, answered, outcomes } = storedStep(row);
    const { assistant: _opaque, ...step } = toStep(answered, outcomes ?? []);
    steps.push({ attempt, ...step });
    place = { part: "steps", attempt, step: step.step };
  }
  return { steps, place: { part: "calls", callId: "" } };
}
