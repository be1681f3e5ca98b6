/** Reasoning that a model writes into its answers: no part of a step's text, live or committed, and sent back as it was said. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Answer, StepAnswer, StepLimits } from "../../../src/agents/model-port.ts";
import { splitThinking, WordsInPieces } from "../../../src/agents/providers/thinking.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step } from "../../../src/market/step.ts";
import { submittedResult } from "../../../src/market/submission.ts";
import { usable } from "../../../src/trace/usable.ts";
import { agentId } from "../../support/builders.ts";
import { openAiEvents, sse } from "./as-stream.ts";
import { anAgent, aWorld, BID, httpError, limits, openAi, STEP, type WorldOptions } from "./fakes.ts";

const THOUGHT = "<think>six times seven, or <b>…</think>\n\n42";
const CALLS = [{ id: "call_1", type: "function", function: { name: "page", arguments: "{}" } }];

type Asked = (text: NonNullable<StepLimits["text"]>) => Promise<Answer<StepAnswer>>;

/** Each way in which an answer with inline reasoning may come: in a stream's small pieces, or whole. */
const WAYS: readonly (readonly [string, (reply: Record<string, unknown>) => Asked])[] = [
  ["an OpenAI-compatible endpoint, streamed", (reply) => asking("openai-compatible", { http: [reply] })],
  [
    "an OpenAI-compatible endpoint, whole",
    (reply) => asking("openai-compatible", { http: [httpError(422), reply] }),
  ],
  [
    "Workers AI, streamed",
    (reply) => asking("workers-ai", { ai: [sse(openAiEvents(reply)).body as unknown as typeof reply] }),
  ],
  ["Workers AI, whole", (reply) => asking("workers-ai", { ai: [reply] })],
];

function asking(provider: "openai-compatible" | "workers-ai", answers: WorldOptions): Asked {
  const { models } = aWorld(answers);
  return async (text) => models.step(anAgent(provider), STEP, { ...limits(), text });
}

/** The answer, and what was heard of it since its last beginning. */
async function hear(ask: Asked): Promise<{ readonly answer: Answer<StepAnswer>; readonly heard: string }> {
  let heard = "";
  const answer = await ask({ begin: () => (heard = ""), add: (text) => (heard += text) });
  return { answer, heard };
}

function valueOf(answer: Answer<StepAnswer>): StepAnswer {
  if (!answer.ok) throw new Error(answer.failure.message);
  return answer.value;
}

function committed({ text, toolCalls, assistant }: StepAnswer): Step {
  const calls = toolCalls.map((call) => ({ ...call, outcome: { ok: true, output: "Paris" } as const }));
  const step = { step: 1, text, toolCalls: calls, assistant, usage: NO_USAGE, costMicros: asMicros(0) };
  return JSON.parse(JSON.stringify(step)) as Step;
}

describe.each(WAYS)("over %s", (way, answering) => {
  const streams = way.endsWith("streamed");

  it.each([
    ["a block before the words", THOUGHT, "42"],
    ["an empty one", "\n<think>\n\n</think>\n\n42\n", "42\n"],
    ["none", "  42", "  42"],
    ["one in the midst", "Write <think>…</think> in HTML.", "Write <think>…</think> in HTML."],
    ["a second one", "<think>a</think>b<think>c</think>", "b<think>c</think>"],
    ["what only looks like one", " <thinker>42</think>", " <thinker>42</think>"],
    ["the beginning of one", "<thin", "<thin"],
  ])("%s: the text is the words, and so is what is heard", async (_what, content, text) => {
    const { answer, heard } = await hear(answering(openAi({ content })));
    const value = valueOf(answer);
    expect(value.text).toBe(text);
    expect(submittedResult(value)).toBe(text);
    if (streams) expect(heard).toBe(text);
  });

  it.each([
    ["alone", "<think>six times seven…</think>\n", "stop"],
    ["cut by the output's limit", "<think>six times seven, or rather", "length"],
  ])("thinking %s is an empty answer, to be asked for again", async (_what, content, finish_reason) => {
    const { answer, heard } = await hear(answering(openAi({ content }, { finish_reason })));
    expect(valueOf(answer).text).toBe("");
    expect(usable(answer, [])).toMatchObject({ ok: false, failure: { reason: "empty" } });
    expect(heard).toBe("");
  });

  // While it is written nobody can know: what was heard is withdrawn when the step is committed.
  it.each([
    ["that only ends", "Six times seven, or…\n</think>\n\n42", "42"],
    ["that only ends, in lines of Windows", "Six times seven…\r\n</think>\r\n\r\n42", "42"],
    ["that is empty and only ends", "</think>\n\n42\n", "42\n"],
    ["that only ends, twice", "a\n</think>\nb\n</think>\nc", "b\n</think>\nc"],
    ["that speaks of its end", "I close with </think> then.\n  </think> \n42", "42"],
    ["that has code", "```\nx\n```\n</think>\n42", "42"],
    ["that only ends, with no words behind it", "Six times seven…\n</think>\n", ""],
  ])("a thought %s is none of the text", async (_what, content, text) => {
    const { answer, heard } = await hear(answering(openAi({ content })));
    expect(valueOf(answer).text).toBe(text);
    if (streams) expect(heard).toBe(content);
  });

  it.each([
    ["in a line of words", "Close the block with </think>, and go on.\n42"],
    ["in a block of code", "It ends so:\n```html\n</think>\n```\n42"],
    ["of a block that is told whole", "It is:\n<think>\na\n</think>\n42"],
  ])("the end of a thought %s is one that the answer is about", async (_what, content) => {
    const { answer } = await hear(answering(openAi({ content })));
    expect(valueOf(answer).text).toBe(content);
  });

  it("beside calls it leaves the calls", async () => {
    const message = { content: "<think>I need the page.</think>", tool_calls: CALLS };
    const { answer, heard } = await hear(answering(openAi(message, { finish_reason: "tool_calls" })));
    expect(valueOf(usable(answer, []))).toMatchObject({ text: "", toolCalls: [{ name: "page" }] });
    expect(heard).toBe("");
  });
});

