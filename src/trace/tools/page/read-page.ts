/** Reads a page's body, up to so many decoded bytes, and decodes it as the page says. */
import { decoderOf, readBytes, statedCharset } from "../read-bytes.ts";

export interface PageBody {
  readonly text: string;
  /** There was more. */
  readonly cut: boolean;
}

/** Where HTML may say its encoding (its standard, "determining the character encoding"). */
const SNIFFED_BYTES = 1_024;
const META_CHARSET = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]{1,40})/i;

/** @throws what the body's stream throws, and what `signal` aborts with */
export async function readPage(response: Response, maxBytes: number, signal: AbortSignal): Promise<PageBody> {
  const { bytes, cut } = await readBytes(response, maxBytes, signal);
  return { text: decoderFor(response, bytes).decode(bytes), cut };
}

/** By the byte order mark, the header, or the page itself; else UTF-8. */
function decoderFor(response: Response, bytes: Uint8Array): TextDecoder {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decoderOf("utf-16be");
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return new TextDecoder();
  const head = new TextDecoder().decode(bytes.subarray(0, SNIFFED_BYTES));
  return decoderOf(statedCharset(response) ?? META_CHARSET.exec(head)?.[1]);
}
