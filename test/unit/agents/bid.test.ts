/** Bids over every provider: what is sent, what is read, what is billed. */
import { describe, expect, it } from "vitest";
import { anAgent, anthropic, aWorld, BID, gemini, limits, openAi, SECRET } from "./fakes.ts";

const LOGPROBS = {
  content: [
    {
      token: "Look",
      logprob: -0.1,
      top_logprobs: [
        { token: "Look", logprob: -0.1 },
        { token: "Go", logprob: -2.4 },
      ],
    },
    { token: " up", logprob: -0.2, top_logprobs: [] },
  ],
};

describe("workers-ai", () => {
  it("asks the binding with seed, log-probabilities and room for reasoning", async () => {
    const { models, runs } = aWorld({
      ai: [{ response: " Look it up. ", usage: { prompt_tokens: 100, completion_tokens: 20 } }],
    });
    const answer = await models.bid(anAgent("workers-ai", { topLogprobs: 5 }), BID, limits());
    expect(runs[0]?.model).toBe("@cf/test/model");
    expect(runs[0]?.inputs).toMatchObject({
      max_tokens: 300 + 4_096,
      temperature: 0.6,
      seed: 7,
      logprobs: true,
      top_logprobs: 5,
      messages: [{ role: "system" }, { role: "user" }],
    });
    expect(answer).toEqual({
      ok: true,
      ms: 0,
      requests: 1,
      value: { strategy: "Look it up.", visibleTokens: 20, topLogprobs: null },
      bill: {
        status: "billed",
        usage: {
          inputTokens: 100,
          cachedInputTokens: 0,
          cacheWriteTokens: 0,
          outputTokens: 20,
          reasoningTokens: 0,
        },
        costMicros: 300,
        prices: anAgent("workers-ai").prices,
      },
    });
  });

  it("reads OpenAI-shaped answers with log-probabilities, cached and reasoning tokens", async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { cached_tokens: 40, cache_write_tokens: 10 },
      completion_tokens_details: { reasoning_tokens: 48 },
    };
    const reply = openAi({ content: "Look up", reasoning_content: "hm" }, { usage, logprobs: LOGPROBS });
    const { models } = aWorld({ ai: [reply] });
    const answer = await models.bid(anAgent("workers-ai", { topLogprobs: 2 }), BID, limits());
    expect(answer).toMatchObject({
      value: { visibleTokens: 2, topLogprobs: [[-0.1, -2.4], [-0.2]] },
      bill: {
        usage: {
          inputTokens: 100,
          cachedInputTokens: 40,
          cacheWriteTokens: 10,
          outputTokens: 50,
          reasoningTokens: 48,
        },
        // 50 × 1 + 40 × 0.1 + 10 × 1.25 + 50 × 10
        costMicros: 567,
      },
    });
  });

  it("takes written-out thinking off and does not count it", async () => {
    const response = `<think>${"x".repeat(90)}</think>${"y".repeat(10)}`;
    const { models } = aWorld({ ai: [{ response, usage: { prompt_tokens: 9, completion_tokens: 400 } }] });
    const answer = await models.bid(anAgent("workers-ai"), BID, limits());
    expect(answer).toMatchObject({ ok: true, value: { strategy: "y".repeat(10), visibleTokens: 40 } });
  });

  it("never sends seed 0, which Workers AI refuses", async () => {
    const { models, runs } = aWorld({
      ai: [{ response: "s", usage: { prompt_tokens: 9, completion_tokens: 4 } }],
    });
    await models.bid(anAgent("workers-ai"), { ...BID, seed: 0 }, limits());
    expect(runs[0]?.inputs.seed).toBe(1);
  });
});

