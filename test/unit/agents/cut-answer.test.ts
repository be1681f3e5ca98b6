/** What follows an answer without calls: by the way it ended, and within what is counted for it. */
import { describe, expect, it } from "vitest";
import { continueText, LONGEST_CONTINUE } from "../../../src/agents/prompts/continue-prompt.ts";
import { bytesOf } from "../../../src/agents/step-sizes.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { submittedResult } from "../../../src/market/submission.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { FinishReason, Step } from "../../../src/market/step.ts";
import { sse } from "./as-stream.ts";
import { anAgent, aWorld, gemini, limits, openAi, STEP, type Scripted } from "./fakes.ts";

const REASONS: readonly (FinishReason | undefined)[] = [
  undefined,
  "stop",
  "length",
  "tool-calls",
  "content-filter",
  "error",
  "other",
];

function aStep(finishReason: FinishReason | undefined): Step {
  const assistant = { role: "assistant", content: "the first ha" };
  const said = { step: 1, text: "the first ha", toolCalls: [], assistant };
  return { ...said, usage: NO_USAGE, costMicros: asMicros(0), ...(finishReason && { finishReason }) };
}

describe("what follows an answer without calls", () => {
  it("is the same as ever, unless it was cut, withheld or broke off", () => {
    const texts = REASONS.map((reason) => continueText(aStep(reason)));
    expect(new Set(texts).size).toBe(4);
    expect(texts.filter((text) => text === texts[0])).toHaveLength(4);
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(LONGEST_CONTINUE.length);
  });

  it("goes on from another agent's answer, too", () => {
    const others = { ...aStep("length"), writtenBy: anAgent("google").id };
    expect(traceMessages("task", [others]).at(-1)).toEqual({
      role: "user",
      content: continueText(aStep("length")),
    });
  });

  it("is counted in the bound of the next step, and in its size", () => {
    const { models } = aWorld();
    const agent = anAgent("openai-compatible", { usdPerMtok: { input: 1_000, output: 1 } });
    const bound = (step: Step) => models.stepBound(agent, { ...STEP, history: [step] });
    expect(bound(aStep("length"))).toBeGreaterThan(bound(aStep("stop")));
    expect(bytesOf(aStep("length")).frame).toBeGreaterThan(bytesOf(aStep("stop")).frame);
  });
});

describe("an answer of Workers AI that does not say how it ended", () => {
  const native = (completion_tokens: number, over: object = {}) => ({
    response: "the first ha",
    usage: { prompt_tokens: 100, completion_tokens },
    ...over,
  });
  const streamed = (event: { readonly response: string }): Scripted => {
    const words = event.response.split(" ").map((response) => ({ response }));
    // The binding hands the stream on, without its response.
    return sse([...words, { ...event, response: "" }]).body as unknown as Scripted;
  };
  const { maxOutputTokens } = STEP;

  it.each([
    ["was cut where it came to its limit", native(maxOutputTokens), "length"],
    ["is whole below it", native(maxOutputTokens - 1), "stop"],
    ["is whole where it says so after all", native(maxOutputTokens, { finish_reason: "stop" }), "stop"],
  ])("%s", async (_how, answer, finishReason) => {
    for (const reply of [answer, streamed(answer)]) {
      const { models } = aWorld({ ai: [reply] });
      const value = { finishReason };
      expect(await models.step(anAgent("workers-ai"), STEP, limits())).toMatchObject({ ok: true, value });
    }
  });

  it("is one of Workers AI: others say how it ended, and some take no limit", async () => {
    const usage = { prompt_tokens: 100, completion_tokens: 2 * maxOutputTokens };
    const answer = openAi({ content: "Paris" }, { usage });
    const value = { finishReason: "stop" };
    const { models } = aWorld({ http: [answer], ai: [answer] });
    for (const provider of ["openai-compatible", "workers-ai"] as const)
      expect(await models.step(anAgent(provider), STEP, limits())).toMatchObject({ ok: true, value });
  });
});

describe("a plain answer that its provider broke off is no result", () => {
  const content = { role: "model", parts: [{ text: "the first ha" }] };
  const MALFORMED = {
    ...gemini([]),
    candidates: [{ content, finishReason: "MALFORMED_FUNCTION_CALL", index: 0 }],
  };
  const ended = (finish_reason: string): Record<string, unknown> =>
    openAi({ content: "the first ha" }, { finish_reason });

  it.each([
    ["google", "MALFORMED_FUNCTION_CALL", MALFORMED, "error"],
    ["openai-compatible", "abort, as vLLM says", ended("abort"), "error"],
    ["openai-compatible", "error, as Mistral says", ended("error"), "error"],
    ["openai-compatible", "model_length, as Mistral says", ended("model_length"), "length"],
    ["openai-compatible", "as DeepSeek says", ended("insufficient_system_resource"), "error"],
    ["workers-ai", "abort", ended("abort"), "error"],
    ["workers-ai", "content_filter", ended("content_filter"), "content-filter"],
  ] as const)("%s: %s", async (provider, _said, reply, finishReason) => {
    const { models } = aWorld(provider === "workers-ai" ? { ai: [reply] } : { http: [reply] });
    const answer = await models.step(anAgent(provider), STEP, limits());
    if (!answer.ok) throw new Error(answer.failure.message);
    expect(answer.value).toMatchObject({ text: "the first ha", finishReason });
    expect(submittedResult(answer.value)).toBeNull();
  });

  it("as long as that is said: of a word that nobody knows nothing follows", async () => {
    const { models } = aWorld({ http: [ended("eos_token")] });
    const answer = await models.step(anAgent("openai-compatible"), STEP, limits());
    if (!answer.ok) throw new Error(answer.failure.message);
    expect(submittedResult(answer.value)).toBe("the first ha");
  });
});
