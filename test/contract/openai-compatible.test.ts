/** The AI SDK's `@ai-sdk/openai-compatible` provider against the emulators' HTTP wire. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embed, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

let emulators: Emulators;
let provider: ReturnType<typeof createOpenAICompatible>;
beforeAll(async () => {
  emulators = await startEmulators();
  provider = createOpenAICompatible({
    name: "emulated",
    apiKey: "any",
    baseURL: `${emulators.origin}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
});
afterAll(async () => {
  await emulators.dispose();
});

const model = () => provider("house-emulated-14b");

it("generates text with usage by kind", async () => {
  const result = await generateText({ model: model(), prompt: "one two", maxRetries: 0 });
  expect(result.text).toBe("echo of one two");
  expect(result.usage).toMatchObject({
    inputTokens: 12,
    outputTokens: 7,
    inputTokenDetails: { cacheReadTokens: 2 },
    outputTokenDetails: { reasoningTokens: 3 },
  });
});

it("streams text, usage last", async () => {
  const result = streamText({ model: model(), prompt: "one two", maxRetries: 0 });
  let text = "";
  for await (const delta of result.textStream) text += delta;
  expect(text).toBe("echo of one two");
  expect(await result.usage).toMatchObject({ inputTokens: 12, outputTokens: 7 });
});

it("calls tools in steps, streamed or not", async () => {
  const say = tool({
    description: "says a text back",
    inputSchema: jsonSchema<{ text: string }>({ type: "object", properties: { text: { type: "string" } } }),
    execute: ({ text }) => `heard ${text}`,
  });
  const options = {
    model: model(),
    prompt: "hello",
    tools: { say },
    stopWhen: stepCountIs(3),
    maxRetries: 0,
  };
  expect((await generateText(options)).text).toBe("echo of heard hello");
  const streamed = streamText(options);
  await streamed.consumeStream();
  expect((await streamed.steps).length).toBe(2);
  expect(await streamed.text).toBe("echo of heard hello");
});

it("gives structured output", async () => {
  const schema = jsonSchema<{ answer: string }>({
    type: "object",
    properties: { answer: { type: "string" } },
  });
  const result = await generateText({
    model: model(),
    prompt: "x",
    output: Output.object({ schema }),
    maxRetries: 0,
  });
  expect(result.output).toMatchObject({ answer: "x" });
});

it("embeds", async () => {
  const { embedding } = await embed({
    model: provider.textEmbeddingModel("@cf/baai/bge-base-en-v1.5"),
    value: "x",
    maxRetries: 0,
  });
  expect(embedding).toHaveLength(768);
});

it("hands log-probabilities out through the response body", async () => {
  const result = await generateText({
    model: model(),
    prompt: "one",
    maxRetries: 0,
    include: { responseBody: true },
    providerOptions: { emulated: { logprobs: true, top_logprobs: 1 } },
  });
  expect(result.response.body).toMatchObject({
    choices: [{ logprobs: { content: [{ token: "echo" }, {}, {}] } }],
  });
});

it("reads a fault's status and retry-after", async () => {
  await emulators.admin("PUT", "/emulator/faults/house-emulated-14b", { status429: { retryAfterS: 3 } });
  const error = await generateText({ model: model(), prompt: "x", maxRetries: 0 }).catch(
    (caught: unknown) => caught,
  );
  await emulators.admin("DELETE", "/emulator/faults");
  expect(APICallError.isInstance(error) && error.isRetryable).toBe(true);
  expect(error).toMatchObject({ statusCode: 429, responseHeaders: { "retry-after": "3" } });
});