describe("openai-compatible", () => {
  it("sends key, seed and log-probabilities, and reads them back", async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 30,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 10 },
    };
    const { models, requests } = aWorld({
      http: [openAi({ content: "Look up" }, { usage, logprobs: LOGPROBS })],
    });
    const answer = await models.bid(anAgent("openai-compatible", { topLogprobs: 5 }), BID, limits());
    expect(requests[0]?.url).toBe("https://llm.test/v1/chat/completions");
    expect(requests[0]?.headers.get("authorization")).toBe(`Bearer ${SECRET}`);
    expect(requests[0]?.body).toMatchObject({
      model: "test-model",
      max_tokens: 4_396,
      seed: 7,
      logprobs: true,
      top_logprobs: 5,
      messages: [{ role: "system" }, { role: "user" }],
    });
    expect(requests[0]?.body).not.toHaveProperty("temperature");
    expect(answer).toMatchObject({
      ok: true,
      value: { strategy: "Look up", visibleTokens: 20, topLogprobs: [[-0.1, -2.4], [-0.2]] },
      bill: {
        usage: {
          inputTokens: 100,
          cachedInputTokens: 60,
          cacheWriteTokens: 20,
          outputTokens: 30,
          reasoningTokens: 10,
        },
        // 20 × 1 + 60 × 0.1 + 20 × 1.25 + 30 × 10
        costMicros: 351,
      },
    });
  });

  it("takes the base URL from a variable and works without a key", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: "s" })] });
    const agent = anAgent("openai-compatible", {
      baseUrl: undefined,
      baseUrlVariable: "EMULATOR_BASE_URL",
      apiKeySecret: undefined,
    });
    expect((await models.bid(agent, BID, limits())).ok).toBe(true);
    expect(requests[0]?.url).toBe("http://emulator.test/v1/chat/completions");
    expect(requests[0]?.headers.has("authorization")).toBe(false);
  });

  it("says max_completion_tokens to OpenAI itself", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: "s" })] });
    await models.bid(anAgent("openai-compatible", { baseUrl: "https://api.openai.com/v1" }), BID, limits());
    expect(requests[0]?.body).toMatchObject({ max_completion_tokens: 4_396 });
    expect(requests[0]?.body).not.toHaveProperty("max_tokens");
  });

  it("asks without optional features where they are refused, and remembers", async () => {
    const { models, requests } = aWorld({
      http: [httpRefusal(), openAi({ content: "s" }), openAi({ content: "s" })],
    });
    const agent = anAgent("openai-compatible", { topLogprobs: 5 });
    const first = await models.bid(agent, BID, limits());
    expect(first).toMatchObject({
      ok: true,
      requests: 2,
      value: { topLogprobs: null },
      bill: { status: "billed" },
    });
    expect(requests[1]?.body).not.toHaveProperty("logprobs");
    expect(requests[1]?.body).not.toHaveProperty("seed");
    expect((await models.bid(agent, BID, limits())).requests).toBe(1);
  });

  it("remembers it of the model at its endpoint and of what was asked of it, whoever asks under whatever id", async () => {
    const good = () => openAi({ content: "s" });
    const { models, requests } = aWorld({ http: [httpRefusal(), ...Array.from({ length: 6 }, good)] });
    const asks = async (over: Parameters<typeof anAgent>[1]) => {
      await models.bid(anAgent("openai-compatible", { topLogprobs: 5, ...over }), BID, limits());
      return requests.at(-1)?.body.top_logprobs as number | undefined;
    };
    expect(await asks({})).toBeUndefined();
    expect(await asks({ id: "agt_same" })).toBeUndefined();
    // Another tenant's agent of the same id.
    expect(await asks({ baseUrl: "https://other.test/v1" })).toBe(5);
    expect(await asks({ model: "other-model" })).toBe(5);
    expect(await asks({ topLogprobs: 2 })).toBe(2);
  });
});

function httpRefusal(): Response {
  return Response.json({ error: { message: "unknown parameter: logprobs" } }, { status: 400 });
}

