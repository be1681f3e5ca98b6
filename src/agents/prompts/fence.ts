/**
 * Untrusted text inside a prompt (architecture, decision 12).
 *
 * A fence is a pair of tags whose name ends in a nonce that the text does not contain, so that no text
 * can close its own fence. The nonce is drawn from the auction's seed: the same auction writes the same prompt.
 */

/** A tag name with its nonce, such as `strategy-3f9a01`. */
export interface Fence {
  readonly tag: string;
  readonly nonce: string;
}

/**
 * Wraps untrusted text so that a model can tell data from instructions.
 *
 * @param fence tag and nonce; occurrences of the nonce in the text are broken up, so that it cannot forge the closing tag
 * @param attributes short trusted labels, such as `{ label: "A" }`
 */
export function fenced(
  fence: Fence,
  text: string,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const name = `${fence.tag}-${fence.nonce}`;
  const labels = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${value}"`)
    .join("");
  const harmless = text.replaceAll(fence.nonce, `${fence.nonce.slice(0, 3)} ${fence.nonce.slice(3)}`);
  return `<${name}${labels}>\n${harmless}\n</${name}>`;
}

/** What opens a tag in HTML, XML, and in most that resembles them. */
const OPENERS = ["<", "＜", "‹"];
const TAG = /[<＜‹](?=\s*\/?\s*[\p{L}!|])/gu;

/**
 * Text in which nothing looks like a tag: for strategies, which have no need of any. A model may take what merely
 * resembles a closing tag for one. Comparisons (`a < 3`) stay as they are.
 */
export function withoutTags(text: string): string {
  // Most strategies hold none, and each is shown to every juror.
  return OPENERS.some((opener) => text.includes(opener)) ? text.replace(TAG, "(") : text;
}
