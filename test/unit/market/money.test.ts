import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addUsage,
  asMicros,
  callCost,
  microsToUsd,
  NO_USAGE,
  sumMicros,
  totalTokens,
  usdToMicros,
  ZERO_MICROS,
  type Prices,
} from "../../../src/market/money.ts";
import { aUsage } from "../../support/builders.ts";
import { usage } from "./support/arbitraries.ts";

// USD per Mtok: input 0.18, cached 0.018, written 0.225, output 0.36.
const PRICES: Prices = {
  inputMicrosPerMtok: 180_000,
  cachedInputMicrosPerMtok: 18_000,
  cacheWriteMicrosPerMtok: 225_000,
  outputMicrosPerMtok: 360_000,
};

const prices = fc.record({
  inputMicrosPerMtok: fc.nat({ max: 100_000_000 }),
  cachedInputMicrosPerMtok: fc.nat({ max: 100_000_000 }),
  cacheWriteMicrosPerMtok: fc.nat({ max: 100_000_000 }),
  outputMicrosPerMtok: fc.nat({ max: 100_000_000 }),
});

describe("amounts", () => {
  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 1])(
    "%d is no amount",
    (value) => {
      expect(() => asMicros(value)).toThrow(RangeError);
    },
  );

  test.each([0, 1, Number.MAX_SAFE_INTEGER])("%d is an amount", (value) => {
    expect(asMicros(value)).toBe(value);
  });

  test("a sum that can no longer be exact throws", () => {
    expect(() => sumMicros([asMicros(Number.MAX_SAFE_INTEGER), asMicros(1)])).toThrow(RangeError);
  });

  test("a sum adds up, and nothing is zero", () => {
    expect(sumMicros([asMicros(3), asMicros(4)])).toBe(7);
    expect(sumMicros([])).toBe(ZERO_MICROS);
  });

  test("dollars round to the nearest micro-dollar", () => {
    expect(usdToMicros(0.36)).toBe(360_000);
    expect(usdToMicros(0.0025)).toBe(2_500);
    // 1.1 * 1e6 is 1100000.0000000002 in doubles.
    expect(usdToMicros(1.1)).toBe(1_100_000);
    expect(usdToMicros(0.0000004)).toBe(0);
    expect(usdToMicros(0.0000006)).toBe(1);
  });

  test("negative dollars throw", () => {
    expect(() => usdToMicros(-0.01)).toThrow(RangeError);
  });

  test("micro-dollars survive the way through dollars", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000_000 }), (value) => {
        expect(usdToMicros(microsToUsd(asMicros(value)))).toBe(value);
      }),
    );
  });
});

describe("the cost of a call", () => {
  test("sums four lines and rounds up once", () => {
    // fresh 1000 − 300 − 100 = 600: 600·180000 + 300·18000 + 100·225000 + 50·360000
    //   = 108,000,000 + 5,400,000 + 22,500,000 + 18,000,000 = 153,900,000; / 1,000,000 = 153.9 → 154.
    // (Rounding each line up first would give 108 + 6 + 23 + 18 = 155.)
    const tokens = { inputTokens: 1_000, cachedInputTokens: 300, cacheWriteTokens: 100, outputTokens: 50 };
    expect(callCost(aUsage(tokens), PRICES)).toBe(154);
  });

  test("a whole number of micro-dollars is not rounded", () => {
    // 1,000,000 · 360000 / 1,000,000 = 360,000.
    expect(callCost({ ...NO_USAGE, outputTokens: 1_000_000 }, PRICES)).toBe(360_000);
  });

  test("one token of the cheapest line costs one micro-dollar, none costs none", () => {
    expect(callCost({ ...NO_USAGE, inputTokens: 1, cachedInputTokens: 1 }, PRICES)).toBe(1);
    expect(callCost(NO_USAGE, PRICES)).toBe(0);
  });

  test("reasoning is part of output and is not billed twice", () => {
    const visible = callCost({ ...NO_USAGE, outputTokens: 5_000 }, PRICES);
    expect(callCost({ ...NO_USAGE, outputTokens: 5_000, reasoningTokens: 4_000 }, PRICES)).toBe(visible);
  });

  test("more cached than all input leaves no negative line", () => {
    // fresh = max(0, 10 − 30): only 30 cached · 18000 = 540,000 → 0.54 → 1.
    expect(callCost({ ...NO_USAGE, inputTokens: 10, cachedInputTokens: 30 }, PRICES)).toBe(1);
  });

  test("is the exact rational cost, rounded up", () => {
    fc.assert(
      fc.property(usage, prices, (tokens, price) => {
        const fresh = tokens.inputTokens - tokens.cachedInputTokens - tokens.cacheWriteTokens;
        const lines: readonly (readonly [number, number])[] = [
          [fresh, price.inputMicrosPerMtok],
          [tokens.cachedInputTokens, price.cachedInputMicrosPerMtok],
          [tokens.cacheWriteTokens, price.cacheWriteMicrosPerMtok],
          [tokens.outputTokens, price.outputMicrosPerMtok],
        ];
        const exact = lines.reduce((sum, [count, each]) => sum + BigInt(count) * BigInt(each), 0n);
        const cost = BigInt(callCost(tokens, price)) * 1_000_000n;
        expect(cost >= exact).toBe(true);
        expect(cost - exact < 1_000_000n).toBe(true);
      }),
    );
  });

  test("splitting a call in two never makes it cheaper, nor dearer by more than one micro-dollar", () => {
    fc.assert(
      fc.property(usage, usage, prices, (a, b, price) => {
        const together = callCost(addUsage(a, b), price);
        const apart = callCost(a, price) + callCost(b, price);
        expect(apart - together).toBeGreaterThanOrEqual(0);
        expect(apart - together).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("usage", () => {
  test("adds up count by count", () => {
    const a = {
      inputTokens: 1,
      cachedInputTokens: 2,
      cacheWriteTokens: 3,
      outputTokens: 4,
      reasoningTokens: 5,
    };
    const b = {
      inputTokens: 10,
      cachedInputTokens: 20,
      cacheWriteTokens: 30,
      outputTokens: 40,
      reasoningTokens: 50,
    };
    expect(addUsage(a, b)).toEqual({
      inputTokens: 11,
      cachedInputTokens: 22,
      cacheWriteTokens: 33,
      outputTokens: 44,
      reasoningTokens: 55,
    });
  });

  test("all tokens are input and output: cached and reasoning are parts of them", () => {
    expect(
      totalTokens({
        inputTokens: 100,
        cachedInputTokens: 60,
        cacheWriteTokens: 20,
        outputTokens: 7,
        reasoningTokens: 5,
      }),
    ).toBe(107);
  });
});
