/** A coding task of the hardest bin: an edit script with tie rules, and its application with errors. */
import { slip, type TaskBody, unitTests } from "../task.ts";

const diffSource = String.raw`function diff(before, after) {
  const [n, m] = [before.length, after.length];
  const longest = Array.from({ length: n + 1 }, () => new Array(m + 1).fill(0));
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      longest[i][j] = before[i] === after[j]
        ? longest[i + 1][j + 1] + 1
        : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const script = [];
  const add = (op, line) => {
    const last = script[script.length - 1];
    if (op === "keep" && last !== undefined && last.op === "keep") last.count += 1;
    else script.push(op === "keep" ? { op, count: 1 } : { op, line });
  };
  let [i, j] = [0, 0];
  while (i < n || j < m) {
    if (i < n && j < m && before[i] === after[j]) {
      add("keep");
      i += 1;
      j += 1;
    } else if (i < n && (j === m || longest[i + 1][j] >= longest[i][j + 1])) add("remove", before[i++]);
    else add("insert", after[j++]);
  }
  return script;
}
function patch(before, script) {
  const out = [];
  let at = 0;
  for (const step of script) {
    if (step.op === "keep") {
      if (at + step.count > before.length) throw new RangeError("nothing left to keep");
      out.push(...before.slice(at, at + step.count));
      at += step.count;
    } else if (step.op === "remove") {
      if (before[at] !== step.line) throw new RangeError("another line stands here");
      at += 1;
    } else out.push(step.line);
  }
  if (at !== before.length) throw new RangeError("lines are left over");
  return out;
}`;

export const lineDiff: TaskBody = {
  id: "diff-and-patch",
  prompt: `Write two functions: diff(before, after) compares two arrays of lines and returns an edit script, patch(before, script) applies it and returns the new array. A script is an array of {op: "keep", count}, {op: "remove", line} and {op: "insert", line} in the order of the text; keeps that follow each other are joined into one. The script must keep as many lines as possible. Where equal lines stand at the current place of both, they are kept; otherwise, if removing and inserting are equally good, removing comes first. patch throws a RangeError when the script does not fit: a keep beyond the end, a removed line that is not the one there, or lines that the script does not reach. Neither function changes its arguments. The result is JavaScript source that defines both functions at the top level, without import or export.`,
  verifier: unitTests(String.raw`
test("same", () => assert.deepEqual(diff(["a", "b"], ["a", "b"]), [{ op: "keep", count: 2 }]));
test("both empty", () => assert.deepEqual(diff([], []), []));
test("replace: removing first", () => assert.deepEqual(diff(["a", "x", "c"], ["a", "y", "c"]), [{ op: "keep", count: 1 }, { op: "remove", line: "x" }, { op: "insert", line: "y" }, { op: "keep", count: 1 }]));
test("keeps as many as possible", () => assert.deepEqual(diff(["x", "a", "b"], ["a", "b", "x"]), [{ op: "remove", line: "x" }, { op: "keep", count: 2 }, { op: "insert", line: "x" }]));
test("insert when it keeps more", () => assert.deepEqual(diff(["b", "c"], ["a", "b", "c"]), [{ op: "insert", line: "a" }, { op: "keep", count: 2 }]));
test("all new", () => assert.deepEqual(diff([], ["a"]), [{ op: "insert", line: "a" }]));
test("round trip", () => {
  const words = ["a", "b", "c"];
  for (let seed = 0; seed < 60; seed += 1) {
    const lines = (s, n) => Array.from({ length: n }, (_, i) => words[(s * (i + 3) + i * i) % 3]);
    const [before, after] = [lines(seed, seed % 7), lines(seed * 5 + 1, (seed * 3) % 8)];
    assert.deepEqual(patch(before, diff(before, after)), after);
  }
});
test("keep beyond the end", () => assert.throws(() => patch(["a"], [{ op: "keep", count: 2 }])));
test("another line", () => assert.throws(() => patch(["a"], [{ op: "remove", line: "b" }])));
test("left over", () => assert.throws(() => patch(["a", "b"], [{ op: "keep", count: 1 }])));
`),
  solutions: {
    right: diffSource,
    wrong: [
      slip(
        diffSource,
        ">= longest[i][j + 1]",
        "> longest[i][j + 1]",
        "inserts first when both are equally good",
      ),
      slip(
        diffSource,
        '  if (at !== before.length) throw new RangeError("lines are left over");\n',
        "",
        "accepts a script that does not reach the end",
      ),
      slip(
        diffSource,
        'if (op === "keep" && last !== undefined && last.op === "keep") last.count += 1;\n    else ',
        "",
        "does not join keeps",
      ),
      slip(
        diffSource,
        '      if (before[at] !== step.line) throw new RangeError("another line stands here");\n',
        "",
        "removes whatever line stands there",
      ),
    ],
  },
  plan: {
    subGoals: [
      "fill a table of the longest common subsequence from the end of both arrays",
      "walk both arrays and keep equal lines at the current place",
      "remove before insert when both are equally good",
      "join keeps that follow each other into one count",
      "apply the script in patch and copy the kept lines",
      "throw a RangeError when the script does not fit: keep beyond the end, another line, lines not reached",
    ],
    pitfalls: [
      "inserting first on a tie",
      "a script that ends before the lines do",
      "keeps that are not joined",
      "empty arrays of lines",
      "the arguments changed by splice",
      "a greedy walk that does not keep as many lines as possible",
    ],
    checks: [
      "run patch on the script of diff and compare with after, on many arrays",
      "test with run_javascript that each RangeError is thrown",
      "count the keeps against brute force on short arrays",
    ],
  },
  working: ['diff(["a","x","c"], ["a","y","c"])', 'patch(["b"], diff(["b"], ["a","b"]))', "diff([], [])"],
};
