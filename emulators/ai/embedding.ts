/**
 * Emulated text embeddings: hashed bags of words and character n-grams, 768 dimensions, unit length.
 *
 * Deterministic; texts that share words are near, and nothing else is claimed: this is not BGE and knows no meaning.
 * Pure.
 */

/** The one embedding model that the emulators know, and its dimensions. */
export const EMBEDDING_MODEL = "@cf/baai/bge-base-en-v1.5";
export const EMBEDDING_DIMENSIONS = 768;

const WORD_WEIGHT = 1;
const BIGRAM_WEIGHT = 0.5;
const TRIGRAM_WEIGHT = 0.25;

/** Words so common that sharing them says nothing. */
const STOP_WORDS = new Set(
  "a an and are as at be by for from has have if in into is it its of on or that the then this to was were what when which will with you your".split(
    " ",
  ),
);

/** Most words that count: the real model reads 512 tokens and ignores the rest. */
const MOST_WORDS = 400;

export interface Embeddings {
  readonly vectors: readonly (readonly number[])[];
  /** Tokens read, by the rule of thumb of four characters a token. */
  readonly tokens: number;
}

export function embed(texts: readonly string[]): Embeddings {
  return {
    vectors: texts.map(embedText),
    tokens: texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0),
  };
}

function embedText(text: string): number[] {
  const counts = new Map<string, number>();
  const add = (feature: string, weight: number): void => {
    counts.set(feature, (counts.get(feature) ?? 0) + weight);
  };
  const words = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])
    .slice(0, MOST_WORDS)
    .filter((word) => !STOP_WORDS.has(word));
  words.forEach((word, i) => {
    add(`w:${word}`, WORD_WEIGHT);
    if (i > 0) add(`b:${words[i - 1]} ${word}`, BIGRAM_WEIGHT);
    const padded = `^${word}$`;
    for (let at = 0; at + 3 <= padded.length; at++) add(`c:${padded.slice(at, at + 3)}`, TRIGRAM_WEIGHT);
  });
  const vector = Array.from({ length: EMBEDDING_DIMENSIONS }, () => 0);
  for (const [feature, weight] of counts) {
    const hash = fnv1a(feature);
    const at = hash % EMBEDDING_DIMENSIONS;
    // The sign bit makes collisions cancel out on average (feature hashing); log damps what a text repeats.
    vector[at] = (vector[at] ?? 0) + ((hash & 0x80000000) === 0 ? 1 : -1) * Math.log1p(weight);
  }
  return unitLength(vector);
}

/** A text without words gets a fixed direction, as the real model returns no zero vector either. */
function unitLength(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  if (length === 0) return vector.map((_, i) => (i === 0 ? 1 : 0));
  return vector.map((value) => Math.fround(value / length));
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
