/** Steps as streams: the same answer as one that came whole, its text as it is written, and every way to break off. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer, StepAnswer, StepLimits } from "../../../src/agents/model-port.ts";
import { anthropicEvents, openAiEvents, sse } from "./as-stream.ts";
import {
  anAgent,
  anthropic,
  aWorld,
  gemini,
  httpError,
  limits,
  openAi,
  STEP,
  type Scripted,
} from "./fakes.ts";

const THINKING = { type: "thinking", thinking: "Let me think.", signature: "c2lnbmF0dXJl" };
const TOOL_USE = { type: "tool_use", id: "toolu_1", name: "page", input: { url: "https://a.test" } };
const FUNCTION_CALL = {
  functionCall: { name: "page", args: { url: "https://a.test" } },
  thoughtSignature: "c2ln",
};
const TOOL_CALLS = [
  { id: "call_1", type: "function", function: { name: "page", arguments: '{"url":"https://a.test"}' } },
  { id: "call_2", type: "function", function: { name: "page", arguments: '{"url":"https://b.test"}' } },
];
const LIVE = [
  ["openai-compatible", openAi({ content: "I look it up." })],
  [
    "openai-compatible",
    openAi(
      { content: "I look it up.", reasoning_content: "Hm.", tool_calls: TOOL_CALLS },
      { finish_reason: "tool_calls" },
    ),
  ],
  ["anthropic", anthropic([THINKING, { type: "text", text: "I look it up." }, TOOL_USE])],
  ["google", gemini([{ text: "Hm.", thought: true }, { text: "I look it up." }, FUNCTION_CALL])],
] as const;

/** A sink that writes down what it heard: every beginning, and the text since. */
function aSink(): NonNullable<StepLimits["text"]> & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    begin: () => void heard.push(""),
    add: (text) => void heard.push(`${heard.pop() ?? "before any beginning: "}${text}`),
  };
}

/** Tool calls of Google and Workers AI have no ids on the wire. */
function withoutIds(answer: Answer<StepAnswer>): unknown {
  expect(answer.ok).toBe(true);
  const { requests: _requests, ...rest } = answer;
  const json = JSON.stringify(rest, (key, value: unknown) =>
    key === "toolCallId" || key === "id" ? "id" : value,
  );
  return JSON.parse(json) as unknown;
}

describe("a streamed step", () => {
  it.each(LIVE)("of %s is what it is when it comes whole", async (provider, reply) => {
    const agent = anAgent(provider);
    const streamed = aWorld({ http: [reply] });
    // Whoever refuses what the house asks for besides is asked without a stream.
    const whole = aWorld({ http: [httpError(422), reply] });
    const answer = await streamed.models.step(agent, STEP, limits());
    expect(withoutIds(answer)).toEqual(withoutIds(await whole.models.step(agent, STEP, limits())));
    expect(answer).toMatchObject({ value: { text: "I look it up." }, bill: { status: "billed" } });
    const streams = (url: string, body: { stream?: boolean }): boolean =>
      url.includes(":streamGenerateContent") || body.stream === true;
    expect(streamed.requests.map(({ url, body }) => streams(url, body))).toEqual([true]);
    expect(whole.requests.map(({ url, body }) => streams(url, body))).toEqual([true, false]);
  });

  it.each(LIVE)("of %s is heard while it is written, its text and nothing else", async (provider, reply) => {
    const text = aSink();
    await aWorld({ http: [reply] }).models.step(anAgent(provider), STEP, { ...limits(), text });
    expect(text.heard).toEqual(["I look it up."]);
  });

  it("asks an OpenAI-compatible endpoint for its usage", async () => {
    const { models, requests } = aWorld({ http: [openAi({ content: "x" })] });
    await models.step(anAgent("openai-compatible"), STEP, limits());
    expect(requests[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });

  it("of Workers AI keeps usage as the model sent it, in either shape of its streams", async () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      prompt_tokens_details: { cached_tokens: 40 },
      completion_tokens_details: { reasoning_tokens: 30 },
    };
    const native = [
      { response: "I look " },
      { response: "it up." },
      { response: "", tool_calls: [{ index: 0, name: "page", arguments: '{"url":"https://a.test"}' }] },
      { response: "", usage },
    ];
    const openAiShape = openAiEvents(
      openAi(
        { content: "I look it up.", tool_calls: TOOL_CALLS.slice(0, 1) },
        { finish_reason: "tool_calls", usage },
      ),
    );
    for (const events of [native, openAiShape]) {
      const text = aSink();
      const { models, runs } = aWorld({ ai: [sse(events).body as unknown as Record<string, unknown>] });
      const answer = await models.step(anAgent("workers-ai"), STEP, { ...limits(), text });
      expect(answer).toMatchObject({
        ok: true,
        value: {
          text: "I look it up.",
          toolCalls: [{ name: "page", input: { url: "https://a.test" } }],
          finishReason: "tool-calls",
        },
        bill: { usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 50, reasoningTokens: 30 } },
      });
      expect(text.heard).toEqual(["I look it up."]);
      expect(runs[0]?.inputs).toMatchObject({ stream: true });
    }
  });
});

