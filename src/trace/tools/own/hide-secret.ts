/**
 * Keeps a tool's secret out of what the tool answers: a server may echo the request that it got, and what a tool answers
 * stands in journals, prompts and traces.
 */
import { MIN_SECRET_CHARS, type SecretHeader } from "../../../market/tools/tenant-tool.ts";

const HIDDEN = "[secret]";

/**
 * Hides the value, its parts (`Bearer` and what follows, a cookie's value), and all of them as URLs, JSON, HTML and base64
 * write them.
 */
export function hideSecret(text: string, secret: SecretHeader | null): string {
  if (secret === null) return text;
  return formsOf(secret).reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
}

/** The longest form that there is to hide, in characters: where a text is cut, so much before the cut may be part of one. */
export function longestForm(secret: SecretHeader | null): number {
  return secret === null ? 0 : (formsOf(secret)[0]?.length ?? 0);
}

// A server's list is gone through text by text.
const known = new WeakMap<SecretHeader, readonly string[]>();

/** Longest first: a part of one is not hidden before the whole. */
function formsOf(secret: SecretHeader): readonly string[] {
  const found = known.get(secret) ?? writtenForms(secret.value);
  known.set(secret, found);
  return found;
}

function writtenForms(value: string): string[] {
  const words = value.split(/[\s;,]+/);
  const parts = words.flatMap((word) => [word, after(word, "="), after(word, ":")]).map(unquoted);
  const plain = [value, ...parts, ...words.flatMap(userAndPassword)].filter(
    ({ length }) => length >= MIN_SECRET_CHARS,
  );
  const texts = plain.flatMap((text) => {
    const base64 = btoa(text);
    const padless = base64.replaceAll("=", "");
    return [text, base64, padless, padless.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const forms = texts.flatMap((text) => WRITINGS.map((write) => write(text)));
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
}

/** Such as the value of `session=…`. */
function after(word: string, separator: string): string {
  const at = word.indexOf(separator);
  return at < 0 ? "" : word.slice(at + 1);
}

function unquoted(part: string): string {
  return part.replace(/^"/, "").replace(/"$/, "");
}

/** Of Basic authentication (RFC 7617); of anything else, nothing that a server would echo. */
function userAndPassword(part: string): string[] {
  try {
    const decoded = atob(part);
    const colon = decoded.indexOf(":");
    return colon < 0 ? [] : [decoded, decoded.slice(colon + 1)];
  } catch {
    return [];
  }
}

type Write = (text: string) => string;

const json: Write = (text) => JSON.stringify(text).slice(1, -1);
const strictUrl = escaping(encodeURIComponent, "!'()*", (hex) => `%${hex.toUpperCase()}`);
const form: Write = (text) => new URLSearchParams({ a: text }).toString().slice("a=".length);
const smallUrl = (write: Write): Write => {
  return (text) => write(text).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
};
const html = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** As libraries write a text into another; each of one secret must be found whole. */
const WRITINGS: readonly Write[] = [
  (text) => text,
  json,
  // PHP; Go and others that have HTML in mind; .NET.
  (text) => json(text).replaceAll("/", "\\/"),
  escaping(json, "<>&", (hex) => `\\u00${hex}`),
  escaping(json, "<>&'", (hex) => `\\u00${hex}`),
  escaping(json, "<>&'+`", (hex) => `\\u00${hex.toUpperCase()}`),
  encodeURIComponent,
  (text) => encodeURIComponent(text).replaceAll("%20", "+"),
  strictUrl,
  form,
  smallUrl(encodeURIComponent),
  smallUrl(strictUrl),
  smallUrl(form),
  html,
  (text) => html(text).replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
  (text) => html(text).replaceAll('"', "&#34;").replaceAll("'", "&#39;"),
  (text) => html(text).replaceAll('"', "&quot;").replaceAll("'", "&#x27;"),
  escaping(
    (text) => text,
    "<>&'\"",
    (hex) => `&#x${hex};`,
  ),
];

/** Besides what `write` does, these characters by their codes. */
function escaping(write: Write, chars: string, code: (hex: string) => string): Write {
  return (text) =>
    Array.from(write(text), (char) =>
      chars.includes(char) ? code(char.charCodeAt(0).toString(16)) : char,
    ).join("");
}
