/** A tool's secret, in every form in which its server may hand it back. */
import { expect, test } from "vitest";
import { hideSecret } from "../../../src/trace/tools/own/hide-secret.ts";

const VALUE = "Bearer open/sesame+4711&<door>'s==";
const TOKEN = "open/sesame+4711&<door>'s==";
const hidden = (text: string, value = VALUE) => hideSecret(text, { name: "Authorization", value });
const escaped = (text: string, chars: string, form: (code: string) => string) =>
  Array.from(text, (char) =>
    chars.includes(char) ? form(char.charCodeAt(0).toString(16).padStart(2, "0")) : char,
  ).join("");

test.each<readonly [string, (text: string) => string]>([
  ["as it is", (text) => text],
  ["in JSON", (text) => JSON.stringify(text).slice(1, -1)],
  ["in PHP's JSON", (text) => JSON.stringify(text).slice(1, -1).replaceAll("/", "\\/")],
  ["in Go's JSON", (text) => escaped(text, "<>&", (code) => `\\u00${code}`)],
  [".NET's JSON", (text) => escaped(text, "<>&+'", (code) => `\\u00${code.toUpperCase()}`)],
  ["in an address", encodeURIComponent],
  ["in an address, strictly", (text) => encodeURIComponent(text).replaceAll("'", "%27")],
  [
    "in an address, in small letters",
    (text) => encodeURIComponent(text).replaceAll(/%../g, (code) => code.toLowerCase()),
  ],
  ["in a form", (text) => new URLSearchParams({ a: text }).toString().slice(2)],
  ["in HTML", (text) => escaped(text, "<>&'", (code) => `&#x${code};`)],
  ["in base64", btoa],
  ["in base64 for addresses", (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_")],
  ["in base64, in PHP's JSON", (text) => btoa(text).replaceAll("/", "\\/")],
  ["in base64, in an address", (text) => encodeURIComponent(btoa(text))],
])("%s", (_, form) => {
  for (const text of [VALUE, TOKEN])
    expect(hidden(`you sent ${form(text)}.`)).toMatch(/^you sent (?:\[secret\]|Bearer|=|\s)+\.$/);
});

test.each([
  ["session=open-sesame-1; theme=dark", '{"session":"open-sesame-1","theme":"dark"}', "open-sesame-1"],
  ['Token token="open-sesame-1"', "no user has the token open-sesame-1", "open-sesame-1"],
  ["shop:open-sesame-1", '{"user":"shop","password":"open-sesame-1"}', "open-sesame-1"],
  ["Digest a=b,nonce=open-sesame-1,c=d", "nonce open-sesame-1", "open-sesame-1"],
])("a part of %s", (value, answer, part) => {
  expect(hidden(answer, value)).toBe(answer.replace(part, "[secret]"));
});

test("what is no part of it stays, and none of it is looked for without end", () => {
  const answer = '{"theme":"dark","state":"shipped"}';
  expect(hidden(answer, "session=open-sesame-1; theme=dark")).toBe(answer);
  const from = performance.now();
  hidden("\\".repeat(200_000), "\\".repeat(400));
  hidden("%25".repeat(80_000), "%".repeat(400));
  expect(performance.now() - from).toBeLessThan(2_000);
});
