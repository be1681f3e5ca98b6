/** Coding tasks of the second bin: a small format with a few special cases. */
import { slip, SOURCE_ONLY, type TaskBody, tasksOf, unitTests } from "../task.ts";

const romanSource = String.raw`function toRoman(value) {
  if (!Number.isInteger(value) || value < 1 || value > 3999) throw new RangeError("1 to 3999 only");
  const steps = [[1000, "M"], [900, "CM"], [500, "D"], [400, "CD"], [100, "C"], [90, "XC"],
    [50, "L"], [40, "XL"], [10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"]];
  let rest = value;
  let out = "";
  for (const [size, sign] of steps) {
    while (rest >= size) {
      out += sign;
      rest -= size;
    }
  }
  return out;
}`;

const toRoman: TaskBody = {
  id: "to-roman",
  prompt: `Write a function toRoman(value) that returns the Roman numeral of an integer from 1 to 3999, with the subtractive forms (IV, IX, XL, XC, CD, CM). Anything else (0, 4000, fractions, text) throws a RangeError. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("simple", () => assert.equal(toRoman(8), "VIII"));
test("subtractive ones", () => assert.deepEqual([4, 9, 40, 90, 400, 900].map(toRoman), ["IV", "IX", "XL", "XC", "CD", "CM"]));
test("long", () => assert.equal(toRoman(3888), "MMMDCCCLXXXVIII"));
test("year", () => assert.equal(toRoman(1994), "MCMXCIV"));
test("bounds", () => assert.equal(toRoman(3999), "MMMCMXCIX"));
test("out of range", () => { assert.throws(() => toRoman(0)); assert.throws(() => toRoman(4000)); assert.throws(() => toRoman(1.5)); });
`),
  solutions: {
    right: romanSource,
    wrong: [
      slip(romanSource, "value > 3999", "value > 4999", "accepts 4000"),
      slip(romanSource, '[400, "CD"], ', "", "writes CCCC for 400"),
      slip(romanSource, "!Number.isInteger(value) || ", "", "accepts fractions"),
      slip(romanSource, "rest >= size", "rest > size", "loses the last sign"),
    ],
  },
  plan: {
    subGoals: [
      "reject a value that is no integer from 1 to 3999 with a RangeError",
      "list the Roman signs with their subtractive forms from M down to I",
      "take away the largest sign that fits until nothing is left",
      "join the signs to the numeral",
    ],
    pitfalls: [
      "subtractive forms such as IV and CM",
      "fractions and text, which must throw a RangeError",
      "the bounds 0 and 4000",
      "the largest value 3999",
    ],
    checks: ["run toRoman on 4, 9, 40, 90, 400 and 900", "run it on 3999 and on 4000 with run_javascript"],
  },
  working: ["toRoman(1994)", "toRoman(3999)", "[4, 9, 40].map(toRoman)"],
};

const rleSource = String.raw`function compress(text) {
  let out = "";
  for (let i = 0; i < text.length; ) {
    let end = i;
    while (end < text.length && text[end] === text[i]) end += 1;
    const count = end - i;
    const char = text[i] >= "0" && text[i] <= "9" ? "\\" + text[i] : text[i] === "\\" ? "\\\\" : text[i];
    out += count > 1 ? count + char : char;
    i = end;
  }
  return out;
}`;

