/** Of which reports another agent may take the work over, and how much it is shown. */
import { describe, expect, test } from "vitest";
import type { EndReport } from "../../../src/market/report.ts";
import { asMicros } from "../../../src/market/money.ts";
import { contextBytesOf, handsOn, shownBytesTo, takeoverReasonOf } from "../../../src/market/takeover.ts";
import { failureReasonSchema } from "../../../src/market/task.ts";
import { newId } from "../../../src/market/ids.ts";
import { aUsage, fixedSource } from "../../support/builders.ts";

function aReport(fields: Partial<EndReport> = {}): EndReport {
  return {
    taskId: newId("tsk", fixedSource()),
    attempt: 1,
    end: { state: "failed", reason: "agent_failed" },
    verdict: null,
    trace: null,
    mayGoOn: true,
    handsOn: true,
    ...fields,
  };
}

describe("a trace is taken over", () => {
  test.each(failureReasonSchema.options.map((reason) => [reason]))("or not, that ended by %s", (reason) => {
    const taken = ["agent_failed", "trace_abandoned", "context_limit"].includes(reason);
    expect(takeoverReasonOf(aReport({ end: { state: "failed", reason } }))).toBe(taken ? reason : null);
    expect(handsOn(reason, 0)).toBe(taken);
    expect(handsOn(reason, 1)).toBe(taken && reason !== "context_limit");
  });

  test.each<[string, Partial<EndReport>]>([
    ["before its award", { attempt: 0 }],
    ["in a room that knows of no takeover", { handsOn: undefined }],
    ["cancelled", { end: { state: "cancelled" } }],
    ["finished", { end: { state: "finished", outcome: "fail" } }],
  ])("by nobody, that ended %s", (_, fields) => {
    expect(takeoverReasonOf(aReport(fields))).toBeNull();
  });
});

test("what an agent that takes over is shown is counted in UTF-8, and never less than it is", () => {
  const answered = {
    step: 1,
    text: "größer",
    toolCalls: [{ id: "1", name: "http", input: { url: "ä" } }],
    assistant: { reasoning: "x".repeat(10_000) },
    usage: aUsage(),
    costMicros: asMicros(1),
  };
  const outcomes = [{ ok: true, output: "→".repeat(100) }] as const;
  const bytes = contextBytesOf([{ answered, outcomes }]);
  expect(bytes).toBeGreaterThan(8 + 300);
  // Another model's reasoning is not shown.
  expect(bytes).toBeLessThan(1_000);
  expect(contextBytesOf([{ answered, outcomes: null }])).toBeLessThan(bytes - 300);
});

test("an agent that takes over is held at no more than its window takes", () => {
  expect(shownBytesTo({ contextTokens: 8_000 }, 12_000)).toBe(12_000);
  expect(shownBytesTo({ contextTokens: 8_000 }, 900_000)).toBe(40_000);
});
