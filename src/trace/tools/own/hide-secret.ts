/**
 * Keeps a tool's secret out of what the tool answers: a server may echo the request that it got, and what a tool answers
 * stands in journals, prompts and traces.
 */
import { MIN_SECRET_CHARS, type SecretHeader } from "../../../market/tools/tenant-tool.ts";

const HIDDEN = "[secret]";

/** Hides the value, its parts (`Bearer` and what follows), and both as URLs, JSON, HTML and base64 write them. */
export function hideSecret(text: string, secret: SecretHeader | null): string {
  if (secret === null) return text;
  return formsOf(secret.value).reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
}

/** The longest form that there is to hide, in characters: where a text is cut, so much before the cut may be part of one. */
export function longestForm(secret: SecretHeader | null): number {
  return secret === null ? 0 : (formsOf(secret.value)[0]?.length ?? 0);
}

/** Longest first: a part of one is not hidden before the whole. */
function formsOf(value: string): string[] {
  const parts = value.split(/\s+/);
  const plain = [value, ...parts, ...parts.flatMap(userAndPassword)].filter(
    ({ length }) => length >= MIN_SECRET_CHARS,
  );
  const forms = plain.flatMap((text) => [
    text,
    encodeURIComponent(text),
    encodeURIComponent(text).replaceAll("%20", "+"),
    JSON.stringify(text).slice(1, -1),
    htmlEscaped(text),
    btoa(text),
    btoa(text).replaceAll("=", ""),
    btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
  ]);
  return [...new Set(forms)].toSorted((a, b) => b.length - a.length);
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

function htmlEscaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
