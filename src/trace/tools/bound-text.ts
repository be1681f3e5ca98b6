/** Cuts text to a number of UTF-8 bytes, says so, and never splits a character. */

/** The text itself when it fits; else as much of it as fits together with the note. */
export function boundText(text: string, maxBytes: number, note: string): string {
  // A code unit takes at most three bytes, so most texts are cleared without encoding them.
  if (text.length * 3 <= maxBytes) return text;
  const noteBytes = new TextEncoder().encode(note).length;
  const room = new Uint8Array(maxBytes);
  const fits = new TextEncoder().encodeInto(text, room);
  if (fits.read === text.length) return text;
  const { read } = new TextEncoder().encodeInto(text, room.subarray(0, Math.max(0, maxBytes - noteBytes)));
  return `${text.slice(0, read)}${note}`;
}
