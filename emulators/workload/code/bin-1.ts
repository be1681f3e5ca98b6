/** Coding tasks of the easiest bin: one loop, one or two edge cases. */
import { slip, SOURCE_ONLY, type TaskBody, tasksOf, unitTests } from "../task.ts";

const titleCaseSource = String.raw`function titleCase(text) {
  return text.replace(/\S+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase());
}`;

const titleCase: TaskBody = {
  id: "title-case",
  prompt: `Write a function titleCase(text) that makes the first character of every word upper case and the rest of the word lower case. Words are separated by white space, which stays exactly as it is, also at the ends and where several spaces follow each other. An empty text gives an empty text. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("plain words", () => assert.equal(titleCase("hello wide world"), "Hello Wide World"));
test("rest becomes lower case", () => assert.equal(titleCase("hELLO"), "Hello"));
test("white space stays", () => assert.equal(titleCase("  two  gaps\tand tab "), "  Two  Gaps\tAnd Tab "));
test("hyphens do not split", () => assert.equal(titleCase("well-known fact"), "Well-known Fact"));
test("empty", () => assert.equal(titleCase(""), ""));
`),
  solutions: {
    right: titleCaseSource,
    wrong: [
      slip(titleCaseSource, ".toLowerCase()", "", "leaves the rest of a word as it was"),
      slip(titleCaseSource, String.raw`/\S+/g`, String.raw`/\b\w+/g`, "treats a hyphen as a separator"),
      {
        result: String.raw`function titleCase(text) {
  return text.trim().split(/\s+/).map((w) => w.charAt(0).toUpperCase() + w.slice(1).toLowerCase()).join(" ");
}`,
        flaw: "collapses white space",
      },
    ],
  },
  plan: {
    subGoals: [
      "find the words between white space without splitting the text",
      "make the first character upper case and the rest lower case",
      "leave the separating spaces as they are",
      "return an empty text for an empty text",
    ],
    pitfalls: [
      "several spaces collapsed into one",
      "words with a hyphen treated as two",
      "the rest of the word left in upper case",
    ],
    checks: [
      "call titleCase on mixed case words with run_javascript",
      "call it on spaces at both ends and on an empty text",
    ],
  },
  working: ['titleCase("hello WORLD")', 'titleCase("  a  b ")', 'titleCase("")'],
};

const digitSumSource = String.raw`function digitSum(value) {
  let sum = 0;
  for (const char of String(value)) {
    if (char === "e") throw new RangeError("value is too large");
    if (char >= "0" && char <= "9") sum += Number(char);
  }
  return sum;
}`;

const digitSum: TaskBody = {
  id: "digit-sum",
  prompt: `Write a function digitSum(value) that returns the sum of the decimal digits of a number. The sign does not count, digits after the decimal point do: digitSum(-20.5) is 7. Numbers that JavaScript prints in exponent form (such as 1e21) throw a RangeError. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("integer", () => assert.equal(digitSum(1234), 10));
test("zero", () => assert.equal(digitSum(0), 0));
test("negative", () => assert.equal(digitSum(-99), 18));
test("decimals", () => assert.equal(digitSum(-20.5), 7));
test("exponent form", () => assert.throws(() => digitSum(1e21)));
`),
  solutions: {
    right: digitSumSource,
    wrong: [
      slip(digitSumSource, "String(value)", "String(Math.trunc(value))", "drops the digits after the point"),
      slip(
        digitSumSource,
        '    if (char === "e") throw new RangeError("value is too large");\n',
        "",
        "adds up the digits of the exponent",
      ),
      slip(digitSumSource, 'if (char >= "0" && char <= "9") sum', "sum", "gives NaN for a sign or a point"),
    ],
  },
  plan: {
    subGoals: [
      "turn the number into its decimal digits as text",
      "skip the sign and the decimal point",
      "add up the digits to the sum",
      "throw a RangeError for the exponent form",
    ],
    pitfalls: [
      "negative numbers and their sign",
      "digits after the decimal point",
      "exponent form such as 1e21",
    ],
    checks: ["run digitSum(-20.5) and expect 7", "run it on 0 and on 1e21 with run_javascript"],
  },
  working: ["digitSum(1234)", "digitSum(-20.5)", "digitSum(0)"],
};

const longestWordSource = String.raw`function longestWord(sentence) {
  let best = "";
  for (const word of sentence.match(/[A-Za-z]+/g) ?? []) {
    if (word.length > best.length) best = word;
  }
  return best;
}`;

const longestWord: TaskBody = {
  id: "longest-word",
  prompt: `Write a function longestWord(sentence) that returns the longest word of a sentence. A word is a run of the letters A to Z in either case; digits and punctuation end a word. If several words are equally long, the first of them is returned. Without any word the result is an empty string. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("longest", () => assert.equal(longestWord("a quick brown jumping fox"), "jumping"));
test("first of equals", () => assert.equal(longestWord("one two six"), "one"));
test("punctuation ends a word", () => assert.equal(longestWord("well-known, yes"), "known"));
test("digits end a word", () => assert.equal(longestWord("ab123456 abc"), "abc"));
test("no word", () => assert.equal(longestWord("12 !"), ""));
`),
  solutions: {
    right: longestWordSource,
    wrong: [
      slip(longestWordSource, ">", ">=", "returns the last of equally long words"),
      slip(longestWordSource, "/[A-Za-z]+/g", String.raw`/\w+/g`, "lets digits belong to a word"),
      slip(
        longestWordSource,
        "sentence.match(/[A-Za-z]+/g) ?? []",
        'sentence.split(" ")',
        "keeps punctuation",
      ),
    ],
  },
  plan: {
    subGoals: [
      "collect the runs of letters of the sentence",
      "keep the longest word seen so far",
      "keep the first of several equally long words",
      "return an empty string when there is no word",
    ],
    pitfalls: [
      "equally long words where the first must be returned",
      "digits and punctuation inside a word",
      "a sentence without any word",
    ],
    checks: ["run longestWord on a tie", "run it on digits and punctuation only with run_javascript"],
  },
  working: ['longestWord("one two six")', 'longestWord("well-known, yes")', 'longestWord("12 !")'],
};

export const codeBin1 = tasksOf("code", 1, [titleCase, digitSum, longestWord]);