it("usage in a last line that nothing ends is read as any", async () => {
  const usage = { prompt_tokens: 100, completion_tokens: 20 };
  const text = await sse(openAiEvents(openAi({ content: "42" }, { usage })), { done: false }).text();
  const cut = new Response(text.trimEnd()).body as unknown as Record<string, unknown>;
  const answer = await aWorld({ ai: [cut] }).models.step(anAgent("workers-ai"), STEP, limits());
  const billed = { status: "billed", usage: { inputTokens: 100, outputTokens: 20 } };
  expect(answer).toMatchObject({ ok: true, value: { text: "42" }, bill: billed });
});

/** The first events of an answer, and then whatever `end` does. */
function broken(
  events: readonly unknown[],
  end: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
  onCancel = (): void => undefined,
): Response {
  const encoder = new TextEncoder();
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const event = events[at++];
      if (event === undefined) return end(controller);
      controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
    },
    cancel: onCancel,
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
}

const SOME = openAiEvents(openAi({ content: "I look it up." })).slice(0, 4);
const AGENT = anAgent("openai-compatible");

describe("a stream that breaks off", () => {
  const rateLimited = { error: { message: "slow down", type: "rate_limit_error", code: 429 } };
  const overloaded = { type: "error", error: { type: "overloaded_error", message: "overloaded" } };
  const someOfAnthropic = anthropicEvents(anthropic([{ type: "text", text: "I look it up." }])).slice(0, 5);
  it.each<[string, "openai-compatible" | "anthropic", () => Response, string]>([
    [
      "by a lost connection",
      "openai-compatible",
      () => broken(SOME, (c) => c.error(new Error("Network connection lost."))),
      "unreachable",
    ],
    [
      "by an end that looks like any",
      "openai-compatible",
      () => broken(SOME, (c) => c.close()),
      "unreachable",
    ],
    [
      "by an end before anything came",
      "openai-compatible",
      () => broken([], (c) => c.close()),
      "unreachable",
    ],
    ["by an error in its midst", "openai-compatible", () => sse([...SOME, rateLimited]), "provider_error"],
    [
      "by an end that looks like any, with a first usage",
      "anthropic",
      () => sse(someOfAnthropic, { done: false }),
      "unreachable",
    ],
    [
      "by a refusal in its midst",
      "anthropic",
      () => sse([...someOfAnthropic, overloaded], { done: false }),
      "provider_error",
    ],
  ])("%s may have cost all that it could", async (_how, provider, response, reason) => {
    const { models, requests } = aWorld({ http: [response(), openAi({ content: "x" })] });
    expect(await models.step(anAgent(provider), STEP, limits())).toMatchObject({
      ok: false,
      failure: { reason },
      bill: { status: "unconfirmed" },
    });
    expect(requests).toHaveLength(1);
  });

  it("is let go of when the call is cancelled, and heard no further", async () => {
    const cancel = new AbortController();
    const onCancel = vi.fn<() => void>();
    const sink = aSink();
    const text = {
      ...sink,
      add(piece: string) {
        sink.add(piece);
        if (sink.heard[0] === "I lo") cancel.abort("stop");
      },
    };
    const hanging = broken(SOME, () => undefined, onCancel);
    const limit = { ...limits(), signal: cancel.signal, text };
    const answer = await aWorld({ http: [hanging] }).models.step(AGENT, STEP, limit);
    expect(answer).toMatchObject({ failure: { reason: "cancelled" }, bill: { status: "unconfirmed" } });
    await vi.waitFor(() => expect(onCancel).toHaveBeenCalledOnce());
    expect(sink.heard).toEqual(["I lo"]);
  });
});

