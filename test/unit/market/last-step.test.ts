import { describe, expect, test } from "vitest";
import { CUT_STEP_BYTES, MAX_REFUSAL_BYTES, MAX_TRACE_BYTES } from "../../../src/market/journal-limits.ts";
import { cutStep, lastStep } from "../../../src/market/last-step.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { AnsweredStep, ToolCall } from "../../../src/market/step.ts";
import { NO_ROOM, NOT_RUN_AT_END, withoutTools, withSubmission } from "../../../src/market/submission.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";

const bytesOf = (value: unknown) => utf8Bytes(JSON.stringify(value));

const MOST = 999_999_999_999;

function aStep(said: Partial<AnsweredStep>): AnsweredStep {
  const usage = {
    inputTokens: MOST,
    cachedInputTokens: MOST,
    cacheWriteTokens: MOST,
    outputTokens: MOST,
    reasoningTokens: MOST,
  };
  const step = {
    step: 500,
    text: "",
    toolCalls: [],
    assistant: null,
    finishReason: "content-filter",
  } as const;
  return { ...step, usage, costMicros: asMicros(MOST), ...said };
}

const CALLS = Array.from({ length: 20_000 }, (_, at) => ({ id: `c${at}`, name: "submit", input: {} }));

describe("a step of which the beginning is kept", () => {
  test.each(["x", "字", "\u0001", "😀"])("takes no more room than it may, were it all %j", (character) => {
    const text = character.repeat(400_000);
    const kept = cutStep(aStep({ text, toolCalls: CALLS, assistant: text }));
    expect(bytesOf(kept) + bytesOf([])).toBeLessThanOrEqual(CUT_STEP_BYTES);
    expect(kept.text).toMatch(/bytes there was no room for more; tool calls left out: 20000\]$/);
  });

  test("keeps short words as they are, and says nothing of a message", () => {
    expect(cutStep(aStep({ text: "short", assistant: "x".repeat(1_000_000) })).text).toBe("short");
  });
});

test("the last step of a trace is kept without its calls where there is no room for them", () => {
  const step = aStep({ text: "Here it is.", toolCalls: CALLS });
  const outcomes = withoutTools(CALLS, NOT_RUN_AT_END);
  expect(lastStep({ step, outcomes }, 0)).toEqual({ step: cutStep(step), outcomes: [] });
  expect(lastStep({ step, outcomes }, MAX_TRACE_BYTES - 100)).toBeNull();
});

test("what answers a call that does not run is as short as it is counted", () => {
  const calls: readonly ToolCall[] = [
    { id: "1", name: "submit", input: { result: "x" } },
    { id: "2", name: "submit", input: { result: "y" } },
    { id: "3", name: "submit", input: {} },
    { id: "4", name: "x".repeat(64), input: {} },
  ];
  const failed = { ok: false, error: { code: "failed", message: "" } } as const;
  const answers = [
    ...withoutTools(calls, NO_ROOM),
    ...withoutTools(calls, NOT_RUN_AT_END),
    ...withSubmission(calls, [null, null, null, failed]),
  ];
  for (const answer of answers) expect(bytesOf([answer])).toBeLessThanOrEqual(MAX_REFUSAL_BYTES);
});
