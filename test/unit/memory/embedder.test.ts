/** Embeddings over both wires: what is sent, what is read, and how it fails. */
import { describe, expect, test } from "vitest";
import { NO_USAGE, type Prices } from "../../../src/market/money.ts";
import { createEmbedder, MAX_EMBEDDED_CHARS } from "../../../src/memory/embedder.ts";
import { embeddingConfigSchema } from "../../../src/memory/embedding-config.ts";
import { aWorld, SECRET, type World } from "./fakes.ts";

const workersAi = embeddingConfigSchema.parse({ provider: "workers-ai", dimension: 2 });
const endpoint = {
  provider: "openai-compatible",
  baseUrl: "https://models.test/v1/",
  apiKeySecret: "KEY",
  model: "embed-small",
  dimension: 2,
  usdPerMtok: 2,
  priceSource: "made up for tests",
} as const;
const openAi = embeddingConfigSchema.parse(endpoint);
const forever = () => new AbortController().signal;

const embed = async (world: World, config = workersAi, text = "a task") =>
  (await createEmbedder(world, config).embed(text, forever())).vector;

describe("the configuration", () => {
  test("has BGE base as default", () => {
    expect(embeddingConfigSchema.parse({ provider: "workers-ai" })).toEqual({
      provider: "workers-ai",
      model: "@cf/baai/bge-base-en-v1.5",
      dimension: 768,
      prices: {
        inputMicrosPerMtok: 67_000,
        cachedInputMicrosPerMtok: 67_000,
        cacheWriteMicrosPerMtok: 67_000,
        outputMicrosPerMtok: 0,
      },
      priceSource: expect.stringContaining("unconfirmed"),
    });
  });

  test("takes another price for it, with its source", () => {
    const config = { provider: "workers-ai", usdPerMtok: 0, priceSource: "free of charge" };
    const { prices, priceSource } = embeddingConfigSchema.parse(config);
    expect([prices.inputMicrosPerMtok, priceSource]).toEqual([0, "free of charge"]);
  });

  test.each<[object, string]>([
    [{ ...endpoint, baseUrlVariable: "URL" }, "both"],
    [{ ...endpoint, baseUrl: undefined }, "neither"],
    [{ ...endpoint, baseUrl: "ftp://models.test" }, "another protocol"],
    [{ ...endpoint, apiKeySecret: SECRET }, "a key instead of its name"],
    [{ ...endpoint, dimension: 1_537 }, "more than Vectorize holds"],
    [{ provider: "workers-ai", dimension: 0 }, "no dimension"],
    [{ provider: "workers-ai", model: "@cf/baai/bge-m3", dimension: 1_024 }, "a model of unknown price"],
    [{ provider: "workers-ai", usdPerMtok: 1 }, "a price from nowhere"],
    [{ provider: "workers-ai", priceSource: "the list" }, "a source of no price"],
    [{ ...endpoint, usdPerMtok: undefined }, "an endpoint of unknown price"],
    [{ ...endpoint, usdPerMtok: -1 }, "a negative price"],
  ])("refuses %o: %s", (config) => {
    expect(embeddingConfigSchema.safeParse(config).success).toBe(false);
  });
});

