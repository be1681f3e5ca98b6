/** Reads at most so much of a response's body as text. */
import { decoderOf, readBytes, statedCharset } from "./read-bytes.ts";

/** Content types that are worth showing to a model. */
const TEXT_TYPE =
  /^(?:text\/[\w.+-]+|application\/(?:[\w.-]+\+)?(?:json|xml|yaml|x-yaml|javascript|x-ndjson|x-www-form-urlencoded|graphql|toml|sql)|application\/(?:jsonl|json-seq))$/;

/** Lower-case and without parameters; "" where none is stated. */
export function mediaType(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

export function isText(type: string): boolean {
  return TEXT_TYPE.test(type);
}

/** The body as text, cut at `maxBytes` with a statement; a statement alone when it is not text. @throws what the stream throws */
export async function readBody(response: Response, maxBytes: number): Promise<string> {
  const type = mediaType(response);
  if (response.body === null) return "";
  if (!isText(type)) {
    await response.body.cancel();
    return `[the body is ${type === "" ? "of no stated type" : type}, which is not shown]`;
  }
  const { bytes, cut } = await readBytes(response, maxBytes);
  // Half of a character at the cut is left out.
  const text = decoderOf(statedCharset(response)).decode(bytes, { stream: cut });
  return cut ? `${text}\n[cut: the body was longer than ${maxBytes / 1024} KiB]` : text;
}
