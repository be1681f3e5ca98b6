/** What providers say of a request that is longer than the model's window, and what it is taken for. */
import { describe, expect, it } from "vitest";
import { openAiEvents, sse } from "./as-stream.ts";
import { anAgent, aWorld, httpError, limits, NOW_MS, openAi, STEP, type Scripted } from "./fakes.ts";

const AGENT = anAgent("openai-compatible");

describe("a request that is longer than the model's window", () => {
  const body = (status: number, error: unknown) =>
    Response.json(error, { status, headers: { "content-type": "application/json" } });
  const coded = {
    error: { message: "Please shorten it.", type: "x", param: null, code: "context_length_exceeded" },
  };
  // Older vLLM, without an envelope.
  const bare = { object: "error", message: "This model's maximum context length is 4096 tokens.", code: 400 };

  it.each<[string, () => Scripted]>([
    [
      "OpenAI",
      () =>
        httpError(
          400,
          {},
          "This model's maximum context length is 8192 tokens. However, your messages are 9001.",
        ),
    ],
    ["OpenAI's code", () => body(400, coded)],
    ["vLLM", () => body(400, bare)],
    ["Groq", () => httpError(400, {}, "Please reduce the length of the messages or completion.")],
    [
      "llama.cpp",
      () => httpError(400, {}, "the request exceeds the available context size, try increasing it"),
    ],
    [
      "SGLang",
      () =>
        httpError(400, {}, "The input (26 tokens) is longer than the model's context length (24 tokens)."),
    ],
    [
      "xAI",
      () =>
        httpError(400, {}, "This model's maximum prompt length is 131072 but the request contains 537812."),
    ],
  ])(
    "is refused by %s as that: once, for nothing, and with no word about the model's health",
    async (_, refusal) => {
      const { models, requests, changes } = aWorld({ http: Array.from({ length: 6 }, refusal) });
      for (let call = 1; call <= 6; call += 1) {
        expect(await models.step(AGENT, STEP, limits())).toMatchObject({
          ok: false,
          requests: 1,
          failure: { reason: "context_refused" },
          bill: { status: "refused" },
        });
        // Not once more without optional features.
        expect(requests).toHaveLength(call);
      }
      expect(changes).toEqual([]);
    },
  );

  it.each([
    ["anthropic", "prompt is too long: 208310 tokens > 200000 maximum"],
    [
      "anthropic",
      "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length",
    ],
    ["google", "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575)."],
  ] as const)("is refused by %s: %s", async (provider, message) => {
    const error =
      provider === "google"
        ? { code: 400, message, status: "INVALID_ARGUMENT" }
        : { type: "invalid_request_error", message };
    const { models } = aWorld({ http: [body(400, { type: "error", error })] });
    expect(await models.step(anAgent(provider), STEP, limits())).toMatchObject({
      failure: { reason: "context_refused" },
      bill: { status: "refused" },
    });
  });

  it.each([
    "AiError: 5021: The estimated number of input and maximum output tokens (24100) exceeded this model context window limit (24000).",
    "AiError: This model's maximum context length is 131072 tokens. However, you requested 16000 output tokens",
  ])("is refused by Workers AI: %s", async (message) => {
    const { models } = aWorld({ ai: [new Error(message)] });
    expect(await models.step(anAgent("workers-ai"), STEP, limits())).toMatchObject({
      failure: { reason: "context_refused" },
      bill: { status: "refused" },
    });
  });

  const pieces = openAiEvents(
    openAi({ content: "I look it up.", reasoning_content: "Hm." }, { finish_reason: "stop" }),
  );
  const inStream = { error: { message: bare.message, type: "BadRequestError", param: null, code: 400 } };

  it.each([
    ["first", []],
    ["behind the answer's head", pieces.slice(0, 1)],
  ])("is refused for nothing where a stream says so %s", async (_, before) => {
    const { models, requests } = aWorld({ http: [sse([...before, inStream])] });
    expect(await models.step(AGENT, STEP, limits())).toMatchObject({
      failure: { reason: "context_refused" },
      bill: { status: "refused" },
    });
    expect(requests).toHaveLength(1);
  });

  it("is no refusal any more once words have come, were it of a thought: the provider has worked", async () => {
    const { models } = aWorld({ http: [sse([...pieces.slice(0, 2), inStream])] });
    expect(await models.step(AGENT, STEP, limits())).toMatchObject({
      failure: { reason: "provider_error", mayPass: true },
      bill: { status: "unconfirmed" },
    });
  });

  it("is something else than a limit of rate, a body that is too large, or another wrong request", async () => {
    const tooLarge = "Request too large: reduce the length of the messages, or wait: tokens per minute (TPM)";
    const expected = [
      [httpError(429, {}, tooLarge), "rate_limited"],
      [httpError(413, {}, "Request exceeds the maximum size"), "provider_error"],
      [httpError(400, {}, "max_tokens is too large: 65536, at most 32768"), "provider_error"],
    ] as const;
    for (const [refusal, reason] of expected) {
      const { models } = aWorld({ http: [refusal, refusal.clone(), refusal.clone()] });
      const answer = await models.step(AGENT, STEP, limits({ deadlineAtMs: NOW_MS + 1 }));
      expect(answer).toMatchObject({ failure: { reason } });
    }
  });
});
