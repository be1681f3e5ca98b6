/** The pools that ship with the house. */
import { describe, expect, it } from "vitest";
import local from "../../../src/agents/pool/local.json" with { type: "json" };
import production from "../../../src/agents/pool/production.json" with { type: "json" };
import { poolSchema } from "../../../src/market/agent.ts";

describe("pools", () => {
  it("production: six real agents of four providers, from cheap to dear", () => {
    const pool = poolSchema.parse(production);
    expect(pool).toHaveLength(6);
    expect(new Set(pool.map((agent) => agent.provider)).size).toBe(4);
    expect(pool.every((agent) => !agent.emulated)).toBe(true);
    const prices = pool.map((agent) => agent.prices.outputMicrosPerMtok);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
  });

  it("local: the paper's four house agents, labelled emulated, at the paper's output prices", () => {
    const pool = poolSchema.parse(local);
    expect(pool.map((agent) => agent.id)).toEqual([
      "agt_house-4b",
      "agt_house-8b",
      "agt_house-14b",
      "agt_house-32b",
    ]);
    expect(pool.map((agent) => agent.prices.outputMicrosPerMtok)).toEqual([50_000, 90_000, 160_000, 360_000]);
    expect(pool.every((agent) => agent.emulated && agent.topLogprobs === 5)).toBe(true);
  });
});
