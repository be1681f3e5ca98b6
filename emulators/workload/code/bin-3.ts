/** Coding tasks of the middle bin: an ordering or a state machine to get right. */
import { slip, SOURCE_ONLY, type TaskBody, tasksOf, unitTests } from "../task.ts";

const mergeSource = String.raw`function mergeIntervals(intervals) {
  const sorted = intervals
    .filter(([start, end]) => start < end)
    .map(([start, end]) => [start, end])
    .sort((a, b) => a[0] - b[0]);
  const out = [];
  for (const [start, end] of sorted) {
    const last = out[out.length - 1];
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else out.push([start, end]);
  }
  return out;
}`;

const mergeIntervals: TaskBody = {
  id: "merge-intervals",
  prompt: `Write a function mergeIntervals(intervals) that takes an array of half-open intervals [start, end) given as two-element arrays of numbers, in any order, and returns the sorted list of disjoint intervals that cover the same numbers. Intervals that touch ([1,3] and [3,5]) are merged. Intervals with start >= end are empty and dropped. The input must not be changed, not even its inner arrays. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("overlap", () => assert.deepEqual(mergeIntervals([[1, 4], [2, 6]]), [[1, 6]]));
test("touching", () => assert.deepEqual(mergeIntervals([[3, 5], [1, 3]]), [[1, 5]]));
test("contained", () => assert.deepEqual(mergeIntervals([[1, 10], [2, 3], [4, 5]]), [[1, 10]]));
test("numeric order", () => assert.deepEqual(mergeIntervals([[10, 11], [9, 9.5], [2, 3]]), [[2, 3], [9, 9.5], [10, 11]]));
test("empty intervals", () => assert.deepEqual(mergeIntervals([[5, 5], [7, 6], [1, 2]]), [[1, 2]]));
test("input untouched", () => { const input = [[2, 6], [1, 4]]; mergeIntervals(input); assert.deepEqual(input, [[2, 6], [1, 4]]); });
test("inner arrays untouched", () => { const input = [[1, 4], [2, 6]]; mergeIntervals(input); assert.deepEqual(input, [[1, 4], [2, 6]]); });
test("nothing", () => assert.deepEqual(mergeIntervals([]), []));
`),
  solutions: {
    right: mergeSource,
    wrong: [
      slip(mergeSource, "start <= last[1]", "start < last[1]", "leaves touching intervals apart"),
      slip(mergeSource, "Math.max(last[1], end)", "end", "cuts an interval that contains the next one"),
      slip(mergeSource, ".sort((a, b) => a[0] - b[0])", ".sort()", "sorts numbers as text"),
      slip(
        mergeSource,
        "out.push([start, end])",
        "out.push(intervals.find((i) => i[0] === start && i[1] === end))",
        "changes the caller's inner arrays",
      ),
    ],
  },
  plan: {
    subGoals: [
      "drop the empty intervals with start >= end",
      "copy the intervals so that the input and its inner arrays are not changed",
      "sort by start as numbers",
      "merge each interval into the last one when it overlaps or touches",
      "return the disjoint intervals in order",
    ],
    pitfalls: [
      "intervals that touch at the end",
      "an interval that contains the next one",
      "sort comparing numbers as text",
      "inner arrays of the input changed",
    ],
    checks: [
      "run mergeIntervals on touching and contained intervals",
      "compare the input before and after with run_javascript",
      "run it on an empty array",
    ],
  },
  working: ["mergeIntervals([[3,5],[1,3]])", "mergeIntervals([[1,10],[2,3]])", "mergeIntervals([[5,5]])"],
};

