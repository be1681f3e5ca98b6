import { describe, expect, test } from "vitest";
import { agentSchema, outputPrice, poolSchema, type AgentInput } from "../../../src/market/agent.ts";
import { anAgent } from "../../support/builders.ts";

const common = {
  id: "agt_a",
  name: "A",
  model: "a-1",
  usdPerMtok: { input: 0.5, output: 2 },
  priceSource: "https://example.com/prices, 2026-10-01",
  contextTokens: 128_000,
  maxOutputTokens: 8_192,
};
const workersAi: AgentInput = { ...common, provider: "workers-ai" };
const openAi: AgentInput = {
  ...common,
  provider: "openai-compatible",
  baseUrl: "https://api.example.com/v1",
};

function wrongPaths(input: unknown): string[] {
  const parsed = agentSchema.safeParse(input);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join("."));
}

describe("an agent", () => {
  test("has prices in micro-dollars and its defaults filled in", () => {
    expect(agentSchema.parse(workersAi)).toEqual({
      id: "agt_a",
      name: "A",
      model: "a-1",
      provider: "workers-ai",
      priceSource: common.priceSource,
      contextTokens: 128_000,
      maxOutputTokens: 8_192,
      emulated: false,
      topLogprobs: 0,
      prices: {
        inputMicrosPerMtok: 500_000,
        cachedInputMicrosPerMtok: 500_000,
        cacheWriteMicrosPerMtok: 500_000,
        outputMicrosPerMtok: 2_000_000,
      },
    });
  });

  test("pays for cached and written input what its list says", () => {
    const usdPerMtok = { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 };
    expect(agentSchema.parse({ ...workersAi, usdPerMtok }).prices).toEqual({
      inputMicrosPerMtok: 3_000_000,
      cachedInputMicrosPerMtok: 300_000,
      cacheWriteMicrosPerMtok: 3_750_000,
      outputMicrosPerMtok: 15_000_000,
    });
  });

  test("cached input that is free is free, not of the price of fresh input", () => {
    const usdPerMtok = { input: 3, cachedInput: 0, cacheWrite: 0, output: 15 };
    expect(agentSchema.parse({ ...workersAi, usdPerMtok }).prices).toMatchObject({
      cachedInputMicrosPerMtok: 0,
      cacheWriteMicrosPerMtok: 0,
    });
  });

  test("its price in the auction is its output's, in USD per Mtok", () => {
    expect(outputPrice(anAgent({ usdPerMtok: { input: 9, output: 0.36 } }))).toBe(0.36);
  });

  test.each<[string, AgentInput]>([
    ["Workers AI", workersAi],
    ["an OpenAI-compatible endpoint without a key", openAi],
    [
      "an endpoint whose address a variable holds",
      { ...common, provider: "openai-compatible", baseUrlVariable: "BASE_URL", apiKeySecret: "API_KEY" },
    ],
    ["a server on this machine", { ...openAi, baseUrl: "http://127.0.0.1:11434/v1" }],
    ["Anthropic", { ...common, provider: "anthropic", apiKeySecret: "ANTHROPIC_API_KEY" }],
    ["Google", { ...common, provider: "google", apiKeySecret: "GOOGLE_API_KEY" }],
  ])("may be at %s", (_, input) => {
    expect(wrongPaths(input)).toEqual([]);
  });

  test.each<[string, object, string]>([
    ["a provider that is none", { ...workersAi, provider: "acme" }, "provider"],
    ["an id without prefix", { ...workersAi, id: "a" }, "id"],
    ["no name", { ...workersAi, name: "" }, "name"],
    ["a negative price", { ...workersAi, usdPerMtok: { input: -1, output: 1 } }, "usdPerMtok.input"],
    ["no price of output", { ...workersAi, usdPerMtok: { input: 1 } }, "usdPerMtok.output"],
    [
      "a price beyond reason",
      { ...workersAi, usdPerMtok: { input: 1, output: 10_001 } },
      "usdPerMtok.output",
    ],
    ["a price that is none", { ...workersAi, usdPerMtok: { input: 1, output: 1, batch: 1 } }, "usdPerMtok"],
    ["no source of its prices", { ...workersAi, priceSource: "" }, "priceSource"],
    ["no context", { ...workersAi, contextTokens: 0 }, "contextTokens"],
    ["more alternatives than providers give", { ...workersAi, topLogprobs: 21 }, "topLogprobs"],
    ["an unknown field", { ...workersAi, temperature: 1 }, ""],
    ["a key where none belongs", { ...workersAi, apiKeySecret: "API_KEY" }, ""],
    ["a secret of the house", { ...openAi, apiKeySecret: "ADMIN_SECRET" }, "apiKeySecret"],
    ["the key itself instead of its name", { ...openAi, apiKeySecret: "sk-live-123" }, "apiKeySecret"],
    ["an address that is none", { ...openAi, baseUrl: "api.example.com" }, "baseUrl"],
    ["a file as address", { ...openAi, baseUrl: "file:///etc/passwd" }, "baseUrl"],
    ["two addresses", { ...openAi, baseUrlVariable: "BASE_URL" }, "baseUrl"],
    ["no address", { ...common, provider: "openai-compatible" }, "baseUrl"],
    ["no key at Anthropic", { ...common, provider: "anthropic" }, "apiKeySecret"],
    ["no key at Google", { ...common, provider: "google" }, "apiKeySecret"],
  ])("with %s is refused, and the field is named", (_, input, path) => {
    expect(wrongPaths(input)).toEqual([path]);
  });
});

describe("a pool", () => {
  const agents = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ ...workersAi, id: `agt_${at}` }));

  test("has 1 to 64 agents in the order of its file", () => {
    expect(poolSchema.parse(agents(64)).map((agent) => agent.id)).toEqual(agents(64).map(({ id }) => id));
    expect(poolSchema.safeParse(agents(1)).success).toBe(true);
    expect(poolSchema.safeParse([]).success).toBe(false);
    expect(poolSchema.safeParse(agents(65)).success).toBe(false);
  });

  test("names no agent twice, even at different providers", () => {
    const twice = poolSchema.safeParse([workersAi, openAi]);
    expect(twice.error?.issues.map((issue) => issue.message)).toEqual(["two agents have the same id"]);
  });
});
