import { describe, expect, test } from "vitest";
import { ZERO_MICROS } from "../../../src/market/money.ts";
import { toStep, type AnsweredStep, type ToolOutcome } from "../../../src/market/step.ts";
import { aUsage } from "../../support/builders.ts";

const answered: AnsweredStep = {
  step: 3,
  text: "Let me try both.",
  toolCalls: [
    { id: "c1", name: "run_javascript", input: { code: "1 + 1" } },
    { id: "c2", name: "http", input: { url: "https://example.com" } },
  ],
  assistant: { role: "assistant", signature: "opaque" },
  usage: aUsage(),
  costMicros: ZERO_MICROS,
};
const two: ToolOutcome = { ok: true, output: "2" };
const refused: ToolOutcome = { ok: false, error: { code: "not_allowed", message: "Not on the list." } };

describe("a committed step", () => {
  test("has each tool's answer beside its call, in the order of the calls", () => {
    const step = toStep(answered, [two, refused]);
    expect(step).toEqual({
      ...answered,
      toolCalls: [
        { id: "c1", name: "run_javascript", input: { code: "1 + 1" }, outcome: two },
        { id: "c2", name: "http", input: { url: "https://example.com" }, outcome: refused },
      ],
    });
  });

  test("says so where a tool gave no answer", () => {
    const [first, second] = toStep(answered, [two]).toolCalls;
    expect(first?.outcome).toEqual(two);
    expect(second?.outcome).toMatchObject({ ok: false, error: { code: "no_answer" } });
  });
});
