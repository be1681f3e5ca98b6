/** Keeps secrets out of messages that people read and journals keep. */

/** Longest message of a failure, in characters. */
const MAX_MESSAGE_CHARS = 500;

/** Shapes of keys that providers echo, in part or whole, in their errors. */
const KEY_SHAPES = /\b(?:sk|pk|rk|AIza|xox[a-z])[-_A-Za-z0-9*.…]{6,}|\bBearer\s+\S+/g;
const HIDDEN = "[secret]";

/**
 * One line of at most 500 characters without the given secrets and without anything that looks like a key.
 *
 * @param secrets values to remove; shorter ones than 4 characters are no secrets and would shred the message
 */
export function redact(message: string, secrets: readonly string[]): string {
  let text = message;
  for (const secret of secrets) {
    if (secret.length >= 4) text = text.replaceAll(secret, HIDDEN);
  }
  const clean = text.replaceAll(KEY_SHAPES, HIDDEN).replaceAll(/\s+/g, " ").trim();
  return clean.length <= MAX_MESSAGE_CHARS ? clean : `${clean.slice(0, MAX_MESSAGE_CHARS - 1)}…`;
}
