/** Reads at most so much of a response's body as text. */

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
  const decoder = decoderFor(response.headers.get("content-type") ?? "");
  const reader = response.body.getReader();
  let text = "";
  let left = maxBytes;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.length;
    if (left < 0) {
      await reader.cancel();
      return `${text}\n[cut: the body was longer than ${maxBytes / 1024} KiB]`;
    }
  }
}

function decoderFor(contentType: string): TextDecoder {
  const [, charset = "utf-8"] = /charset="?([\w-]{1,40})/i.exec(contentType) ?? [];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