const csvSource = String.raw`function parseCsvLine(line) {
  const fields = [];
  let field = "";
  let i = 0;
  for (;;) {
    field = "";
    if (line[i] === '"') {
      i += 1;
      for (;;) {
        if (i >= line.length) throw new SyntaxError("quote is not closed");
        if (line[i] === '"' && line[i + 1] === '"') {
          field += '"';
          i += 2;
        } else if (line[i] === '"') {
          i += 1;
          break;
        } else field += line[i++];
      }
      if (i < line.length && line[i] !== ",") throw new SyntaxError("text after a closing quote");
    } else {
      while (i < line.length && line[i] !== ",") field += line[i++];
    }
    fields.push(field);
    if (i >= line.length) return fields;
    i += 1;
  }
}`;

const parseCsvLine: TaskBody = {
  id: "parse-csv-line",
  prompt: `Write a function parseCsvLine(line) that splits one line of comma-separated values into an array of strings. A field that starts with a double quote ends at the next single double quote; inside it commas are text and two double quotes stand for one. Spaces are kept. A comma at the end of the line is followed by an empty field, and an empty line is one empty field. A quoted field that is never closed, or that is followed by anything but a comma or the end, throws a SyntaxError. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("plain", () => assert.deepEqual(parseCsvLine("a,b,c"), ["a", "b", "c"]));
test("quoted comma", () => assert.deepEqual(parseCsvLine('1,"a, b",2'), ["1", "a, b", "2"]));
test("doubled quotes", () => assert.deepEqual(parseCsvLine('"say ""hi""",x'), ['say "hi"', "x"]));
test("empty fields", () => assert.deepEqual(parseCsvLine(",a,,"), ["", "a", "", ""]));
test("empty quoted", () => assert.deepEqual(parseCsvLine('"",""'), ["", ""]));
test("spaces stay", () => assert.deepEqual(parseCsvLine(" a , b"), [" a ", " b"]));
test("empty line", () => assert.deepEqual(parseCsvLine(""), [""]));
test("not closed", () => assert.throws(() => parseCsvLine('a,"b')));
test("text after quote", () => assert.throws(() => parseCsvLine('"a"b,c')));
`),
  solutions: {
    right: csvSource,
    wrong: [
      slip(
        csvSource,
        `      if (i < line.length && line[i] !== ",") throw new SyntaxError("text after a closing quote");\n`,
        "",
        "loses text behind a closing quote",
      ),
      slip(
        csvSource,
        `if (i >= line.length) throw new SyntaxError("quote is not closed");`,
        "if (i >= line.length) break;",
        "accepts a quote that is never closed",
      ),
      slip(
        csvSource,
        "    fields.push(field);",
        '    if (field !== "" || i < line.length) fields.push(field);',
        "drops an empty field at the end",
      ),
      slip(csvSource, "field += '\"';", "field += '\"\"';", "keeps both of two quotes"),
    ],
  },
  plan: {
    subGoals: [
      "walk the line character by character and collect each field",
      "read a quoted field until its single closing double quote",
      "turn two double quotes inside a quoted field into one",
      "throw a SyntaxError when a quoted field is never closed or followed by other text",
      "add the empty field after a comma at the end",
    ],
    pitfalls: [
      "commas inside quoted fields",
      "an empty line, which is one empty field",
      "a comma at the end of the line",
      "spaces, which are kept",
    ],
    checks: [
      "run parseCsvLine on doubled quotes and on an empty line",
      "see with run_javascript that an open quote throws",
      "count the fields of a line that ends with a comma",
    ],
  },
  working: [String.raw`parseCsvLine('1,"a, b",2')`, String.raw`parseCsvLine(",a,,")`, 'parseCsvLine("")'],
};

const versionSource = String.raw`function compareVersions(a, b) {
  const parse = (text) => {
    const [core, ...rest] = text.split("+")[0].split("-");
    const pre = rest.join("-");
    return { core: core.split(".").map(Number), pre: pre === "" ? [] : pre.split(".") };
  };
  const left = parse(a);
  const right = parse(b);
  for (let i = 0; i < 3; i += 1) {
    if (left.core[i] !== right.core[i]) return left.core[i] < right.core[i] ? -1 : 1;
  }
  if (left.pre.length === 0 || right.pre.length === 0) return Math.sign(right.pre.length - left.pre.length);
  for (let i = 0; i < Math.min(left.pre.length, right.pre.length); i += 1) {
    const [x, y] = [left.pre[i], right.pre[i]];
    if (x === y) continue;
    const [numericX, numericY] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (numericX && numericY) return Number(x) < Number(y) ? -1 : 1;
    if (numericX !== numericY) return numericX ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return Math.sign(left.pre.length - right.pre.length);
}`;

