/** Reads a response's body up to so many bytes, and finds the decoder that it asks for. */
import { raceAbort } from "../../async/race-abort.ts";

export interface BodyBytes {
  readonly bytes: Uint8Array;
  /** There was more, which was not read. */
  readonly cut: boolean;
}

/**
 * Counts bytes as they come out of any compression, so that a bomb is cut like any other body.
 *
 * @throws what the body's stream throws, and what `signal` aborts with
 */
export async function readBytes(
  { body }: Response,
  maxBytes: number,
  signal = new AbortController().signal,
): Promise<BodyBytes> {
  if (body === null) return { bytes: new Uint8Array(), cut: false };
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let left = maxBytes;
  try {
    for (;;) {
      const { done, value } = await raceAbort(reader.read(), signal);
      if (done) return { bytes: joined(chunks), cut: false };
      chunks.push(value.subarray(0, left));
      left -= value.length;
      if (left < 0) return { bytes: joined(chunks), cut: true };
    }
  } finally {
    // An end that was read leaves nothing to cancel; of any other, nobody waits for the rest.
    reader.cancel().catch(() => undefined);
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

const CHARSET = /charset\s*=\s*["']?([\w-]{1,40})/i;

/** As the header says it; undefined: it does not. */
export function statedCharset({ headers }: Response): string | undefined {
  return CHARSET.exec(headers.get("content-type") ?? "")?.[1];
}

/** UTF-8 where nothing is stated, or nothing that anybody knows. */
export function decoderOf(label = "utf-8"): TextDecoder {
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}
