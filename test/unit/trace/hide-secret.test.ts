/** A tool's secret, in every form in which its server may hand it back. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { hideSecret } from "../../../src/trace/tools/own/hide-secret.ts";
import { TextFinder } from "../../../src/trace/tools/own/text-finder.ts";

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

/** Secrets for whose sake an answer could be gone through a thousand times, or one place of it as often as it is long. */
const DEAR = [
  ["of many parts", Array.from({ length: 340 }, (_, at) => `aaaaaa'${at + 1_000}`).join(" ")],
  ["that repeats itself", `ab${"a".repeat(4_000)}`],
  ["that is repetition", "a".repeat(4_096)],
  ["of more forms than a new one may have", `=:${"<&'\"".repeat(1_023)}`],
] as const;

/** An answer that counts how many of its characters are looked at. */
class Answer extends String {
  looked = 0;

  override charCodeAt(at: number): number {
    this.looked += 1;
    return super.charCodeAt(at);
  }
}

test.each(DEAR)("of a secret %s each part is hidden, and an answer is looked at once", (_, value) => {
  const secret = { name: "X-Key", value };
  for (const part of [value, ...value.split(" ")]) {
    expect(hideSecret(`you sent ${part}.`, secret)).toBe("you sent [secret].");
    expect(hideSecret(`you sent ${btoa(part)}.`, secret)).toMatch(/^you sent \[secret\]=*\.$/);
  }
  const answer = new Answer(`${"a".repeat(5)}b${"a".repeat(3_000)}'`.repeat(5));
  hideSecret(answer as unknown as string, secret);
  expect(answer.looked).toBe(answer.length);
});

test("texts are found wherever they stand, over and in each other", () => {
  const text = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "\u00e9"), maxLength });
  const texts = fc.array(fc.tuple(fc.constantFrom("a", "b"), text(6)).map((parts) => parts.join("")));
  fc.assert(
    fc.property(texts, fc.array(fc.oneof(text(12), fc.constant("€"))), (wanted, pieces) => {
      const searched = pieces.join("");
      const covered = Array.from(searched, () => false);
      const ends = new Set<number>();
      for (const from of covered.keys())
        for (const one of wanted.filter((each) => searched.startsWith(each, from))) {
          covered.fill(true, from, from + one.length);
          ends.add(from + one.length);
        }
      const spans = new TextFinder(wanted).spansIn(searched);
      const found = covered.map((_, at) => spans.some(({ from, to }) => from <= at && at < to));
      expect(found).toEqual(covered);
      expect(spans.every(({ to }, at) => ends.has(to) && to <= (spans[at + 1]?.from ?? to))).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