const compareVersions: TaskBody = {
  id: "compare-versions",
  prompt: `Write a function compareVersions(a, b) that returns -1, 0 or 1 for two version strings "major.minor.patch", optionally followed by "-" and a pre-release of dot-separated identifiers (hyphens may occur inside it) and by "+" and build metadata, which is ignored. Numbers are compared as numbers. A version with a pre-release comes before the same version without one. Pre-releases are compared identifier by identifier: numeric ones as numbers, others by character code, numeric before others; if all are equal so far, the shorter one comes first. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
test("numbers", () => assert.equal(compareVersions("1.10.0", "1.9.3"), 1));
test("equal with build", () => assert.equal(compareVersions("1.0.0+a", "1.0.0+b"), 0));
test("pre-release first", () => assert.equal(compareVersions("2.0.0-rc.1", "2.0.0"), -1));
test("release after", () => assert.equal(compareVersions("2.0.0", "2.0.0-rc.1"), 1));
test("numeric identifiers", () => assert.equal(compareVersions("1.0.0-a.2", "1.0.0-a.10"), -1));
test("numeric before text", () => assert.equal(compareVersions("1.0.0-1", "1.0.0-alpha"), -1));
test("text", () => assert.equal(compareVersions("1.0.0-beta", "1.0.0-alpha"), 1));
test("shorter first", () => assert.equal(compareVersions("1.0.0-a", "1.0.0-a.0"), -1));
test("hyphen inside", () => assert.equal(compareVersions("1.0.0-x-a", "1.0.0-x-b"), -1));
test("same", () => assert.equal(compareVersions("1.2.3-a.1", "1.2.3-a.1"), 0));
`),
  solutions: {
    right: versionSource,
    wrong: [
      slip(
        versionSource,
        "if (numericX && numericY) return Number(x) < Number(y) ? -1 : 1;\n    ",
        "",
        "compares numeric identifiers as text",
      ),
      slip(
        versionSource,
        'text.split("+")[0].split("-")',
        'text.split("-")',
        "does not ignore build metadata",
      ),
      slip(
        versionSource,
        "Math.sign(right.pre.length - left.pre.length)",
        "Math.sign(left.pre.length - right.pre.length)",
        "puts the pre-release after the release",
      ),
      slip(versionSource, 'rest.join("-")', '(rest[0] ?? "")', "cuts a pre-release at its own hyphen"),
    ],
  },
  plan: {
    subGoals: [
      "cut off the build metadata behind +",
      "split version and pre-release at the first hyphen only",
      "compare major, minor and patch as numbers",
      "put a version with a pre-release before the same version without one",
      "compare pre-release identifiers one by one, numeric ones as numbers and before others",
    ],
    pitfalls: [
      "identifiers such as 2 and 10 compared as text",
      "hyphens inside a pre-release",
      "the shorter pre-release, which comes first",
      "build metadata that must be ignored",
    ],
    checks: [
      "run compareVersions on 1.10.0 and 1.9.3",
      "swap a and b and expect the opposite sign",
      "run pre-release against release with run_javascript",
    ],
  },
  working: [
    'compareVersions("1.10.0", "1.9.3")',
    'compareVersions("1.0.0-a.2", "1.0.0-a.10")',
    'compareVersions("2.0.0-rc.1", "2.0.0")',
  ],
};

export const codeBin3 = tasksOf("code", 3, [mergeIntervals, parseCsvLine, compareVersions]);