describe("over Workers AI", () => {
  test("asks the binding without a signal, and gives a unit vector", async () => {
    const world = aWorld([{ shape: [1, 2], data: [[3, -4]], pooling: "cls" }]);
    const embedder = createEmbedder(world, workersAi);
    expect(embedder.dimension).toBe(2);
    expect((await embedder.embed("a task", forever())).vector).toEqual({
      ok: true,
      value: Float32Array.of(0.6, -0.8),
    });
    expect(world.sent).toEqual([
      { url: "@cf/baai/bge-base-en-v1.5", authorization: null, body: { text: ["a task"] } },
    ]);
  });

  test("cuts a long text, never through a character", async () => {
    const world = aWorld([{ data: [[1, 0]] }]);
    await embed(world, workersAi, `x${"🐟".repeat(MAX_EMBEDDED_CHARS)}`);
    const body = world.sent[0]?.body as { text: string[] } | undefined;
    const text = body?.text[0] ?? "";
    expect(text).toHaveLength(MAX_EMBEDDED_CHARS);
    expect(text.isWellFormed()).toBe(true);
  });

  test("names both numbers and the model where the dimension is another", async () => {
    const answer = await embed(aWorld([{ data: [[1, 2, 3]] }]));
    expect(answer).toMatchObject({ ok: false, failure: { reason: "wrong_dimension" } });
    expect(JSON.stringify(answer)).toMatch(/bge-base-en-v1\.5 .*\b3 numbers.*\b2\b/);
  });

  test.each([
    [{}, "malformed"],
    [{ data: [] }, "malformed"],
    [{ data: [[]] }, "malformed"],
    [{ data: [["1", "2"]] }, "malformed"],
    [{ data: [[0, 0]] }, "malformed"],
    [new Error("InferenceUpstreamError: 3040: Capacity temporarily exceeded"), "unreachable"],
    [new Error("5007: No such model @cf/x or task"), "misconfigured"],
  ])("answers %o as %s", async (scripted, reason) => {
    expect(await embed(aWorld([scripted]))).toMatchObject({ ok: false, failure: { reason } });
  });

  test("stops waiting when the signal aborts, and asks nothing after", async () => {
    const world = aWorld([null]);
    const controller = new AbortController();
    const embedder = createEmbedder(world, workersAi);
    const answer = embedder.embed("a task", controller.signal);
    controller.abort(new Error("out of time"));
    const failed = {
      ok: false,
      failure: { reason: "unreachable", message: expect.stringContaining("out of time") },
    };
    expect(await answer).toEqual({ vector: failed, bill: { status: "unconfirmed" } });
    // Nothing was asked, and nothing is owed.
    expect(await embedder.embed("a task", controller.signal)).toEqual({
      vector: failed,
      bill: { status: "refused" },
    });
    expect(world.sent).toHaveLength(1);
  });

  test("misses the binding", async () => {
    expect(await embed({ ...aWorld([]), ai: undefined })).toMatchObject({
      failure: { reason: "misconfigured", message: "the binding AI is missing" },
    });
  });
});

describe("over an OpenAI-compatible endpoint", () => {
  const ANSWER = { object: "list", data: [{ object: "embedding", index: 0, embedding: [0, 5] }], usage: {} };

  test("posts to /embeddings with the key", async () => {
    const world = aWorld([ANSWER]);
    expect(await embed(world, openAi)).toEqual({ ok: true, value: Float32Array.of(0, 1) });
    expect(world.sent).toEqual([
      {
        url: "https://models.test/v1/embeddings",
        authorization: `Bearer ${SECRET}`,
        body: { model: "embed-small", input: "a task", encoding_format: "float" },
      },
    ]);
  });

  test("needs no key where none is named, and reads its URL from a variable", async () => {
    const { baseUrl: _, apiKeySecret: __, ...rest } = endpoint;
    const config = embeddingConfigSchema.parse({ ...rest, baseUrlVariable: "URL" });
    const world = aWorld([ANSWER], { URL: "http://local.test" });
    expect(await embed(world, config)).toMatchObject({ ok: true });
    expect(world.sent).toMatchObject([{ url: "http://local.test/embeddings", authorization: null }]);
    expect(await embed(aWorld([], { URL: "local" }), config)).toMatchObject({
      failure: { reason: "misconfigured", message: expect.stringContaining("URL") },
    });
  });

  test.each([
    [new Response("bad key sk-test-0123456789abcdef", { status: 401 }), "misconfigured"],
    [new Response("no such model", { status: 404 }), "misconfigured"],
    [new Response("slow down", { status: 429 }), "unreachable"],
    [new TypeError(`fetch failed for Bearer ${SECRET}`), "unreachable"],
    [new Response("<html>"), "malformed"],
    [{ data: [{ embedding: "AAAAAA==" }] }, "malformed"],
    [{ data: [{ embedding: [1] }] }, "wrong_dimension"],
  ])("answers %o as %s, and keeps the key to itself", async (scripted, reason) => {
    const answer = await embed(aWorld([scripted]), openAi);
    expect(answer).toMatchObject({ ok: false, failure: { reason } });
    expect(JSON.stringify(answer)).not.toContain(SECRET);
  });

  test.each(["", "  ", "two words", "schlüssel"])("asks nothing with the key %j", async (key) => {
    const world = aWorld([], { KEY: key });
    expect(await embed(world, openAi)).toMatchObject({ failure: { reason: "misconfigured" } });
    expect(world.sent).toEqual([]);
  });

  test("hands the signal on", async () => {
    const controller = new AbortController();
    const answer = createEmbedder(aWorld([null]), openAi).embed("a task", controller.signal);
    setTimeout(() => controller.abort(new Error("out of time")), 1);
    expect(await answer).toMatchObject({
      vector: { failure: { reason: "unreachable" } },
      bill: { status: "unconfirmed" },
    });
  });
});

