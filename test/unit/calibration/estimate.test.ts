import { describe, expect, test } from "vitest";
import { estimateRun, runBound } from "../../../src/market/calibration/estimate.ts";
import { agentId, anAgent } from "../../support/builders.ts";

const cheap = anAgent({ id: "agt_cheap", name: "Cheap", model: "m", price: 0.1 });
const dear = anAgent({ id: "agt_dear", name: "Dear", model: "m", price: 1 });
const free = anAgent({ id: "agt_free", name: "Free", model: "m", price: 0 });
const pool = [cheap, dear, free];
const seen = (name: string, traces: number, costMicros: number) => ({
  agentId: agentId(name),
  traces,
  costMicros,
});

describe("what a run is expected to cost", () => {
  test("is the agent's own mean, rounded up", () => {
    expect(estimateRun(cheap, pool, [seen("cheap", 3, 100), seen("dear", 1, 9_000)])).toEqual({
      expectedMicros: 34,
      basis: "own_mean",
      traces: 3,
    });
  });

  test("scales by output price what the others cost, weighted by their traces", () => {
    // 4 traces at 0.1 USD/Mtok for 100 µ$ in all: 250 µ$ per USD/Mtok and trace.
    expect(estimateRun(dear, pool, [seen("cheap", 4, 100)])).toEqual({
      expectedMicros: 250,
      basis: "scaled_by_price",
      traces: 4,
    });
    // (100 + 900) / (4·0.1 + 2·1) = 416.67, times nothing for who is free.
    expect(estimateRun(free, pool, [seen("cheap", 4, 100), seen("dear", 2, 900)])).toMatchObject({
      expectedMicros: 0,
      basis: "scaled_by_price",
      traces: 6,
    });
  });

  test("is unknown, not 0, where no trace with a price is there to go by", () => {
    const unknown = { expectedMicros: null, basis: "unknown", traces: 0 };
    expect(estimateRun(dear, pool, [])).toEqual(unknown);
    expect(estimateRun(dear, pool, [seen("free", 5, 0)])).toEqual(unknown);
    expect(estimateRun(dear, pool, [seen("gone", 5, 700)])).toEqual(unknown);
    expect(estimateRun(dear, pool, [seen("dear", 0, 0)])).toEqual(unknown);
  });
});

test("a run is bounded by its steps, each with a full context at the dearest input and the longest output", () => {
  const agent = {
    contextTokens: 1_000_000,
    maxOutputTokens: 500_000,
    prices: {
      inputMicrosPerMtok: 3_000,
      cachedInputMicrosPerMtok: 300,
      cacheWriteMicrosPerMtok: 4_000,
      outputMicrosPerMtok: 10_000,
    },
  };
  // 4,000 + 10,000 · 0.25 per step; then the agent's own longest output is the shorter one.
  expect(runBound(agent, { maxSteps: 10, maxOutputTokens: 250_000 })).toBe(65_000);
  expect(runBound(agent, { maxSteps: 1, maxOutputTokens: 900_000 })).toBe(9_000);
});
