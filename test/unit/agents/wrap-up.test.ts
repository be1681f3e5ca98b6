/** What is kept back for a wrap-up takes it, whatever the step before it says and its tools answer. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOTE_BYTES, shortenAnswers, withShortEnd } from "../../../src/agents/shorten-answers.ts";
import { outcomeText } from "../../../src/agents/trace-messages.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step, ToolOutcome } from "../../../src/market/step.ts";
import { READ_BACK_BYTES, WRAP_UP_OUTPUT_TOKENS } from "../../../src/market/wrap-up.ts";
import { anAgent, aWorld, limits, openAi, STEP } from "./fakes.ts";

const AGENT = anAgent("openai-compatible", {
  usdPerMtok: { input: 1, cachedInput: 0.1, cacheWrite: 3, output: 10 },
});
const { models } = aWorld();
const MOST = 1_000;
const REQUEST = { ...STEP, maxOutputTokens: MOST };
const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

const outcome = fc.oneof(
  fc.string({ unit: "binary", maxLength: 2_000 }).map((output): ToolOutcome => ({ ok: true, output })),
  fc
    .string({ unit: "grapheme", maxLength: 2_000 })
    .map((message): ToolOutcome => ({ ok: false, error: { code: "not_found", message } })),
);

/** A step whose words come to as many bytes as so many tokens are taken for. */
function aStep(outcomes: readonly ToolOutcome[]): Step {
  const calls = outcomes.map((one, at) => ({ id: `call_${at}`, name: "page", input: {}, outcome: one }));
  const assistant = (text: string) => ({
    role: "assistant",
    content: [
      { type: "text", text },
      ...calls.map(({ id, name, input }) => ({ type: "tool-call", toolCallId: id, toolName: name, input })),
    ],
  });
  const text = "w".repeat(READ_BACK_BYTES * MOST - bytes(assistant("")));
  const usage = { ...NO_USAGE, outputTokens: MOST };
  return { step: 1, text, toolCalls: calls, assistant: assistant(text), usage, costMicros: asMicros(0) };
}

describe("what is kept back behind a step", () => {
  it("takes its wrap-up, at the latest with notes in place of the tools' long answers", () => {
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 8 }), (outcomes) => {
        const kept = models.wrapUpBound(AGENT, REQUEST);
        for (const wrapUp of ["step_limit", "cost_limit", "budget", "deadline"] as const) {
          const asked = withShortEnd({ ...REQUEST, history: [aStep(outcomes)], wrapUp });
          expect(models.stepBound(AGENT, asked)).toBeLessThanOrEqual(kept);
        }
      }),
    );
  });

  it("is for a small output", async () => {
    const world = aWorld({ http: [openAi({ content: "42" }), openAi({ content: "42" })] });
    const request = { ...STEP, maxOutputTokens: 60_000 };
    await world.models.step(AGENT, request, limits());
    await world.models.step(AGENT, { ...request, wrapUp: "deadline" }, limits());
    expect(world.requests.map(({ body }) => (body as { max_tokens: number }).max_tokens)).toEqual([
      AGENT.maxOutputTokens,
      WRAP_UP_OUTPUT_TOKENS,
    ]);
  });
});

describe("a shortened answer", () => {
  it("says how long the whole was, keeps its beginning, and is never longer than it", () => {
    fc.assert(
      fc.property(outcome, fc.nat(600), (one, headChars) => {
        const [before] = aStep([one]).toolCalls;
        const [after] = shortenAnswers(aStep([one]), headChars).toolCalls;
        if (before === undefined || after === undefined) throw new Error("no call");
        const [whole, short] = [outcomeText(before.outcome), outcomeText(after.outcome)];
        expect(bytes(short)).toBeLessThanOrEqual(bytes(whole));
        if (short === whole) return;
        const text = one.ok ? one.output : one.error.message;
        expect(short).toContain(`${text.length} characters`);
        expect(short).toContain("Call the tool again");
        expect(short.endsWith(text.slice(0, headChars).toWellFormed())).toBe(true);
        expect(after.outcome.ok).toBe(one.ok);
        if (headChars === 0) expect(bytes(short)).toBeLessThanOrEqual(NOTE_BYTES);
      }),
    );
  });

  it("keeps the model's own words and calls, and an answer that is short", () => {
    const step = aStep([
      { ok: true, output: "short" },
      { ok: true, output: "x".repeat(9_000) },
    ]);
    const after = shortenAnswers(step, 100);
    expect({ ...after, toolCalls: [] }).toEqual({ ...step, toolCalls: [] });
    expect(after.toolCalls[0]).toBe(step.toolCalls[0]);
    expect(after.toolCalls.map(({ id, name, input }) => ({ id, name, input }))).toEqual(
      step.toolCalls.map(({ id, name, input }) => ({ id, name, input })),
    );
  });
});
