/** The real `openai` client against the emulators' HTTP wire. */
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

const MODEL = "house-emulated-8b";
let emulators: Emulators;
let client: OpenAI;

beforeAll(async () => {
  emulators = await startEmulators();
  client = new OpenAI({ apiKey: "any", baseURL: `${emulators.origin}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await emulators.dispose();
});

const user = (content: string) => [{ role: "user" as const, content }];

describe("chat completions", () => {
  it("answers with text, usage by kind, and a label that says emulated", async () => {
    const completion = await client.chat.completions.create({ model: MODEL, messages: user("one two") });
    expect(completion.choices[0]?.message.content).toBe("echo of one two");
    expect(completion.choices[0]?.finish_reason).toBe("stop");
    expect(completion.system_fingerprint).toBe("saleroom-emulated");
    expect(completion.usage).toMatchObject({
      prompt_tokens: 12,
      completion_tokens: 7,
      total_tokens: 19,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 3 },
    });
  });

  it("streams the same text, and usage where asked for", async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages: user("one two"),
      stream: true,
      stream_options: { include_usage: true },
    });
    const deltas: string[] = [];
    let totalTokens: number | undefined;
    for await (const chunk of stream) {
      const text = chunk.choices[0]?.delta.content ?? "";
      if (text !== "") deltas.push(text);
      totalTokens = chunk.usage?.total_tokens ?? totalTokens;
    }
    expect(deltas.join("")).toBe("echo of one two");
    expect(deltas.length).toBeGreaterThan(1);
    expect(totalTokens).toBe(19);
  });

  it("streams no usage where none is asked for", async () => {
    const stream = await client.chat.completions.create({ model: MODEL, messages: user("x"), stream: true });
    for await (const chunk of stream) expect(chunk.usage ?? null).toBeNull();
  });

  it("returns log-probabilities with alternatives, streamed or not", async () => {
    const ask = { model: MODEL, messages: user("one"), logprobs: true, top_logprobs: 2 };
    const whole = await client.chat.completions.create(ask);
    const tokens = whole.choices[0]?.logprobs?.content ?? [];
    expect(tokens.map((token) => token.token).join("")).toBe("echo of one");
    expect(tokens[0]).toMatchObject({
      logprob: -0.25,
      top_logprobs: [{ logprob: -0.25 }, { logprob: -0.5 }],
    });
    const streamed = [];
    for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) {
      streamed.push(...(chunk.choices[0]?.logprobs?.content ?? []));
    }
    expect(streamed).toEqual(tokens);
  });

  it("calls tools and hears their results, streamed or not", async () => {
    const tools = [{ type: "function" as const, function: { name: "say", parameters: { type: "object" } } }];
    const first = await client.chat.completions.create({ model: MODEL, messages: user("hello"), tools });
    const message = first.choices[0]?.message;
    expect(first.choices[0]?.finish_reason).toBe("tool_calls");
    const said = { type: "function", function: { name: "say", arguments: '{"text":"hello"}' } };
    expect(message?.tool_calls).toEqual([{ id: expect.stringMatching(/^call_1-\d+$/), ...said }]);
    const id = message?.tool_calls?.[0]?.id ?? "";
    const second = await client.chat.completions.create({
      model: MODEL,
      tools,
      messages: [
        ...user("hello"),
        message ?? { role: "assistant" },
        { role: "tool", tool_call_id: id, content: "heard" },
      ],
    });
    expect(second.choices[0]?.message.content).toBe("echo of heard");
    const runner = client.chat.completions.stream({ model: MODEL, messages: user("hello"), tools });
    const streamed = (await runner.finalChatCompletion()).choices[0]?.message.tool_calls?.[0];
    expect(streamed).toMatchObject({ function: { arguments: '{"text":"hello"}' } });
    // The same words in another answer: an id of its own.
    expect(streamed?.id).not.toBe(id);
  });

  it("offers no tool under tool_choice none, and the named one under a named choice", async () => {
    const tools = ["a", "b"].map((name) => ({
      type: "function" as const,
      function: { name, parameters: {} },
    }));
    const none = await client.chat.completions.create({
      model: MODEL,
      messages: user("x"),
      tools,
      tool_choice: "none",
    });
    expect(none.choices[0]?.message.content).toBe("echo of x");
    const named = await client.chat.completions.create({
      model: MODEL,
      messages: user("x"),
      tools,
      tool_choice: { type: "function", function: { name: "b" } },
    });
    expect(named.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: "b" } });
  });

  it("answers in JSON under a schema, and hands the seed on", async () => {
    const completion = await client.chat.completions.create({
      model: MODEL,
      messages: user("x"),
      seed: 7,
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
    });
    expect(JSON.parse(completion.choices[0]?.message.content ?? "")).toEqual({ answer: "x", seed: 7 });
  });

  it("stops at max_tokens, max_completion_tokens and stop sequences", async () => {
    const cut = await client.chat.completions.create({
      model: MODEL,
      messages: user("a b c"),
      max_tokens: 3,
    });
    expect(cut.choices[0]).toMatchObject({ finish_reason: "length", message: { content: "echo of a" } });
    const newer = await client.chat.completions.create({
      model: MODEL,
      messages: user("a b c"),
      max_completion_tokens: 3,
    });
    expect(newer.choices[0]?.message.content).toBe("echo of a");
    const stopped = await client.chat.completions.create({
      model: MODEL,
      messages: user("a b c"),
      stop: [" b"],
      logprobs: true,
    });
    expect(stopped.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "echo of a" } });
    expect(stopped.choices[0]?.logprobs?.content).toHaveLength(3);
    expect(stopped.usage?.completion_tokens).toBeLessThan(8);
  });
});

describe("refusals", () => {
  it("wants a bearer token", async () => {
    const response = await fetch(`${emulators.origin}/v1/models`);
    expect(response.status).toBe(401);
    const nameless = new OpenAI({ apiKey: " ", baseURL: `${emulators.origin}/v1`, maxRetries: 0 });
    await expect(nameless.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  });

  it("knows its models and no others; catalogue names belong to the binding", async () => {
    for (const model of ["gpt-5", "@cf/saleroom/house-emulated-8b", "recorded-nobody"]) {
      const call = client.chat.completions.create({ model, messages: user("x") });
      await expect(call).rejects.toBeInstanceOf(NotFoundError);
      await expect(call).rejects.toMatchObject({ code: "model_not_found" });
    }
  });

  it("refuses what it cannot do rather than guess", async () => {
    const bad = [
      { model: MODEL, messages: [] },
      { model: MODEL, messages: user("x"), n: 2 },
      { model: MODEL, messages: user("x"), top_logprobs: 2 },
      {
        model: MODEL,
        messages: [
          { role: "user" as const, content: [{ type: "image_url" as const, image_url: { url: "data:," } }] },
        ],
      },
      {
        model: MODEL,
        messages: user("x"),
        response_format: { type: "json_schema" as const, json_schema: { name: "bare" } },
      },
    ];
    const calling = {
      role: "assistant" as const,
      tool_calls: [{ id: "c", type: "function" as const, function: { name: "f", arguments: "{}" } }],
    };
    const answer = { role: "tool" as const, tool_call_id: "c", content: "x" };
    const disordered = [
      { model: MODEL, messages: [...user("x"), calling] },
      { model: MODEL, messages: [...user("x"), calling, ...user("y")] },
      { model: MODEL, messages: [...user("x"), answer] },
      { model: MODEL, messages: [...user("x"), calling, answer, answer] },
    ];
    for (const body of [...bad, ...disordered])
      await expect(client.chat.completions.create(body)).rejects.toBeInstanceOf(BadRequestError);
  });
});

describe("models, embeddings, documents", () => {
  it("lists models as emulated", async () => {
    const { data } = await client.models.list();
    expect(data.map((model) => model.id)).toContain("house-emulated-32b");
    expect(new Set(data.map((model) => model.owned_by))).toEqual(new Set(["saleroom-emulated"]));
  });

  it("embeds, in base64 as the client prefers and as floats alike", async () => {
    const model = "@cf/baai/bge-base-en-v1.5";
    const packed = await client.embeddings.create({ model, input: ["red apples", "green apples"] });
    const plain = await client.embeddings.create({
      model,
      input: ["red apples", "green apples"],
      encoding_format: "float",
    });
    expect(packed.data).toHaveLength(2);
    expect(packed.data[0]?.embedding).toHaveLength(768);
    expect(packed.data[1]?.embedding[5]).toBeCloseTo(plain.data[1]?.embedding[5] ?? Number.NaN, 6);
    expect(packed.usage.total_tokens).toBeGreaterThan(0);
  });

  it("serves the workload's documents as text", async () => {
    const response = await fetch(`${emulators.origin}/docs/one.md`);
    expect(response.headers.get("content-type")).toContain("text/plain");
    expect(await response.text()).toBe("# One document");
    expect((await fetch(`${emulators.origin}/docs/toString`)).status).toBe(404);
  });
});