describe("a provider that has gone quiet", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const never = (): void => undefined;
  it.each<[string, () => Scripted]>([
    ["before it answers", () => null],
    ["before the first piece", () => broken([], never)],
    ["in the midst of its answer", () => broken(SOME, never)],
  ])("%s is given up as late", async (_when, script) => {
    const step = aWorld({ http: [script()] }).models.step(AGENT, STEP, { ...limits(), stallMs: 5_000 });
    const ended = vi.fn<(answer: unknown) => void>();
    void step.then(ended);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ended.mock.calls[0]?.[0]).toMatchObject({
      ok: false,
      failure: { reason: "timeout", message: "nothing came for 5000 ms" },
      bill: { status: "unconfirmed" },
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is so on Workers AI, whose binding takes no signal", async () => {
    const step = aWorld({ ai: [null] }).models.step(anAgent("workers-ai"), STEP, {
      ...limits(),
      stallMs: 5_000,
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await step).toMatchObject({ failure: { reason: "timeout" }, bill: { status: "unconfirmed" } });
  });

  it.each(["a silence", "a cancel"])("is let go of where its stream begins after %s", async (what) => {
    const late = Promise.withResolvers<unknown>();
    const onCancel = vi.fn<() => void>();
    const cancel = new AbortController();
    const { models, runs } = aWorld({ ai: [async () => late.promise] });
    const limit = { ...limits({ signal: cancel.signal }), stallMs: 5_000 };
    const step = models.step(anAgent("workers-ai"), STEP, limit);
    await vi.waitFor(() => expect(runs).toHaveLength(1));
    if (what === "a cancel") cancel.abort("stop");
    await vi.advanceTimersByTimeAsync(5_000);
    const reason = what === "a cancel" ? "cancelled" : "timeout";
    expect(await step).toMatchObject({ failure: { reason }, bill: { status: "unconfirmed" } });
    late.resolve(broken(SOME, never, onCancel).body);
    await vi.waitFor(() => expect(onCancel).toHaveBeenCalledOnce());
  });

  it("is nobody's trouble where it fails after it was given up", async () => {
    const late = Promise.withResolvers<unknown>();
    const { models } = aWorld({ ai: [async () => late.promise] });
    const step = models.step(anAgent("workers-ai"), STEP, { ...limits(), stallMs: 5_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await step).toMatchObject({ failure: { reason: "timeout" } });
    late.reject(new Error("too late"));
    await vi.advanceTimersByTimeAsync(1);
  });

  it("may be so for longer where its agent thinks in silence", async () => {
    const patient = anAgent("openai-compatible", { stallMs: 60_000 });
    const step = aWorld({ http: [null] }).models.step(patient, STEP, { ...limits(), stallMs: 5_000 });
    await vi.advanceTimersByTimeAsync(59_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await step).toMatchObject({ failure: { message: "nothing came for 60000 ms" } });
  });

  it("is not one that sends signs of life, however long it thinks", async () => {
    const events = anthropicEvents(anthropic([{ type: "text", text: "Paris" }]));
    const thinking = [events[0], ...Array.from({ length: 10 }, () => ({ type: "ping" })), ...events.slice(1)];
    const encoder = new TextEncoder();
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 4_000));
        const event = thinking.shift();
        if (event === undefined) return controller.close();
        controller.enqueue(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
      },
    });
    const response = new Response(slow, { headers: { "content-type": "text/event-stream" } });
    const step = aWorld({ http: [response] }).models.step(anAgent("anthropic"), STEP, {
      ...limits(),
      stallMs: 5_000,
    });
    await vi.advanceTimersByTimeAsync(200_000);
    expect(await step).toMatchObject({ ok: true, value: { text: "Paris" }, bill: { status: "billed" } });
    expect(vi.getTimerCount()).toBe(0);
  });
});