describe("the bill", () => {
  const billed = (prices: Prices, inputTokens: number, costMicros: number) => ({
    status: "billed",
    usage: { ...NO_USAGE, inputTokens },
    costMicros,
    prices,
  });
  const vector = { data: [{ embedding: [1, 0] }] };

  test.each<[object | Error, object]>([
    // 7 tokens at 2 USD per Mtok.
    [{ ...vector, usage: { prompt_tokens: 7, total_tokens: 7 } }, billed(openAi.prices, 7, 14)],
    // The answer is of no use, and was given all the same.
    [{ data: [{ embedding: [1] }], usage: { prompt_tokens: 7 } }, billed(openAi.prices, 7, 14)],
    [vector, { status: "unconfirmed" }],
    [{ ...vector, usage: { prompt_tokens: 0 } }, { status: "unconfirmed" }],
    [{ ...vector, usage: { prompt_tokens: "7" } }, { status: "unconfirmed" }],
    [new Response("<html>"), { status: "unconfirmed" }],
    [new TypeError("fetch failed"), { status: "unconfirmed" }],
    [new Response("slow down", { status: 429 }), { status: "refused" }],
    [new Response("no", { status: 401 }), { status: "refused" }],
  ])("of the endpoint's %o is %o", async (answer, bill) => {
    expect((await createEmbedder(aWorld([answer]), openAi).embed("a task", forever())).bill).toEqual(bill);
  });

  test.each<[object | Error, object]>([
    [{ data: [[1, 0]] }, { status: "unconfirmed" }],
    // Should the binding report it one day, it is taken at its word: 30 tokens at 0.067 USD per Mtok.
    [{ data: [[1, 0]], usage: { prompt_tokens: 30 } }, billed(workersAi.prices, 30, 3)],
    [new Error("InferenceUpstreamError: 3040: Capacity temporarily exceeded"), { status: "refused" }],
    [new Error("Network connection lost."), { status: "unconfirmed" }],
  ])("of Workers AI's %o is %o", async (answer, bill) => {
    expect((await createEmbedder(aWorld([answer]), workersAi).embed("a task", forever())).bill).toEqual(bill);
  });

  test("of what was never sent is nothing", async () => {
    const unset = createEmbedder(aWorld([], { KEY: "" }), openAi);
    expect((await unset.embed("a task", forever())).bill).toEqual({ status: "refused" });
    const unbound = createEmbedder({ ...aWorld([]), ai: undefined }, workersAi);
    expect((await unbound.embed("a task", forever())).bill).toEqual({ status: "refused" });
  });

  test("is bounded by the bytes that are sent", () => {
    const { bound } = createEmbedder(aWorld([]), openAi);
    // 2 micro-USD per token: a token is at least one byte, and 16 may stand around the text.
    expect(bound("a task")).toBe((6 + 16) * 2);
    expect(bound("🐟")).toBe((4 + 16) * 2);
    expect(bound("x".repeat(1_000_000))).toBe((MAX_EMBEDDED_CHARS + 16) * 2);
  });
});
