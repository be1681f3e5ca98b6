/** Traces over every provider: two steps with a tool call between them, and what models get wrong. */
import { describe, expect, it } from "vitest";
import type { ModelPort, StepAnswer, StepRequest } from "../../../src/agents/model-port.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step, ToolOutcome } from "../../../src/market/step.ts";
import { anAgent, anthropic, aWorld, gemini, httpError, limits, openAi, STEP } from "./fakes.ts";

const PARIS: ToolOutcome = { ok: true, output: "Paris" };
const FAILED: ToolOutcome = { ok: false, error: { code: "not_found", message: "no such page" } };

/** Commits a step as the trace runner does: through JSON. */
function committed(step: number, answer: StepAnswer, outcomes: readonly ToolOutcome[]): Step {
  const toolCalls = answer.toolCalls.map((call, index) => ({ ...call, outcome: outcomes[index] ?? PARIS }));
  const { text, assistant } = answer;
  return JSON.parse(
    JSON.stringify({ step, text, toolCalls, assistant, usage: NO_USAGE, costMicros: asMicros(0) }),
  ) as Step;
}

async function ask(models: ModelPort, agent: Agent, request: Partial<StepRequest> = {}): Promise<StepAnswer> {
  const answer = await models.step(agent, { ...STEP, ...request }, limits());
  if (!answer.ok) throw new Error(`${answer.failure.reason}: ${answer.failure.message}`);
  return answer.value;
}

const CALLED = {
  toolCalls: [{ name: "page", input: { url: "https://a.test" } }],
  finishReason: "tool-calls",
};

describe("two steps", () => {
  it("over an OpenAI-compatible endpoint", async () => {
    const tool_calls = [
      { id: "call_1", type: "function", function: { name: "page", arguments: '{"url":"https://a.test"}' } },
    ];
    const { models, requests } = aWorld({
      http: [openAi({ tool_calls }, { finish_reason: "tool_calls" }), openAi({ content: "Paris" })],
    });
    const agent = anAgent("openai-compatible");
    const first = await ask(models, agent);
    expect(first).toMatchObject({ ...CALLED, toolCalls: [{ id: "call_1" }] });
    const second = await ask(models, agent, { history: [committed(1, first, [FAILED])] });
    expect(second).toMatchObject({ text: "Paris", toolCalls: [], finishReason: "stop" });
    expect(requests[0]?.body).toMatchObject({
      max_tokens: 1_000,
      seed: 7,
      tools: [{ function: { name: "page" } }],
    });
    expect(requests[1]?.body.messages.slice(0, 2)).toEqual(requests[0]?.body.messages);
    expect(requests[1]?.body.messages.slice(2)).toMatchObject([
      { role: "assistant", tool_calls },
      { role: "tool", tool_call_id: "call_1", content: "not_found: no such page" },
    ]);
  });

  it("over Anthropic, with signed thinking and cache markers", async () => {
    const thinking = { type: "thinking", thinking: "hm", signature: "c2lnbmF0dXJl" };
    const call = { type: "tool_use", id: "toolu_1", name: "page", input: { url: "https://a.test" } };
    const { models, requests } = aWorld({
      http: [anthropic([thinking, call]), anthropic([{ type: "text", text: "Paris" }])],
    });
    const agent = anAgent("anthropic");
    const first = await ask(models, agent);
    expect(first).toMatchObject(CALLED);
    await ask(models, agent, { history: [committed(1, first, [FAILED])] });
    const [one, two] = requests;
    const cached = { cache_control: { type: "ephemeral" } };
    expect(one?.body.system).toMatchObject([cached]);
    expect(one?.body.messages).toMatchObject([{ role: "user", content: [cached] }]);
    expect(two?.body.system).toEqual(one?.body.system);
    expect(two?.body.messages[0]).toMatchObject({ role: "user", content: [cached] });
    expect(two?.body.messages[1]).toMatchObject({ role: "assistant", content: [thinking, call] });
    expect(two?.body.messages[2]).toMatchObject({
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "toolu_1",
          is_error: true,
          content: "not_found: no such page",
          ...cached,
        },
      ],
    });
  });

  it("over Google, with thought signatures", async () => {
    const functionCall = { name: "page", args: { url: "https://a.test" } };
    const { models, requests } = aWorld({
      http: [gemini([{ functionCall, thoughtSignature: "c2ln" }]), gemini([{ text: "Paris" }])],
    });
    const agent = anAgent("google");
    const first = await ask(models, agent);
    expect(first).toMatchObject(CALLED);
    await ask(models, agent, { history: [committed(1, first, [PARIS])] });
    expect(requests[1]?.body.contents[1]).toMatchObject({
      role: "model",
      parts: [{ functionCall, thoughtSignature: "c2ln" }],
    });
    expect(JSON.stringify(requests[1]?.body.contents[2])).toContain("Paris");
  });

  it("over Workers AI, with seed and session, and without a signal", async () => {
    const tool_calls = [{ id: "1", name: "page", arguments: { url: "https://a.test" } }];
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      completion_tokens_details: { reasoning_tokens: 30 },
    };
    const { models, runs } = aWorld({
      ai: [
        { response: "", tool_calls, usage },
        { response: "Paris", usage },
      ],
    });
    const agent = anAgent("workers-ai");
    const first = await ask(models, agent);
    expect(first).toMatchObject(CALLED);
    const second = await models.step(agent, { ...STEP, history: [committed(1, first, [PARIS])] }, limits());
    expect(second).toMatchObject({ ok: true, bill: { usage: { outputTokens: 50, reasoningTokens: 30 } } });
    expect(runs[0]?.inputs).toMatchObject({ seed: 7, max_tokens: 1_000 });
    expect(runs[0]?.options).toEqual({ extraHeaders: { "x-session-affinity": "a1b2c3d4" } });
    expect(runs[1]?.inputs.messages.slice(2)).toMatchObject([
      { role: "assistant", tool_calls: [{ id: "1", function: { name: "page" } }] },
      { role: "tool", tool_call_id: "1", content: "Paris" },
    ]);
  });

  it("answers the model that only talks, and keeps the prefix", async () => {
    const { models, requests } = aWorld({
      http: [openAi({ content: "Let me see" }), openAi({ content: "Paris" })],
    });
    const agent = anAgent("openai-compatible");
    const first = await ask(models, agent);
    await ask(models, agent, { history: [committed(1, first, [])] });
    expect(requests[1]?.body.messages.slice(2)).toMatchObject([
      { role: "assistant", content: "Let me see" },
      { role: "user", content: "Continue: call a tool, or hand in your result." },
    ]);
  });
});

