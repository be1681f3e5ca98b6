/** The real `workers-ai-provider`, and raw `run`, over the emulated AI binding: a service binding to another Worker. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

/** Answers in the native shape in this file; the other one in OpenAI's. */
const NATIVE = "@cf/saleroom/house-emulated-4b";
const OPENAI_SHAPED = "@cf/saleroom/house-emulated-8b";
const EMBEDDING = "@cf/baai/bge-base-en-v1.5";

interface Failure {
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly statusCode?: number;
    readonly isRetryable?: boolean;
  };
}
interface Answer {
  readonly value: Record<string, unknown>;
}

let emulators: Emulators;
beforeAll(async () => {
  emulators = await startEmulators({ NATIVE_SHAPE_MODELS: "house-emulated-4b" });
});
afterAll(async () => {
  await emulators.dispose();
});

const dot = (x: number[], y: number[]) => x.reduce((sum, xi, i) => sum + xi * (y[i] ?? 0), 0);
const messages = (content: string) => [{ role: "user", content }];

describe.each([NATIVE, OPENAI_SHAPED])("workers-ai-provider with %s", (model) => {
  it("generates text with usage and cached tokens", async () => {
    const { value } = await emulators.caller<Answer>("/generate-text", { model, prompt: "one two" });
    expect(value).toMatchObject({
      text: "echo of one two",
      finishReason: "stop",
      usage: { inputTokens: 12, outputTokens: 7, inputTokenDetails: { cacheReadTokens: 2 } },
    });
  });

  it("streams text in several deltas, with usage", async () => {
    const { value } = await emulators.caller<Answer>("/stream-text", { model, prompt: "one two" });
    expect(value).toMatchObject({
      text: "echo of one two",
      finishReason: "stop",
      usage: { inputTokens: 12, outputTokens: 7 },
    });
    expect(value["deltas"]).toBeGreaterThan(1);
  });

  it("calls a tool and goes on with its result", async () => {
    const { value } = await emulators.caller<Answer>("/tools", { model, prompt: "hello" });
    expect(value).toEqual({
      steps: 2,
      text: "echo of tool heard hello",
      calls: [["say", { text: "hello" }]],
    });
  });

  it("gives structured output", async () => {
    const { value } = await emulators.caller<Answer>("/object", { model, prompt: "x" });
    expect(value).toMatchObject({ answer: "x" });
  });
});

describe("run", () => {
  it("answers in the native shape, JSON mode parsed", async () => {
    const { value } = await emulators.caller<Answer>("/run", {
      model: NATIVE,
      inputs: {
        messages: messages("x"),
        response_format: { type: "json_schema", json_schema: { type: "object" } },
      },
    });
    expect(value).toMatchObject({
      response: { answer: "x" },
      tool_calls: [],
      usage: {
        prompt_tokens_details: { cached_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    });
  });

  it("takes what the provider drops: seed, stop and log-probabilities", async () => {
    const { value } = await emulators.caller<Answer>("/run", {
      model: OPENAI_SHAPED,
      inputs: { messages: messages("a b"), stop: [" b"], seed: 5, logprobs: true, top_logprobs: 3 },
    });
    expect(value).toMatchObject({
      system_fingerprint: "saleroom-emulated",
      choices: [
        {
          message: { content: "echo of a" },
          logprobs: { content: [{ token: "echo", logprob: -0.25 }, {}, {}] },
        },
      ],
    });
    const { calls } = await emulators.admin<{ calls: { seed: number | null }[] }>("GET", "/emulator/calls");
    expect(calls.at(-1)?.seed).toBe(5);
  });

  it("ends a reply at 256 tokens where no max_tokens is named", async () => {
    const long = Array.from({ length: 400 }, () => "w").join(" ");
    const { value } = await emulators.caller<Answer>("/run", {
      model: OPENAI_SHAPED,
      inputs: { messages: messages(long) },
    });
    expect(value).toMatchObject({
      choices: [{ finish_reason: "length" }],
      usage: { completion_tokens: 259 },
    });
  });

  it("takes a prompt for messages, and returns a raw response where asked", async () => {
    const raw = await emulators.caller<Record<string, unknown>>("/run", {
      model: NATIVE,
      inputs: { prompt: "x" },
      options: { returnRawResponse: true },
    });
    expect(raw).toMatchObject({ response: "echo of x" });
  });

  it("embeds one text or several: similar texts are near", async () => {
    const { value } = await emulators.caller<Answer>("/run", {
      model: EMBEDDING,
      inputs: {
        text: [
          "parse a csv file with quotes",
          "parse csv files that have quoted fields",
          "plan a walk in the mountains",
        ],
      },
    });
    expect(value).toMatchObject({ shape: [3, 768], pooling: "cls" });
    expect(value["emulated"]).toBeDefined();
    const [a, b, c] = value["data"] as [number[], number[], number[]];
    expect(dot(a, a)).toBeCloseTo(1, 4);
    expect(dot(a, b)).toBeGreaterThan(0.3);
    expect(dot(a, c)).toBeLessThan(0.15);
    const one = await emulators.caller<Answer>("/run", {
      model: EMBEDDING,
      inputs: { text: "parse a csv file with quotes" },
    });
    expect(one.value["shape"]).toEqual([1, 768]);
    expect((one.value["data"] as number[][])[0]).toEqual(a);
    const viaSdk = await emulators.caller<{ value: number[][] }>("/embed", {
      values: ["parse a csv file with quotes", "x"],
    });
    expect(viaSdk.value[0]).toEqual(a);
    expect(viaSdk.value).toHaveLength(2);
  });

  it.each(["@cf/nobody/none", "house-emulated-8b", "@cf/saleroom/recorded-nobody"])(
    "throws 5007 for %s",
    async (model) => {
      const { error } = await emulators.caller<Failure>("/run", {
        model,
        inputs: { messages: messages("x") },
      });
      expect(error.message).toContain(`5007: No such model ${model}`);
      const viaSdk = await emulators.caller<Failure>("/generate-text", { model, prompt: "x" });
      expect(viaSdk.error).toMatchObject({ statusCode: 400, isRetryable: false });
    },
  );

  it("throws 5006 for inputs that do not parse", async () => {
    const { error } = await emulators.caller<Failure>("/run", { model: NATIVE, inputs: {} });
    expect(error.message).toMatch(/5006: Error: .*\/messages/);
  });
});
