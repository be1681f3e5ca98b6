/** Steps that another model wrote, on every provider's wire: words, calls and answers, and nothing that only it knows. */
import { describe, expect, it } from "vitest";
import type { StepRequest } from "../../../src/agents/model-port.ts";
import { neutralStep } from "../../../src/agents/neutral-step.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step } from "../../../src/market/step.ts";
import { agentId } from "../../support/builders.ts";
import { anAgent, anthropic, aWorld, gemini, limits, openAi, STEP } from "./fakes.ts";

/** Marks of a provider that nobody else may see. */
const SECRETS = ["c2lnbmF0dXJl", "hidden thought", "toolu_", "providerOptions", '"c2ln"'];

function aStep(fields: Partial<Step> = {}): Step {
  return {
    step: 1,
    text: "I look it up.",
    toolCalls: [
      {
        id: "toolu_01!",
        name: "page",
        input: { url: "https://a.test" },
        outcome: { ok: true, output: "Paris" },
      },
    ],
    assistant: {
      role: "assistant",
      content: [
        {
          type: "reasoning",
          text: "hidden thought",
          providerOptions: { anthropic: { signature: "c2lnbmF0dXJl" } },
        },
        { type: "text", text: "I look it up." },
        {
          type: "tool-call",
          toolCallId: "toolu_01!",
          toolName: "page",
          input: { url: "https://a.test" },
          providerOptions: { google: { thoughtSignature: "c2ln" } },
        },
      ],
    },
    writtenBy: agentId("other"),
    usage: NO_USAGE,
    costMicros: asMicros(0),
    ...fields,
  };
}

const REQUEST: StepRequest = { ...STEP, history: [aStep(), aStep({ step: 2 })] };

describe("the steps of another agent reach", () => {
  it("an OpenAI-compatible endpoint as plain messages, with ids that Mistral takes too", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: "Paris" })] });
    expect((await models.step(anAgent("openai-compatible"), REQUEST, limits())).ok).toBe(true);
    const [, , first, answer, second] = requests[0]?.body.messages ?? [];
    expect(first).toMatchObject({
      role: "assistant",
      content: "I look it up.",
      tool_calls: [{ type: "function", function: { name: "page", arguments: '{"url":"https://a.test"}' } }],
    });
    expect(answer).toEqual({ role: "tool", tool_call_id: first.tool_calls[0].id, content: "Paris" });
    for (const { tool_calls } of [first, second]) expect(tool_calls[0].id).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect(first.tool_calls[0].id).not.toBe(second.tool_calls[0].id);
    for (const secret of SECRETS) expect(JSON.stringify(requests[0]?.body)).not.toContain(secret);
  });

  it("Anthropic without another's thinking", async () => {
    const { models, requests } = aWorld({ http: [anthropic([{ type: "text", text: "Paris" }])] });
    expect((await models.step(anAgent("anthropic"), REQUEST, limits())).ok).toBe(true);
    const { messages } = requests[0]?.body ?? {};
    expect(messages[1]).toMatchObject({
      role: "assistant",
      content: [
        { type: "text", text: "I look it up." },
        { type: "tool_use", name: "page", input: { url: "https://a.test" } },
      ],
    });
    expect(messages[2].content[0]).toMatchObject({
      type: "tool_result",
      tool_use_id: messages[1].content[1].id,
    });
    for (const secret of SECRETS) expect(JSON.stringify(messages)).not.toContain(secret);
  });

  it("Google without another's signatures, but with the word that there is none", async () => {
    const { models, requests } = aWorld({ http: [gemini([{ text: "Paris" }])] });
    expect((await models.step(anAgent("google"), REQUEST, limits())).ok).toBe(true);
    const { contents } = requests[0]?.body ?? {};
    expect(contents[1]).toMatchObject({
      role: "model",
      parts: [
        { text: "I look it up." },
        {
          functionCall: { name: "page", args: { url: "https://a.test" } },
          thoughtSignature: "skip_thought_signature_validator",
        },
      ],
    });
    for (const secret of SECRETS) expect(JSON.stringify(contents)).not.toContain(secret);
  });

  it("Workers AI", async () => {
    const { models, runs } = aWorld({
      ai: [{ response: "Paris", usage: { prompt_tokens: 1, completion_tokens: 1 } }],
    });
    expect((await models.step(anAgent("workers-ai"), REQUEST, limits())).ok).toBe(true);
    const sent = JSON.stringify(runs[0]?.inputs);
    expect(sent).toContain("I look it up.");
    for (const secret of SECRETS) expect(sent).not.toContain(secret);
  });
});

describe("a step made neutral", () => {
  it("is always the same: the conversation stays a prefix of itself", () => {
    expect(neutralStep(aStep())).toEqual(neutralStep(aStep()));
    const one = traceMessages("task", [aStep()]);
    expect(traceMessages("task", [aStep(), aStep({ step: 2 })]).slice(0, one.length)).toEqual(one);
  });

  it("leaves the agent's own as it is", () => {
    const { writtenBy: _, ...own } = aStep();
    expect(traceMessages("task", [own])[1]).toEqual(own.assistant);
  });

  it("is what is sent of the agent's own, too, where its message was not kept: no answer without its call", () => {
    const { writtenBy: _, ...own } = aStep({ assistant: null });
    expect(traceMessages("task", [own])).toEqual(traceMessages("task", [aStep()]));
    const cut = { ...own, text: "I look", toolCalls: [] };
    expect(traceMessages("task", [cut])).toMatchObject([
      { role: "user" },
      { role: "assistant", content: [{ type: "text", text: "I look" }] },
      { role: "user" },
    ]);
  });

  it("names and arguments that no provider takes become some that all take", () => {
    const call = {
      id: "",
      name: "look it up!",
      input: "{broken",
      outcome: { ok: true, output: "" },
    } as const;
    expect(traceMessages("task", [aStep({ toolCalls: [call] })])[1]).toMatchObject({
      content: [{ type: "text" }, { toolName: "look_it_up_", input: { input: "{broken" } }],
    });
  });

  it("of words alone is followed by our own, and of nothing is nothing", () => {
    expect(traceMessages("task", [aStep({ toolCalls: [] })]).map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "user",
    ]);
    expect(traceMessages("task", [aStep({ toolCalls: [], text: " " })])).toHaveLength(1);
  });

  it("has ids of nine characters in the longest trace with the most calls", () => {
    const calls = Array.from({ length: 1_000 }, () => aStep().toolCalls[0] as Step["toolCalls"][number]);
    const { toolCalls } = neutralStep(aStep({ step: 500, toolCalls: calls }));
    expect(new Set(toolCalls.map(({ id }) => id)).size).toBe(1_000);
    expect(toolCalls.filter(({ id }) => !/^[a-z0-9]{9}$/.test(id))).toEqual([]);
  });
});

it("the bound of a call counts another's steps as they are sent", () => {
  const { models } = aWorld();
  const agent = anAgent("openai-compatible");
  const bound = (history: readonly Step[]) => models.stepBound(agent, { ...STEP, history });
  const { writtenBy: _, ...own } = aStep();
  const long = aStep({
    assistant: { reasoning: "x".repeat(10_000) },
    usage: { ...NO_USAGE, outputTokens: 9_000 },
  });
  expect(bound([long])).toBe(bound([aStep()]));
  expect(bound([aStep({ text: "x".repeat(2_000), assistant: null })])).toBeGreaterThan(bound([own]));
});
