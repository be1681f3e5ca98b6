import fc from "fast-check";
import { expect, test } from "vitest";
import { sharedWords, wordsOf } from "../../../src/market/words.ts";

test.each([
  ["Read, then READ again.", "read the file", 1 / 5],
  ["größe 2", "Größe 2!", 1],
  ["one", "two", 0],
  ["", "", 0],
])("%j and %j share %d", (a, b, share) => {
  expect(sharedWords(wordsOf(a), wordsOf(b))).toBeCloseTo(share);
});

test("is a share, the same both ways", () => {
  const words = fc.string({ unit: fc.constantFrom("a", "b", "c", " ") }).map(wordsOf);
  fc.assert(
    fc.property(words, words, (a, b) => {
      const share = sharedWords(a, b);
      expect(share).toBe(sharedWords(b, a));
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }),
  );
});
