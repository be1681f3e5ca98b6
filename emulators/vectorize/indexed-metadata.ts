/** What a metadata index keeps: strings, numbers and booleans, strings cut to 64 bytes at a character's end. Pure. */
import { INDEXED_STRING_BYTES } from "./limits.ts";

export function indexedMetadata(
  metadata: Readonly<Record<string, VectorizeVectorMetadata>>,
): Record<string, VectorizeVectorMetadata> {
  const kept: Record<string, VectorizeVectorMetadata> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") kept[key] = cut(value);
    if (typeof value === "number" || typeof value === "boolean") kept[key] = value;
  }
  return kept;
}

function cut(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= INDEXED_STRING_BYTES) return text;
  let end = INDEXED_STRING_BYTES;
  // Step back over continuation bytes, so that no character is split.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder().decode(bytes.subarray(0, end));
}
