/**
 * Draws of an auction: the juror's order of bids, the fences' nonces.
 *
 * Every draw is keyed by (seed, purpose), never by call order or position in the pool, so that the same auction
 * repeats exactly and permuting the pool changes nothing.
 */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformInt } from "pure-rand/distribution/uniformInt";

/** 32-bit FNV-1a: spreads (seed, purpose) over the generator's seeds. Not for secrets. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash;
}

function generatorFor(seed: number, purpose: string): ReturnType<typeof xoroshiro128plus> {
  return xoroshiro128plus(hash32(`${seed}/${purpose}`));
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

/** Eight hexadecimal digits drawn from (seed, purpose), for the fences of a prompt. */
export function drawNonce(seed: number, purpose: string): string {
  return (uniformInt(generatorFor(seed, purpose), 0, 0x7fffffff) + 0x80000000).toString(16);
}
