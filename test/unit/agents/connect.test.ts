/** Providers are kept between calls; whom a call goes to, and with which key, is the agent's and the moment's alone. */
import { describe, expect, it } from "vitest";
import { anAgent, aWorld, BID, limits } from "./fakes.ts";

const refuse = () => new Response("{}", { status: 401 });

describe.each([
  ["openai-compatible", "authorization", "Bearer "],
  ["anthropic", "x-api-key", ""],
  ["google", "x-goog-api-key", ""],
] as const)("agents at %s", (provider, header, prefix) => {
  it("that share a model use their own key and address, and a new key from the next call on", async () => {
    const variables = { API_KEY: "sk-one", OTHER_KEY: "sk-two" };
    const world = aWorld({ variables, http: Array.from({ length: 6 }, refuse) });
    const one = anAgent(provider, { apiKeySecret: "API_KEY" });
    const two = anAgent(provider, { apiKeySecret: "OTHER_KEY" });
    const elsewhere = anAgent(provider, { apiKeySecret: "API_KEY", baseUrl: "https://elsewhere.test/v1" });
    for (const agent of [one, two, elsewhere, one]) await world.models.bid(agent, BID, limits());
    variables.API_KEY = "sk-rotated";
    for (const agent of [one, two]) await world.models.bid(agent, BID, limits());
    const keys = world.requests.map(({ headers }) => headers.get(header));
    expect(keys).toEqual(
      ["sk-one", "sk-two", "sk-one", "sk-one", "sk-rotated", "sk-two"].map((key) => `${prefix}${key}`),
    );
    const hosts = world.requests.map(({ url }) => new URL(url).hostname);
    expect(hosts[2]).toBe("elsewhere.test");
    expect(new Set(hosts.toSpliced(2, 1)).size).toBe(1);
    expect(hosts[0]).not.toBe("elsewhere.test");
  });
});

it("an agent beyond those that are kept is asked as any other", async () => {
  const world = aWorld({ http: Array.from({ length: 302 }, refuse) });
  const agents = Array.from({ length: 300 }, (_, n) => anAgent("openai-compatible", { model: `model-${n}` }));
  for (const agent of [...agents, ...agents.slice(0, 2)]) await world.models.bid(agent, BID, limits());
  expect(world.requests.slice(-3).map(({ body }) => body.model)).toEqual(["model-299", "model-0", "model-1"]);
});
