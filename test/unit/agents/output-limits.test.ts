/** How much a call may write: what its kind needs, what its agent may, and never the window that it is asked in. */
import { describe, expect, it } from "vitest";
import { fitContext } from "../../../src/agents/fit-context.ts";
import {
  bidOutputTokens,
  juryOutputTokens,
  rulingOutputTokens,
  stepOutputTokens,
} from "../../../src/agents/output-limits.ts";
import { anAgent, BID, JURY, STEP } from "./fakes.ts";

const aModel = (contextTokens: number, maxOutputTokens: number) =>
  anAgent("openai-compatible", { contextTokens, maxOutputTokens });
const request = { ...STEP, maxOutputTokens: 8_192 };

describe("an agent that may write as much as its window holds", () => {
  const agent = aModel(8_192, 8_192);

  it("is asked for half of it at most, so that there is room to be asked in", () => {
    expect(stepOutputTokens(agent, request)).toBe(4_096);
    const { leastTokens } = fitContext(agent, request);
    expect(leastTokens + stepOutputTokens(agent, request)).toBeLessThan(agent.contextTokens);
  });

  it("is so by every kind of call", () => {
    const small = aModel(2_048, 64_000);
    const limits = [
      stepOutputTokens(small, { ...request, wrapUp: "deadline" }),
      bidOutputTokens(small, BID),
      juryOutputTokens(small, JURY),
      rulingOutputTokens(small),
    ];
    expect(limits).toEqual([1_024, 1_024, 1_024, 1_024]);
  });
});

it("an agent that may write less than half of its window is asked for what it may", () => {
  expect(stepOutputTokens(aModel(16_384, 8_000), request)).toBe(8_000);
  expect(stepOutputTokens(aModel(131_072, 16_384), request)).toBe(8_192);
});
