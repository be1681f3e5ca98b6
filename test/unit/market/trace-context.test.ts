/** Ids of traces and spans: of the lengths that W3C names, the same for the same thing, and of different ones different. */
import { expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { spanIdOf, traceIdOf } from "../../../src/market/trace-context.ts";

const source = { now: () => 1_790_000_000_000, random: () => Math.random() };

test("a trace's id is the task's own 128 bits", () => {
  const taskId = newId("tsk", source);
  expect(traceIdOf(taskId)).toMatch(/^[0-9a-f]{32}$/);
  expect(traceIdOf(taskId)).not.toBe(traceIdOf(newId("tsk", source)));
  // The first 48 of them are the time.
  expect(Number.parseInt(traceIdOf(taskId).slice(0, 12), 16)).toBe(source.now());
});

test("a span's id says what it is of: as many as there are things, and none of them empty", () => {
  const taskId = newId("tsk", source);
  const spans = new Set([spanIdOf({ of: "task", taskId })]);
  for (let attempt = 1; attempt <= 3; attempt++) {
    spans.add(spanIdOf({ of: "attempt", taskId, attempt }));
    for (let step = 1; step <= 145; step++) {
      spans.add(spanIdOf({ of: "step", taskId, attempt, step }));
      for (let index = 0; index < 8; index++)
        spans.add(spanIdOf({ of: "tool", taskId, attempt, step, index }));
    }
  }
  for (let call = 0; call < 500; call++) spans.add(spanIdOf({ of: "call", callId: newId("cal", source) }));
  expect(spans.size).toBe(1 + 3 * (1 + 145 * 9) + 500);
  for (const span of spans) expect(span).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
});
