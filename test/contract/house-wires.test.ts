/** The real house agents over both wires, with Saleroom's own prompts: the wires lose nothing that an auction needs. */
import OpenAI from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bidPrompt } from "../../src/agents/prompts/bid-prompt.ts";
import { juryPrompt } from "../../src/agents/prompts/jury-prompt.ts";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

const NONCE = "0a1b2c";
const TASK = "Write a JavaScript function `median(numbers)` that returns the median of an array of numbers.";
let emulators: Emulators;
let client: OpenAI;

beforeAll(async () => {
  emulators = await startEmulators({}, { realHouse: true });
  client = new OpenAI({ apiKey: "any", baseURL: `${emulators.origin}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await emulators.dispose();
});

const messages = (prompt: { system: string; user: string }): OpenAI.ChatCompletionMessageParam[] => [
  { role: "system", content: prompt.system },
  { role: "user", content: prompt.user },
];

it.each(["4b", "8b", "14b", "32b"])(
  "house-emulated-%s bids with log-probabilities, the same on both wires",
  async (size) => {
    const body = {
      messages: messages(bidPrompt({ task: TASK, tools: [], maxTokens: 250, nonce: NONCE })),
      max_tokens: 600,
      logprobs: true,
      top_logprobs: 5,
      seed: 1,
    };
    const overHttp = await client.chat.completions.create({ model: `house-emulated-${size}`, ...body });
    const { value } = await emulators.caller<{ value: OpenAI.ChatCompletion }>("/run", {
      model: `@cf/saleroom/house-emulated-${size}`,
      inputs: body,
    });
    expect(overHttp.choices[0]?.message.content?.length).toBeGreaterThan(20);
    expect(overHttp.choices[0]?.logprobs?.content?.length).toBeGreaterThan(5);
    expect(value.choices).toEqual(overHttp.choices);
    expect(value.usage).toEqual(overHttp.usage);
  },
);

it("judges in JSON, one verdict a label", async () => {
  const bids = ["A", "B"].map((label) => ({
    label,
    strategy: `${label}: sort a copy of the numbers, take the middle one, check an empty array.`,
  }));
  const completion = await client.chat.completions.create({
    model: "house-emulated-32b",
    messages: messages(juryPrompt({ task: TASK, bids, nonce: NONCE })),
    response_format: { type: "json_object" },
    seed: 1,
  });
  const scores = JSON.parse(completion.choices[0]?.message.content ?? "") as object;
  expect(Object.keys(scores).toSorted()).toEqual(["A", "B"]);
});
