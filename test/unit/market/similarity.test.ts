/** Cosine of two vectors. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cosine } from "../../../src/market/similarity.ts";

// Eighths: no squares that vanish, which would be a property of doubles and not of the function.
const eighths = fc.integer({ min: -8_000, max: 8_000 }).map((n) => n / 8);
const numbers = fc.array(eighths, { minLength: 3, maxLength: 3 });

describe("cosine", () => {
  test.each([
    [[1, 0], [5, 0], 1],
    [[1, 0], [0, 2], 0],
    [[1, 0], [-3, 0], -1],
    [[3, 4], [4, 3], 24 / 25],
  ])("of %j and %j is %d", (a, b, expected) => {
    expect(cosine(a, b)).toBeCloseTo(expected, 12);
    expect(cosine(Float32Array.from(a), b)).toBeCloseTo(expected, 12);
  });

  test("is 0 where there is no angle", () => {
    expect(cosine([0, 0], [1, 2])).toBe(0);
    expect(cosine([], [])).toBe(0);
    expect(cosine([1, 2], [1, 2, 3])).toBe(0);
  });

  test("is symmetric, within its bounds, and blind to length", () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const value = cosine(a, b);
        expect(cosine(b, a)).toBe(value);
        expect(Math.abs(value)).toBeLessThanOrEqual(1);
        const doubled = a.map((x) => x * 2);
        expect(cosine(doubled, b)).toBeCloseTo(value, 9);
      }),
    );
  });
});
