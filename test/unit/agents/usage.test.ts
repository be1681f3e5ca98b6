/** Tokens in OpenAI's shape, as its many speakers count them: what is billed as output, and what is seen of it. */
import { describe, expect, it } from "vitest";
import { anAgent, aWorld, BID, limits, openAi, STEP } from "./fakes.ts";

const PROMPT = { prompt_tokens: 13, completion_tokens: 120 };
const reasoned = (reasoning_tokens: number) => ({ completion_tokens_details: { reasoning_tokens } });
const cached = (cached_tokens: number, cache_write_tokens = 0) => ({
  prompt_tokens_details: { cached_tokens, cache_write_tokens },
});

describe("reasoning", () => {
  it.each([
    ["beside the completion, as xAI counts", { total_tokens: 519, ...reasoned(386) }, 506, 386],
    ["beside it and untold, as Gemini's endpoint counts", { total_tokens: 519 }, 506, 386],
    ["beside it, with a cached prompt", { total_tokens: 519, ...cached(10), ...reasoned(386) }, 506, 386],
    ["beside it and untold, with a cached prompt", { total_tokens: 519, ...cached(10) }, 506, 386],
    ["in the completion, as OpenAI counts", { total_tokens: 133, ...reasoned(100) }, 120, 100],
    ["in it, without a total", reasoned(100), 120, 100],
    ["in it, with something else in the total", { total_tokens: 150, ...reasoned(100) }, 120, 100],
    ["none, with the cached prompt beside the rest", { total_tokens: 143, ...cached(10) }, 120, 0],
    ["none, with what the cache wrote beside it", { total_tokens: 148, ...cached(10, 5) }, 120, 0],
    ["none, and a total that is too small", { total_tokens: 5 }, 120, 0],
    ["none, and no total", { total_tokens: null }, 120, 0],
  ])("%s", async (_how, over, outputTokens, reasoningTokens) => {
    const usage = { ...PROMPT, ...over };
    const reply = openAi({ content: "Look it up." }, { usage });
    const agent = anAgent("openai-compatible");
    const { models } = aWorld({ http: [reply, reply] });
    const bill = { usage: { inputTokens: 13, outputTokens, reasoningTokens } };
    expect(await models.bid(agent, BID, limits())).toMatchObject({
      ok: true,
      value: { visibleTokens: outputTokens - reasoningTokens },
      bill,
    });
    expect(await models.step(agent, STEP, limits())).toMatchObject({ ok: true, bill });
    const { models: bound } = aWorld({ ai: [{ response: "Paris", usage }] });
    expect(await bound.step(anAgent("workers-ai"), STEP, limits())).toMatchObject({ ok: true, bill });
  });
});