const runLength: TaskBody = {
  id: "run-length",
  prompt: `Write a function compress(text) for run-length compression: a run of n > 1 equal characters becomes the number n followed by the character, a single character stays as it is ("aaab" becomes "3ab"). So that the result can be read back, a digit or a backslash of the text is written with a backslash before it ("77x" becomes "2\\7x", that is: 2, backslash, 7, x). ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("runs", () => assert.equal(compress("aaab"), "3ab"));
test("long run", () => assert.equal(compress("z".repeat(12)), "12z"));
test("single", () => assert.equal(compress("abc"), "abc"));
test("digits are escaped", () => assert.equal(compress("77x"), "2\\7x"));
test("backslash is escaped", () => assert.equal(compress("\\\\"), "2\\\\"));
test("case matters", () => assert.equal(compress("aA"), "aA"));
test("empty", () => assert.equal(compress(""), ""));
`),
  solutions: {
    right: rleSource,
    wrong: [
      slip(rleSource, "count > 1 ? count + char : char", "count + char", "writes 1 before single characters"),
      slip(rleSource, String.raw` : text[i] === "\\" ? "\\\\"`, "", "does not escape a backslash"),
      slip(
        rleSource,
        String.raw`text[i] >= "0" && text[i] <= "9" ? "\\" + text[i] : `,
        "",
        "does not escape digits",
      ),
    ],
  },
  plan: {
    subGoals: [
      "walk the text and find each run of equal characters",
      "write the number before the character only for a run longer than one",
      "put a backslash before a digit or a backslash of the text",
      "append the compressed run and go on behind it",
    ],
    pitfalls: [
      "digits in the text that would be read as a number",
      "a backslash, which needs a backslash itself",
      "a single character, which gets no number",
      "a run of ten or more",
    ],
    checks: [
      "run compress on 77x and compare with the example",
      "run it on an empty text and on twelve equal characters",
    ],
  },
  working: ['compress("aaab")', 'compress("77x")', 'compress("")'],
};

const durationSource = String.raw`function parseDuration(text) {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim().replace(/\s+/g, ""));
  if (match === null || text.trim() === "") return null;
  const [hours, minutes, seconds] = [1, 2, 3].map((i) => Number(match[i] ?? 0));
  return hours * 3600 + minutes * 60 + seconds;
}`;

const parseDuration: TaskBody = {
  id: "parse-duration",
  prompt: `Write a function parseDuration(text) that turns a duration such as "1h 30m", "45s" or "2h5s" into seconds. The units h, m and s stand in this order, each at most once, with a whole number before it; spaces between the parts and at the ends are allowed. Any other text, also an empty one, gives null; "0s" gives 0, and "90m" gives 5400. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("all units", () => assert.equal(parseDuration("1h 30m 5s"), 5405));
test("one unit", () => assert.equal(parseDuration("90m"), 5400));
test("gap", () => assert.equal(parseDuration(" 2h5s "), 7205));
test("zero", () => assert.equal(parseDuration("0s"), 0));
test("empty", () => assert.equal(parseDuration("   "), null));
test("wrong order", () => assert.equal(parseDuration("5m 1h"), null));
test("twice", () => assert.equal(parseDuration("1h1h"), null));
test("junk", () => assert.equal(parseDuration("1h x"), null));
test("no unit", () => assert.equal(parseDuration("15"), null));
`),
  solutions: {
    right: durationSource,
    wrong: [
      slip(durationSource, ' || text.trim() === ""', "", "gives 0 for an empty text"),
      slip(durationSource, "(?:(\\d+)s)?$/", "(?:(\\d+)s)?/", "accepts junk behind the duration"),
      slip(
        durationSource,
        "  return hours",
        "  if (hours + minutes + seconds === 0) return null;\n  return hours",
        "gives null for 0s",
      ),
      slip(durationSource, "minutes * 60", "(minutes % 60) * 60", "drops whole hours given in minutes"),
    ],
  },
  plan: {
    subGoals: [
      "remove the spaces between the parts and at the ends",
      "match the units h, m and s in this order with whole numbers",
      "return null for any other text and for an empty one",
      "add hours, minutes and seconds up to seconds",
    ],
    pitfalls: [
      "an empty text, which matches an all-optional pattern",
      "0s, which is 0 and not null",
      "units in the wrong order or twice",
      "90m, which is more than an hour",
    ],
    checks: [
      "run parseDuration on 1h 30m and on 90m",
      "run it on an empty text, 0s and 5m 1h with run_javascript",
    ],
  },
  working: ['parseDuration("1h 30m")', 'parseDuration("")', 'parseDuration("0s")'],
};

export const codeBin2 = tasksOf("code", 2, [toRoman, runLength, parseDuration]);
