import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AGENT_ID_PATTERN, newId, parseId } from "../../../src/market/ids.ts";
import { fixedSource } from "../../support/builders.ts";

const PREFIXES = ["tsk", "auc", "bid", "ten", "key", "cal", "trc", "whk", "dlv"] as const;

describe("new ids", () => {
  test("have their prefix and 26 characters of lower-case Crockford base 32", () => {
    expect(newId("tsk", fixedSource())).toMatch(/^tsk_[0-9a-hjkmnp-tv-z]{26}$/);
  });

  test("are read back under their own prefix and under no other", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PREFIXES),
        fc.constantFrom(...PREFIXES),
        fc.integer({ min: 0, max: 2 ** 48 - 1 }),
        fc.integer(),
        (made, asked, nowMs, seed) => {
          const id = newId(made, fixedSource({ nowMs, seed }));
          expect(parseId(asked, id)).toBe(made === asked ? id : null);
        },
      ),
    );
  });

  test("sort by the time they were made", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 47 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer(),
        (nowMs, laterMs, seed) => {
          const source = fixedSource({ nowMs, seed });
          const earlier = newId("tsk", source);
          source.advance(laterMs);
          expect(earlier < newId("tsk", source)).toBe(true);
        },
      ),
    );
  });

  test("of the same millisecond differ, and depend on time and chance alone", () => {
    const source = fixedSource({ seed: 5 });
    const first = newId("bid", source);
    expect(newId("bid", source)).not.toBe(first);
    expect(newId("bid", fixedSource({ seed: 5 }))).toBe(first);
  });
});

describe("texts that are no id", () => {
  const good = newId("tsk", fixedSource());
  test.each([
    ["empty", ""],
    ["prefix only", "tsk"],
    ["no body", "tsk_"],
    ["one character short", good.slice(0, -1)],
    ["one character more", `${good}0`],
    ["upper case", good.toUpperCase()],
    ["a letter that Crockford leaves out", `${good.slice(0, -1)}u`],
    ["past 48 bits of time", `tsk_8${good.slice(5)}`],
    ["something behind", `${good}_x`],
    ["a line break behind", `${good}\n`],
    ["a path", `../${good}`],
  ])("%s", (_, text) => {
    expect(parseId("tsk", text)).toBeNull();
  });

  test("the id that the others are made from is one", () => {
    expect(parseId("tsk", good)).toBe(good);
  });
});

describe("agents' ids", () => {
  test.each(["agt_a", "agt_house-4b", "agt_7", `agt_${"x".repeat(63)}`])("%s is one", (id) => {
    expect(AGENT_ID_PATTERN.test(id)).toBe(true);
  });

  test.each(["agt_", "agt_-a", "agt_A", "agt_a_b", "agt_a b", "a", `agt_${"x".repeat(64)}`, "agt_a\n"])(
    "%j is none",
    (id) => {
      expect(AGENT_ID_PATTERN.test(id)).toBe(false);
    },
  );
});
