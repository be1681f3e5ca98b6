/** A tool's secret in every form in which its server may hand it back. */
import { MIN_SECRET_CHARS } from "../../../market/tools/tenant-tool.ts";

/**
 * The value, its parts (`Bearer` and what follows, a cookie's value), and all of them as URLs, JSON, HTML and base64 write
 * them; each once. Of a value with many characters that those escape, two hundred times its length in all.
 */
export function writtenForms(value: string): readonly string[] {
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
  const forms = Array.from(new Set(texts), (text) => WRITINGS.map((write) => write(text)));
  return [...new Set(forms.flat())];
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
const strictUrl = escaping(encodeURIComponent, /[!'()*]/g, (hex) => `%${hex.toUpperCase()}`);
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
  escaping(json, /[<>&]/g, (hex) => `\\u00${hex}`),
  escaping(json, /[<>&']/g, (hex) => `\\u00${hex}`),
  escaping(json, /[<>&'+`]/g, (hex) => `\\u00${hex.toUpperCase()}`),
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
    /[<>&'"]/g,
    (hex) => `&#x${hex};`,
  ),
];

/** Besides what `write` does, these characters by their codes. */
function escaping(write: Write, chars: RegExp, code: (hex: string) => string): Write {
  return (text) => write(text).replaceAll(chars, (char) => code(char.charCodeAt(0).toString(16)));
}
