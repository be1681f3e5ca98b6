/** What of a conversation the next agent is sent, whose window and tokens are others. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitContext } from "../../../src/agents/fit-context.ts";
import type { Step } from "../../../src/market/step.ts";
import { aStep, aTrace, OUTPUT, requestOf, tokensOf, type Said } from "./counted-trace.ts";
import { anAgent } from "./fakes.ts";

const FIRST = anAgent("openai-compatible");

describe("a conversation that another agent takes over", () => {
  const windows = fc.constantFrom(16_384, 65_536, 262_144);
  const pages = fc.array(
    fc.record({
      words: fc.integer({ min: 1, max: 300 }),
      answers: fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 3 }),
      failed: fc.boolean(),
    }),
    { minLength: 1, maxLength: 25 },
  );
  const handedOn = fc
    .record({ all: pages, from: windows, to: windows, density: fc.constantFrom(0, 0.22, 0.28, 0.35) })
    .map(({ all, from, to, density: tokens }) => ({
      steps: aTrace(all, tokens, anAgent("openai-compatible", { contextTokens: from })).map((step) => ({
        ...step,
        writtenBy: FIRST.id,
      })),
      next: anAgent("openai-compatible", { contextTokens: to }),
      density: tokens,
    }));

  it("is fitted into that one's window, whatever the first one was sent, and with tokens that are denser by a fifth", () => {
    fc.assert(
      fc.property(handedOn, ({ steps, next, density: tokens }) => {
        const { request, leftOut, leastTokens } = fitContext(next, requestOf(steps));
        const most = fitContext({ ...next, contextTokens: 1_024 }, requestOf(steps));
        const counted = (history: readonly Step[]) => tokensOf(history, tokens === 0 ? 0.35 : 1.2 * tokens);
        if (counted(request.history) + OUTPUT > next.contextTokens) expect(leftOut).toEqual(most.leftOut);
        if (counted(most.request.history) + OUTPUT <= next.contextTokens)
          expect(leastTokens + OUTPUT).toBeLessThanOrEqual(next.contextTokens);
      }),
      { numRuns: 100 },
    );
  });

  it("stays whole where it fits by far, and its latest answers wherever they do", () => {
    fc.assert(
      fc.property(handedOn, ({ steps, next, density: tokens }) => {
        const { request, leftOut } = fitContext(next, requestOf(steps));
        // Counted half as dense again as that one's provider counts it; and as it is guessed, where that was sent little of it.
        const isKnown = steps.some(({ usage: { inputTokens } }, at) => {
          const whole = tokensOf(steps.slice(0, at), tokens);
          return tokens > 0 && inputTokens === whole && whole / tokens > 10_000;
        });
        const counted = (history: readonly Step[]) => tokensOf(history, isKnown ? 1.5 * tokens : 0.6);
        if (counted(steps) + OUTPUT <= next.contextTokens) expect(leftOut.characters).toBe(0);
        const short = fitContext({ ...next, contextTokens: 1_024 }, requestOf(steps.slice(0, -1)));
        const latest = steps.slice(-1);
        if (counted([...short.request.history, ...latest]) + OUTPUT <= next.contextTokens)
          expect(request.history.slice(-1)).toEqual(latest);
      }),
      { numRuns: 100 },
    );
  });

  it("goes on by what that one's provider counts of it", () => {
    const all = Array.from({ length: 12 }, (): Said => ({ words: 80, answers: [12_000], failed: false }));
    const large = anAgent("openai-compatible", { contextTokens: 262_144 });
    const before = aTrace(all, 0.25, large).map((step) => ({ ...step, writtenBy: FIRST.id }));
    const next = anAgent("openai-compatible", { contextTokens: 32_768 });
    const first = fitContext(next, requestOf(before));
    const inputTokens = tokensOf(first.request.history, 0.3);
    const own = aStep(13, { words: 80, answers: [8_000], failed: false }, { inputTokens, density: 0.3 });
    const then = fitContext(next, requestOf([...before, own]));
    expect(then.request.history.slice(0, -1)).toEqual(first.request.history);
    expect(tokensOf(then.request.history, 0.3) + OUTPUT).toBeLessThan(next.contextTokens);
  });
});