const calling = (name: string, args: string): Record<string, unknown> =>
  openAi({ tool_calls: [{ id: "call_1", type: "function", function: { name, arguments: args } }] });

describe("what models get wrong", () => {
  it.each([
    ["arguments that are no JSON", "page", '{"url": ', '{"url": '],
    ["arguments of the wrong form", "page", '{"uri":1}', { uri: 1 }],
    ["no arguments", "page", "", {}],
    ["a bare string", "page", '"https://a.test"', "https://a.test"],
    ["a tool that does not exist", "web search!", "{}", {}],
  ])("hands on %s", async (_what, name, args, input) => {
    const { models, requests } = aWorld({ http: [calling(name, args), openAi({ content: "ok" })] });
    const agent = anAgent("openai-compatible");
    const first = await ask(models, agent);
    expect(first.toolCalls).toEqual([{ id: "call_1", name, input }]);
    expect(first.finishReason).toBe("tool-calls");
    await ask(models, agent, { history: [committed(1, first, [FAILED])] });
    const sent = requests[1]?.body.messages[2].tool_calls[0].function.name;
    expect(sent).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it("takes an answer without text or calls", async () => {
    const { models } = aWorld({ http: [openAi({ content: "" }, { finish_reason: "length" })] });
    expect(await ask(models, anAgent("openai-compatible"))).toEqual({
      text: "",
      toolCalls: [],
      finishReason: "length",
      assistant: null,
    });
  });

  it("asks without a seed where one is refused", async () => {
    const { models, requests } = aWorld({ http: [httpError(422), openAi({ content: "Paris" })] });
    expect((await ask(models, anAgent("openai-compatible"))).text).toBe("Paris");
    expect(requests[1]?.body).not.toHaveProperty("seed");
  });

  it.each([
    ["anthropic", anthropic([{ type: "text", text: "x" }], { input_tokens: 0, output_tokens: 0 })],
    ["google", gemini([{ text: "x" }], null)],
    ["openai-compatible", openAi({ content: "x" }, { usage: undefined })],
  ] as const)("leaves a step of %s without usage unconfirmed", async (provider, reply) => {
    const { models } = aWorld({ http: [reply] });
    expect(await models.step(anAgent(provider), STEP, limits())).toMatchObject({
      ok: true,
      bill: { status: "unconfirmed" },
    });
  });

  it("does so on Workers AI, whose adapter would say zero", async () => {
    const { models } = aWorld({ ai: [{ response: "x" }] });
    const answer = await models.step(anAgent("workers-ai"), STEP, limits());
    expect(answer).toMatchObject({ ok: true, bill: { status: "unconfirmed" } });
  });
});
