/** Canonical JSON against RFC 8785's own examples, and as an invariant of any JSON value. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../../src/market/receipt-json.ts";

test("writes the examples of RFC 8785, sections 3.2.2 and 3.2.3", () => {
  const literals = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`) as unknown;
  expect(canonicalJson(literals)).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
  const sorted = { "€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, ö: 7 };
  expect([...canonicalJson(sorted).matchAll(/:(\d)/g)].map((match) => match[1]).join("")).toBe("2467153");
});

test("reads back to the same value, and does not depend on the order of members", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (drawn) => {
      const value = JSON.parse(JSON.stringify(drawn)) as unknown;
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(value);
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  );
}

test.each([undefined, Number.NaN, Infinity, () => 1, 1n])("refuses what JSON does not have: %s", (value) => {
  expect(() => canonicalJson({ value })).toThrow(TypeError);
});

test("gives a text with a lone surrogate bytes that read back as the same text", () => {
  expect(JSON.parse(canonicalJson("a\ud800b"))).toBe("a\ud800b");
});
