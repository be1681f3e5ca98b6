/** A text as a number that seeds the sandbox's `Math.random` (cyrb53, bryc, public domain). Not for secrets. */

/** An integer from 1 to 2^53 - 1, well spread even for texts that differ in one character. */
export function seedFrom(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return Math.max(1, 4_294_967_296 * (2_097_151 & low) + (high >>> 0));
}
