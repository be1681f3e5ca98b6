import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meanTokenEntropy, positionEntropy } from "../../../src/market/entropy.ts";

const ln = Math.log;

/** k probabilities that leave some mass over, as log-probabilities. */
const topLogprobs = fc
  .record({
    parts: fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 }),
    kept: fc.double({ min: 0.01, max: 1, noNaN: true }),
  })
  .map(({ parts, kept }) => {
    const sum = parts.reduce((total, part) => total + part, 0);
    return parts.map((part) => ln((part / sum) * kept));
  });

describe("entropy of one position", () => {
  test.each([1, 2, 3, 5, 20])("uniform over %d tokens is ln of it", (n) => {
    const logprobs = Array.from({ length: n }, () => ln(1 / n));
    expect(positionEntropy(logprobs)).toBeCloseTo(ln(n), 12);
  });

  test("the remaining mass is one more outcome", () => {
    // p = 0.5, 0.25, rest 0.25: 0.5·ln 2 + 2 · 0.25·ln 4 = 0.5·ln 2 + 1·ln 2 = 1.5·ln 2.
    expect(positionEntropy([ln(0.5), ln(0.25)])).toBeCloseTo(1.5 * ln(2), 12);
  });

  test("a certain token has none", () => {
    expect(positionEntropy([0])).toBe(0);
  });

  test("no returned token: all mass is the one rest, which has none", () => {
    expect(positionEntropy([])).toBe(0);
  });

  test("a token that the provider rules out counts for nothing", () => {
    // OpenAI-compatible servers write -9999 for what cannot come.
    expect(positionEntropy([ln(0.5), ln(0.5), -9999, Number.NEGATIVE_INFINITY])).toBeCloseTo(ln(2), 12);
  });

  test("a log-probability just above 0, a provider's rounding, is certainty", () => {
    expect(positionEntropy([1e-7])).toBe(0);
  });

  test("lies between 0 and ln of the outcomes, the rest being one of them", () => {
    fc.assert(
      fc.property(topLogprobs, (logprobs) => {
        const entropy = positionEntropy(logprobs);
        expect(entropy).toBeGreaterThanOrEqual(0);
        expect(entropy).toBeLessThanOrEqual(ln(logprobs.length + 1) + 1e-9);
      }),
    );
  });

  test("does not depend on the order of the tokens", () => {
    fc.assert(
      fc.property(topLogprobs, (logprobs) => {
        expect(positionEntropy(logprobs.toReversed())).toBeCloseTo(positionEntropy(logprobs), 9);
      }),
    );
  });
});

describe("mean entropy", () => {
  test("is the mean over positions", () => {
    // ln 2 and 0, and once more 0: (ln 2) / 3.
    expect(meanTokenEntropy([[ln(0.5), ln(0.5)], [0], []])).toBeCloseTo(ln(2) / 3, 12);
  });

  test("of nothing is unknown, not 0", () => {
    expect(meanTokenEntropy([])).toBeNull();
  });

  test("lies between the least and the greatest position", () => {
    fc.assert(
      fc.property(fc.array(topLogprobs, { minLength: 1, maxLength: 30 }), (positions) => {
        const each = positions.map(positionEntropy);
        const mean = meanTokenEntropy(positions);
        expect(mean).toBeGreaterThanOrEqual(Math.min(...each) - 1e-9);
        expect(mean).toBeLessThanOrEqual(Math.max(...each) + 1e-9);
      }),
    );
  });
});