describe("a step with inline reasoning", () => {
  const first = async (): Promise<Step> => {
    const message = { content: THOUGHT, tool_calls: CALLS };
    const { models } = aWorld({ http: [openAi(message, { finish_reason: "tool_calls" })] });
    return committed(valueOf(await models.step(anAgent("openai-compatible"), STEP, limits())));
  };

  it("goes back to its model as that said it", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: "42" })] });
    await models.step(anAgent("openai-compatible"), { ...STEP, history: [await first()] }, limits());
    expect(requests[0]?.body.messages[2]).toMatchObject({ role: "assistant", content: THOUGHT });
  });

  it("is told to whoever takes over without it", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: "42" })] });
    const history = [{ ...(await first()), writtenBy: agentId("other") }];
    await models.step(anAgent("openai-compatible"), { ...STEP, history }, limits());
    expect(requests[0]?.body.messages[2]).toMatchObject({ role: "assistant", content: "42" });
  });
});

it("in pieces of any size an answer's words are those of the whole, as far as they can be", () => {
  const token = fc.constantFrom("<think>", "</think>", "<", "think>", "</thin", "/", " ", "\n", "42", "<b>");
  const piece = fc
    .array(fc.oneof(token, fc.string({ maxLength: 3 })), { maxLength: 6 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, byCharacter) => {
      const whole = pieces.join("");
      const words = new WordsInPieces();
      const told = (byCharacter ? Array.from(whole) : pieces).map((one) => words.add(one));
      const heard = told.join("") + words.end();
      const { text } = splitThinking(whole);
      expect(heard.endsWith(text)).toBe(true);
      // The end of a thought that nobody saw begin comes too late.
      if (!/^[ \t]*<\/think>[ \t]*\r?$/m.test(whole)) expect(heard).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

it.each(["openai-compatible", "workers-ai"] as const)(
  "a bid and a ruling of %s are read behind a thought that only ends",
  async (provider) => {
    const saying = (thought: string, words: string): WorldOptions => {
      const content = `${thought}\n</think>\n\n${words}`;
      return provider === "workers-ai" ? { ai: [{ response: content }] } : { http: [openAi({ content })] };
    };
    const bidder = aWorld(saying("Shall I guess? No.", "Look it up.")).models;
    expect(await bidder.bid(anAgent(provider), BID, limits())).toMatchObject({
      ok: true,
      value: { strategy: "Look it up." },
    });
    const [pass, failed] = ["pass", "fail"].map((verdict) => JSON.stringify({ reason: "so", verdict }));
    const judge = aWorld(saying(`At first I thought ${failed}.`, `${pass}`)).models;
    const hearing = { task: "t", rubric: "r", result: "42", nonce: "bcdfgh", seed: 7 };
    expect(await judge.rule(anAgent(provider), hearing, limits())).toMatchObject({
      ok: true,
      value: { verdict: "pass" },
    });
  },
);
