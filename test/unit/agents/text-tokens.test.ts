/** How many tokens a text is guessed to have, by what stands in it. */
import * as fc from "fast-check";
import { Tiktoken } from "js-tiktoken/lite";
import cl100k from "js-tiktoken/ranks/cl100k_base";
import o200k from "js-tiktoken/ranks/o200k_base";
import { describe, expect, it } from "vitest";
import { likelyTokens, textBytes } from "../../../src/agents/text-tokens.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";

const VOCABULARIES = [new Tiktoken(o200k), new Tiktoken(cl100k)];

const PROSE = 0.3;
/** Tokens for each byte, behind a conversation in prose. */
const density = (text: string): number => likelyTokens(textBytes(text), PROSE) / utf8Bytes(text);

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.stringMatching(/^[a-cXY0-9 +/=_.,{}\n-]{0,80}$/),
);

describe("a text's likely tokens", () => {
  it("are of all its bytes, each once", () => {
    fc.assert(
      fc.property(text, (any) => {
        const { plain, dense, signs, other } = textBytes(any);
        expect(plain + dense + signs + other).toBe(utf8Bytes(any));
      }),
    );
  });

  it("are never fewer than at the density of what came before, nor more than bytes", () => {
    fc.assert(
      fc.property(text, fc.double({ min: 0.2, max: 1, noNaN: true }), (any, before) => {
        const tokens = likelyTokens(textBytes(any), before);
        expect(tokens).toBeGreaterThanOrEqual(before * utf8Bytes(any) * (1 - 1e-9));
        expect(tokens).toBeLessThanOrEqual(utf8Bytes(any) * (1 + 1e-9));
      }),
    );
  });

  it.each([
    ["prose", "The market decides, per task, which agent does the work. ".repeat(9)],
    ["code", "const step = steps.at(-1);\n  if (step === undefined) return null;\n".repeat(9)],
    ["JSON", JSON.stringify(Array.from({ length: 20 }, (_, id) => ({ id, name: `agent-${id}`, ok: true })))],
    ["hexadecimal", "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(9)],
    ["identifiers", '"3f2b8a1c-9d4e-4f6a-8b7c-2e1d0f9a8b7c",\n'.repeat(9)],
    ["base64", "SGVsbG8gd29ybGQh8J+Yg2Jhc2U2NCBpcyBkZW5zZQ==".repeat(9)],
    ["numbers", "381.27,4.118,90210,0.5772\n".repeat(9)],
    ["signs", "{}[]()<>;:=+-*/&|!?".repeat(20)],
    ["amino acids", "MVLSPADKTNVKAAWGKVGAHAGEYGAEALERMFLSFPTTKTYFPHF".repeat(9)],
    ["Chinese", "\u4eca\u5929\u5929\u6c14\u5f88\u597d".repeat(9)],
  ])("of %s are about what vocabularies make of it", (_, sample) => {
    const counted = VOCABULARIES.map((vocabulary) => vocabulary.encode(sample).length / utf8Bytes(sample));
    const ratio = density(sample) / Math.max(...counted);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.6);
  });
});
