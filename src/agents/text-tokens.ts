/**
 * How many tokens a text is likely to have, by what stands in it. Pure, and one walk over its characters.
 *
 * A tokenizer has long tokens for what it has often read: words, and what code is made of. Digits, the letters between
 * them, signs, and other scripts are cut into short ones. `test/unit/agents/text-tokens.test.ts` counts samples of each with
 * the vocabularies o200k and cl100k: in tokens for each byte prose and code have 0.2 to 0.3, JSON 0.4, tables of numbers 0.6,
 * base64 0.8, hexadecimal 0.8, identifiers 0.95. Vocabularies that give each digit a token have more.
 */

/** Ours, from those: what a kind of text is likely to have, in tokens for each byte. They are no bounds. */
const DENSE = 0.85;
const SIGNS = 0.6;
const OTHER_SCRIPTS = 0.4;

/** No word is so long, in characters. */
const LONGEST_WORD = 32;

/** Bytes of UTF-8, by what they are. */
export interface TextBytes {
  /** Words and white space. */
  readonly plain: number;
  /** Digits, and the letters that stand in one run with them, or in a run that is no word. */
  readonly dense: number;
  /** All other signs of ASCII. */
  readonly signs: number;
  /** What is not ASCII. */
  readonly other: number;
}

export const NO_BYTES: TextBytes = { plain: 0, dense: 0, signs: 0, other: 0 };

export function addBytes(a: TextBytes, b: TextBytes): TextBytes {
  return {
    plain: a.plain + b.plain,
    dense: a.dense + b.dense,
    signs: a.signs + b.signs,
    other: a.other + b.other,
  };
}

export function lessBytes(a: TextBytes, b: TextBytes): TextBytes {
  return {
    plain: a.plain - b.plain,
    dense: a.dense - b.dense,
    signs: a.signs - b.signs,
    other: a.other - b.other,
  };
}

export function allBytes({ plain, dense, signs, other }: TextBytes): number {
  return plain + dense + signs + other;
}

/** @param density of text like what came before, in tokens for each byte: no kind is counted with less */
export function likelyTokens({ plain, dense, signs, other }: TextBytes, density: number): number {
  return (
    density * plain +
    Math.max(density, DENSE) * dense +
    Math.max(density, SIGNS) * signs +
    Math.max(density, OTHER_SCRIPTS) * other
  );
}

export function textBytes(text: string): TextBytes {
  let [plain, dense, signs, other] = [0, 0, 0, 0];
  let runStart = 0;
  let hasDigit = false;
  const endRun = (at: number) => {
    const length = at - runStart;
    if (hasDigit || length > LONGEST_WORD) dense += length;
    else plain += length;
    hasDigit = false;
  };
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (isLetter(unit)) continue;
    if (isDigit(unit)) {
      hasDigit = true;
      continue;
    }
    endRun(at);
    runStart = at + 1;
    if (unit >= 0x80) other += bytesOfUnit(unit);
    else if (unit <= 0x20) plain += 1;
    else signs += 1;
  }
  endRun(text.length);
  return { plain, dense, signs, other };
}

function isLetter(unit: number): boolean {
  // Bit 5 is all that an upper-case letter lacks.
  return (unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** Of what is not ASCII; a pair of surrogates has four. */
function bytesOfUnit(unit: number): number {
  if (unit < 0x8_00) return 2;
  return unit >= 0xd8_00 && unit <= 0xdf_ff ? 2 : 3;
}