describe("anthropic", () => {
  it("counts cache reads and writes as input", async () => {
    const usage = { cache_creation_input_tokens: 200, cache_read_input_tokens: 1_000 };
    const { models, requests } = aWorld({ http: [anthropic([{ type: "text", text: "Look up" }], usage)] });
    const answer = await models.bid(anAgent("anthropic"), BID, limits());
    expect(requests[0]?.url).toBe("https://api.anthropic.com/v1/messages");
    expect(requests[0]?.headers.get("x-api-key")).toBe(SECRET);
    expect(requests[0]?.body).toMatchObject({ model: "claude-opus-5", max_tokens: 4_396 });
    expect(requests[0]?.body).not.toHaveProperty("temperature");
    expect(answer).toMatchObject({
      value: { strategy: "Look up", visibleTokens: 20, topLogprobs: null },
      bill: {
        usage: { inputTokens: 1_300, cachedInputTokens: 1_000, cacheWriteTokens: 200, outputTokens: 20 },
        // 100 × 1 + 1,000 × 0.1 + 200 × 1.25 + 20 × 10
        costMicros: 650,
      },
    });
  });

  it("leaves thinking out of the visible tokens", async () => {
    const content = [
      { type: "thinking", thinking: "hm", signature: "c2ln" },
      { type: "text", text: "Look up" },
    ];
    const usage = { output_tokens: 520, output_tokens_details: { thinking_tokens: 500 } };
    const { models } = aWorld({ http: [anthropic(content, usage)] });
    const answer = await models.bid(anAgent("anthropic"), BID, limits());
    expect(answer).toMatchObject({
      ok: true,
      value: { visibleTokens: 20 },
      bill: { usage: { reasoningTokens: 500 } },
    });
  });
});

describe("google", () => {
  it("adds thoughts to the output and reads cached input", async () => {
    const usage = { cachedContentTokenCount: 60, thoughtsTokenCount: 200 };
    const { models, requests } = aWorld({ http: [gemini([{ text: "Look up" }], usage)] });
    const answer = await models.bid(anAgent("google"), BID, limits());
    expect(requests[0]?.url).toContain("/models/gemini-3.8-flash:generateContent");
    expect(requests[0]?.url).not.toContain(SECRET);
    expect(requests[0]?.headers.get("x-goog-api-key")).toBe(SECRET);
    expect(requests[0]?.body.generationConfig).toMatchObject({ maxOutputTokens: 4_396, seed: 7 });
    expect(answer).toMatchObject({
      value: { strategy: "Look up", visibleTokens: 20 },
      bill: { usage: { inputTokens: 100, cachedInputTokens: 60, outputTokens: 220, reasoningTokens: 200 } },
    });
  });
});

const said = (response: string, completion_tokens: number): Record<string, unknown> => ({
  response,
  usage: { prompt_tokens: 100, completion_tokens },
});

describe("what is not a bid", () => {
  const agent = anAgent("workers-ai");

  it("bills an empty one", async () => {
    const { models } = aWorld({ ai: [said(" \n", 5)] });
    const answer = await models.bid(agent, BID, limits());
    expect(answer).toMatchObject({
      ok: false,
      failure: { reason: "empty" },
      bill: { status: "billed", costMicros: 150 },
    });
  });

  it("asks once more for a shorter one, saying how long it was", async () => {
    const { models, runs } = aWorld({ ai: [said("long", 512), said("short", 200)] });
    const answer = await models.bid(agent, BID, limits());
    expect(runs[1]?.inputs.messages[1].content).toContain("had 512 tokens; at most 300");
    expect(answer).toMatchObject({
      ok: true,
      requests: 2,
      value: { strategy: "short", visibleTokens: 200 },
      bill: { usage: { inputTokens: 200, outputTokens: 712 }, costMicros: 7_320 },
    });
  });

  it("gives up after the second one that is too long, and bills both", async () => {
    const { models } = aWorld({ ai: [said("long", 512), said("long", 400)] });
    const answer = await models.bid(agent, BID, limits());
    expect(answer).toMatchObject({
      ok: false,
      requests: 2,
      failure: { reason: "too_long", message: "the strategy has 400 tokens, at most 300 are allowed" },
      bill: { status: "billed", usage: { outputTokens: 912 } },
    });
  });

  it("does not ask again when a second answer could not be there in time", async () => {
    const { models } = aWorld({ ai: [said("long", 512)], requestMs: 40_000 });
    const answer = await models.bid(agent, BID, limits());
    expect(answer).toMatchObject({ ok: false, requests: 1, failure: { reason: "too_long" } });
  });

  it("leaves a call without usage at its bound, never at zero", async () => {
    const { models } = aWorld({ ai: [{ response: "Look it up" }] });
    const answer = await models.bid(agent, BID, limits());
    expect(answer).toMatchObject({ ok: true, bill: { status: "unconfirmed" }, value: { visibleTokens: 3 } });
  });
});
