/** Cuts text to what may be kept of it. Pure. */

/**
 * The longest beginning of a text that takes no more than so many bytes as JSON in UTF-8, without its quotation marks. No
 * character is torn, and halves of characters that stand alone are replaced.
 */
export function beginningWithin(text: string, maxBytes: number): string {
  const whole = text.toWellFormed();
  let bytes = 0;
  let at = 0;
  for (; at < whole.length; at++) {
    bytes += bytesOf(whole.charCodeAt(at));
    if (bytes > maxBytes) break;
  }
  // The first half of a pair whose second one does not fit.
  if (at < whole.length && isSecondHalf(whole.charCodeAt(at))) at -= 1;
  return whole.slice(0, at);
}

/** Of a UTF-16 unit as `JSON.stringify` writes it; each half of a pair is two of its four bytes. */
function bytesOf(unit: number): number {
  if (unit < 0x20) return SHORT_ESCAPES.has(unit) ? 2 : 6;
  if (unit === 0x22 || unit === 0x5c) return 2;
  if (unit < 0x80) return 1;
  return unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
}

function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

/** \b, \t, \n, \f, \r. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);
