import { describe, expect, test } from "vitest";
import { MAX_OUTCOME_BYTES, MAX_RESULT_BYTES } from "../../../src/market/journal-limits.ts";
import { MAX_RESULT_CHARS, submittedResult } from "../../../src/market/submission.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";
import { boundForJournal } from "../../../src/trace/answer-tool-calls.ts";

const bytesOf = (value: unknown) => utf8Bytes(JSON.stringify(value));

describe("a tool's answer", () => {
  test.each([
    ["of plain text", "x"],
    ["of text outside ASCII", "語"],
    ["of control characters", "\u0001"],
  ])("%s takes no more of the journal than it may", (_name, character) => {
    for (const length of [10, 65_536, 200_000]) {
      const output = character.repeat(length);
      const kept = boundForJournal({ ok: true, output });
      expect(bytesOf(kept)).toBeLessThanOrEqual(MAX_OUTCOME_BYTES);
      if (bytesOf({ ok: true, output }) <= MAX_OUTCOME_BYTES) expect(kept).toEqual({ ok: true, output });
      const error = { code: "failed", message: output };
      expect(bytesOf(boundForJournal({ ok: false, error }))).toBeLessThanOrEqual(MAX_OUTCOME_BYTES);
    }
  });
});

test("a tool's answer whose beginning takes more room than its end takes no more of the journal than it may", () => {
  const output = `${"\u0001".repeat(32_768)}${"x".repeat(32_768)}`;
  expect(bytesOf(boundForJournal({ ok: true, output }))).toBeLessThanOrEqual(MAX_OUTCOME_BYTES);
});

describe("a result", () => {
  const submitted = (result: string) =>
    submittedResult({
      text: "",
      toolCalls: [{ id: "1", name: "submit", input: { result } }],
    });

  test("of the longest is kept whole, and a longer one to that length", () => {
    expect(submitted("x".repeat(MAX_RESULT_CHARS))).toHaveLength(MAX_RESULT_CHARS);
    expect(submitted("x".repeat(MAX_RESULT_CHARS + 1))).toHaveLength(MAX_RESULT_CHARS);
  });

  test.each(["語", "\u0001", "😀"])("of %j takes no more of its row than it may", (character) => {
    const kept = submitted(character.repeat(MAX_RESULT_CHARS)) ?? "";
    expect(bytesOf(kept)).toBeLessThanOrEqual(MAX_RESULT_BYTES);
    expect(bytesOf(kept)).toBeGreaterThan(0.99 * MAX_RESULT_BYTES);
  });
});
