/**
 * Keeps a tool's secret out of what the tool answers: a server may echo the request that it got, and what a tool answers
 * stands in journals, prompts and traces.
 *
 * Secret and answer are a tenant's to choose, and hiding one in the other is done in one go while everybody else waits:
 * it costs the length of the answer, and what the secret has forms for, never the two multiplied.
 */
import type { SecretHeader } from "../../../market/tools/tenant-tool.ts";
import { TextFinder } from "./text-finder.ts";
import { writtenForms } from "./written-forms.ts";

const HIDDEN = "[secret]";

/** Hides each form of the secret, wherever it stands; forms that overlap are hidden as one. */
export function hideSecret(text: string, secret: SecretHeader | null): string {
  if (secret === null) return text;
  let shown = "";
  let at = 0;
  for (const { from, to } of finderOf(secret).spansIn(text)) {
    shown += text.slice(at, from) + HIDDEN;
    at = to;
  }
  return shown + text.slice(at);
}

/** The longest form that there is to hide, in characters: where a text is cut, so much before the cut may be part of one. */
export function longestForm(secret: SecretHeader | null): number {
  return secret === null ? 0 : finderOf(secret).longest;
}

// A server's list is gone through text by text.
const known = new WeakMap<SecretHeader, TextFinder>();

function finderOf(secret: SecretHeader): TextFinder {
  const finder = known.get(secret) ?? new TextFinder(writtenForms(secret.value));
  known.set(secret, finder);
  return finder;
}
