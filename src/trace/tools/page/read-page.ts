/** Reads a page's body, up to so many decoded bytes, and decodes it as the page says. */
import { raceAbort } from "../../../agents/calls/race-abort.ts";

export interface PageBody {
  readonly text: string;
  /** There was more. */
  readonly cut: boolean;
}

/** Where HTML may say its encoding (its standard, "determining the character encoding"). */
const SNIFFED_BYTES = 1_024;
const META_CHARSET = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]{1,40})/i;
const CHARSET = /charset\s*=\s*["']?([\w-]{1,40})/i;

/**
 * Counts bytes as they come out of any compression, so that a bomb is cut like any other page.
 *
 * @throws what the body's stream throws, and what `signal` aborts with
 */
export async function readPage(response: Response, maxBytes: number, signal: AbortSignal): Promise<PageBody> {
  if (response.body === null) return { text: "", cut: false };
  const reader = response.body.getReader();
  const bytes = new Uint8Array(maxBytes);
  let size = 0;
  let cut = false;
  try {
    for (;;) {
      const { done, value } = await raceAbort(reader.read(), signal);
      if (done) break;
      const kept = value.subarray(0, maxBytes - size);
      bytes.set(kept, size);
      size += kept.length;
      if (kept.length < value.length) {
        cut = true;
        break;
      }
    }
  } finally {
    // An end that was read leaves nothing to cancel; of any other, nobody waits for the rest.
    reader.cancel().catch(() => undefined);
  }
  const read = bytes.subarray(0, size);
  return { text: decoderFor(response.headers.get("content-type") ?? "", read).decode(read), cut };
}

/** By the byte order mark, the header, or the page itself; else UTF-8. */
function decoderFor(contentType: string, bytes: Uint8Array): TextDecoder {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decoderOf("utf-16be");
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return new TextDecoder();
  const head = new TextDecoder().decode(bytes.subarray(0, SNIFFED_BYTES));
  return decoderOf(CHARSET.exec(contentType)?.[1] ?? META_CHARSET.exec(head)?.[1] ?? "utf-8");
}

function decoderOf(label: string): TextDecoder {
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}
