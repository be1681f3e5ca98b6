/** How deep JSON is nested, of texts that are JSON and of texts that only begin like it. */
import { describe, expect, test } from "vitest";
import { nestsDeeperThan } from "../../../src/market/nesting.ts";

describe("the depth of a text", () => {
  test.each<readonly [string, number]>([
    ["1", 0],
    ['"[[["', 0],
    ['{"a":"]\\"[[","b":[1]}', 2],
    ["[[]]", 2],
    ['{"a":{"b":[{}]}}', 4],
    // What stands in a string that never ends is no bracket.
    ['["[[[', 1],
    ['["\\"[[[', 1],
    ['["[[[\\', 1],
  ])("%s is %i", (text, depth) => {
    expect(nestsDeeperThan(text, depth)).toBe(false);
    if (depth > 0) expect(nestsDeeperThan(text, depth - 1)).toBe(true);
  });

  test.each([
    ["quotes in a string that never ends", '"' + '\\"'.repeat(60_000)],
    ["the same, ending in a backslash", '"' + '\\"'.repeat(60_000) + "\\"],
    ["strings", '"a"'.repeat(60_000)],
    ["backslashes", '"' + "\\".repeat(120_001)],
  ])("of many %s is found in no time: anybody may send it", (_, text) => {
    const from = performance.now();
    expect(nestsDeeperThan(text, 64)).toBe(false);
    expect(performance.now() - from).toBeLessThan(500);
  });
});
