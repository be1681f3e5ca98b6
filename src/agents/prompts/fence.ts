/**
 * Untrusted text inside a prompt (architecture, decision 12).
 *
 * A fence is made of tags whose names end in a nonce that the text does not contain, so that no text can close its own
 * fence or open another. The nonce is drawn from the auction's seed: the same auction writes the same prompt.
 */

/** A tag name with its nonce, such as `strategy-3f9a01`. */
export interface Fence {
  readonly tag: string;
  readonly nonce: string;
}

/** Wraps one untrusted text so that a model can tell data from instructions. */
export function fenced({ tag, nonce }: Fence, text: string): string {
  return `<${tag}-${nonce}>\n${withoutNonce(text, nonce)}\n</${tag}-${nonce}>`;
}

/**
 * Untrusted texts one after the other: each goes from its tag to the next tag with the nonce, the last one to `<end-…>`.
 * Between the first tag and the last there is nothing that is not data, and no nonce is paid for twice.
 */
export function fencedRow(
  nonce: string,
  texts: readonly { readonly tag: string; readonly text: string }[],
): string {
  const opened = texts.map(({ tag, text }) => `<${tag}-${nonce}>\n${withoutNonce(text, nonce)}\n`);
  return `${opened.join("")}<end-${nonce}>`;
}

/** Occurrences of the nonce are broken up, so that the text cannot forge a tag. */
function withoutNonce(text: string, nonce: string): string {
  let harmless = text;
  // Of occurrences that overlap, one is left after the first time.
  while (harmless.includes(nonce))
    harmless = harmless.replaceAll(nonce, `${nonce.slice(0, 3)} ${nonce.slice(3)}`);
  return harmless;
}

/** What opens a tag in HTML, XML, and in most that resembles them. */
const OPENERS = ["<", "＜", "‹"];
const TAG = /[<＜‹](?=\s*(?:\/\s*)?[\p{L}!|])/gu;

/**
 * Text in which nothing looks like a tag: for strategies, which have no need of any. A model may take what merely
 * resembles a tag for one. Comparisons (`a < 3`) stay as they are.
 */
export function withoutTags(text: string): string {
  // Most strategies hold none, and each is shown to every juror.
  return OPENERS.some((opener) => text.includes(opener)) ? text.replace(TAG, "(") : text;
}
