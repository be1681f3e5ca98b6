/**
 * Draws of an auction: the juror's order of bids, the fences' nonces.
 *
 * Every draw is keyed by (seed, purpose), never by call order or position in the pool, so that the same auction
 * repeats exactly and permuting the pool changes nothing.
 */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";

/**
 * 32-bit FNV-1a with MurmurHash3's finaliser: spreads (seed, purpose) over the generator's seeds. Not for secrets.
 * Without the finaliser, purposes that differ in their last letter give seeds, and then orders, that follow one another.
 */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Outputs that the generator gives before its state, filled from 32 bits, is mixed. */
const WARM_UP = 16;

function generatorFor(seed: number, purpose: string): ReturnType<typeof xoroshiro128plus> {
  const generator = xoroshiro128plus(hash32(`${seed}/${purpose}`));
  for (let i = 0; i < WARM_UP; i++) generator.next();
  return generator;
}

/** The items in an order drawn from (seed, purpose). Callers pass them in a canonical order. */
export function drawOrder<T>(items: readonly T[], seed: number, purpose: string): T[] {
  const generator = generatorFor(seed, purpose);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const pick = uniformInt(generator, 0, last);
    [order[last], order[pick]] = [order[pick] as T, order[last] as T];
  }
  return order;
}

const NONCE_LETTERS = "bcdfghjklmnpqrstvwxz";
const NONCE_LENGTH = 6;

/**
 * Six consonants drawn from (seed, purpose), for the fences of a prompt: no word holds them, one text of many millions
 * does by chance, and they are fewer tokens than as many bits in hexadecimal digits.
 */
export function drawNonce(seed: number, purpose: string): string {
  const generator = generatorFor(seed, purpose);
  const letter = () => NONCE_LETTERS.charAt(uniformInt(generator, 0, NONCE_LETTERS.length - 1));
  return Array.from({ length: NONCE_LENGTH }, letter).join("");
}

/** A number in [0, 1) drawn from (seed, purpose). */
export function drawNumber(seed: number, purpose: string): number {
  return uniformInt(generatorFor(seed, purpose), 0, 0x3fffffff) / 0x40000000;
}
