import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginningWithin } from "../../../src/market/cut-text.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";

const bytesOf = (text: string) => utf8Bytes(JSON.stringify(text)) - 2;
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(fc.nat(0xffff), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
);

describe("the beginning of a text", () => {
  it("takes no more bytes as JSON than it may, and one character more would", () => {
    fc.assert(
      fc.property(anyText, fc.nat(200), (text, maxBytes) => {
        const kept = beginningWithin(text, maxBytes);
        const whole = text.toWellFormed();
        expect(whole.startsWith(kept)).toBe(true);
        expect(kept.isWellFormed()).toBe(true);
        expect(bytesOf(kept)).toBeLessThanOrEqual(maxBytes);
        const next = whole.codePointAt(kept.length);
        if (next === undefined) return;
        expect(bytesOf(kept + String.fromCodePoint(next))).toBeGreaterThan(maxBytes);
      }),
    );
  });
});
