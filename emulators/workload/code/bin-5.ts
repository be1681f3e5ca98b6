/** Coding tasks of the hardest bin: search for an optimum with tie rules, a parser with errors; diff and patch stands in a file of its own. */
import { lineDiff } from "./diff-and-patch.ts";
import { slip, SOURCE_ONLY, type TaskBody, tasksOf, unitTests } from "../task.ts";

const scheduleSource = String.raw`function planJobs(jobs, pauseMs) {
  const sorted = jobs.filter((job) => job.end > job.start && job.value > 0)
    .sort((a, b) => a.end - b.end || (a.id < b.id ? -1 : 1));
  const better = (a, b) => {
    if (a.value !== b.value) return a.value > b.value;
    if (a.busy !== b.busy) return a.busy < b.busy;
    if (a.ids.length !== b.ids.length) return a.ids.length < b.ids.length;
    return JSON.stringify([...a.ids].sort()) < JSON.stringify([...b.ids].sort());
  };
  const best = [{ value: 0, busy: 0, ids: [] }];
  sorted.forEach((job, i) => {
    let k = i;
    while (k > 0 && sorted[k - 1].end + pauseMs > job.start) k -= 1;
    const before = best[k];
    const taken = {
      value: before.value + job.value,
      busy: before.busy + job.end - job.start,
      ids: [...before.ids, job.id],
    };
    best.push(better(taken, best[i]) ? taken : best[i]);
  });
  const { value, ids } = best[sorted.length];
  return { value, ids };
}`;

const scheduler: TaskBody = {
  id: "weighted-scheduler",
  prompt: `Write a function planJobs(jobs, pauseMs). jobs is an array of {id, start, end, value} (id is a string of lower-case letters, times in ms, value an integer). Choose jobs for one machine so that the sum of values is largest; between the end of a job and the start of the next at least pauseMs must pass. Jobs with end <= start or with a value of 0 or less are never chosen. Among plans of equal value choose the one with the least busy time (sum of end - start), then the one with the fewest jobs, then the one whose sorted list of ids comes first as JSON text. Return {value, ids} with the ids in order of start. The input is not changed. It must manage 2000 jobs within a second. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
const job = (id, start, end, value) => ({ id, start, end, value });
test("one long or two short", () => assert.deepEqual(planJobs([job("a", 0, 10, 5), job("b", 0, 4, 3), job("c", 5, 9, 3)], 0), { value: 6, ids: ["b", "c"] }));
test("touching is fine without pause", () => assert.deepEqual(planJobs([job("a", 0, 5, 1), job("b", 5, 9, 1)], 0), { value: 2, ids: ["a", "b"] }));
test("pause", () => assert.deepEqual(planJobs([job("a", 0, 5, 1), job("b", 5, 9, 2)], 1), { value: 2, ids: ["b"] }));
test("exact pause", () => assert.deepEqual(planJobs([job("a", 0, 5, 1), job("b", 7, 9, 2)], 2).ids, ["a", "b"]));
test("useless jobs", () => assert.deepEqual(planJobs([job("a", 3, 3, 9), job("b", 5, 4, 9), job("c", 0, 1, 0), job("d", 1, 2, -4)], 0), { value: 0, ids: [] }));
test("least busy time", () => assert.deepEqual(planJobs([job("a", 0, 9, 4), job("b", 2, 5, 4)], 0).ids, ["b"]));
test("least busy time, early end", () => assert.deepEqual(planJobs([job("b", 2, 5, 4), job("a", 4, 6, 4)], 0).ids, ["a"]));
test("fewest jobs", () => assert.deepEqual(planJobs([job("a", 0, 2, 2), job("b", 2, 4, 2), job("c", 5, 9, 4), job("d", 0, 9, 1), job("e", 3, 7, 4)], 9).ids, ["c"]));
test("fewest jobs at equal busy time", () => assert.deepEqual(planJobs([job("a", 0, 2, 2), job("b", 2, 4, 2), job("z", 0, 4, 4)], 0).ids, ["z"]));
test("ids decide", () => assert.deepEqual(planJobs([job("b", 0, 2, 3), job("a", 1, 3, 3)], 0).ids, ["a"]));
test("input untouched", () => { const jobs = [job("b", 4, 6, 1), job("a", 0, 2, 1)]; planJobs(jobs, 0); assert.equal(jobs[0].id, "b"); });
`),
  solutions: {
    right: scheduleSource,
    wrong: [
      slip(scheduleSource, "+ pauseMs > job.start", "+ pauseMs >= job.start", "asks for more than the pause"),
      slip(
        scheduleSource,
        "    if (a.busy !== b.busy) return a.busy < b.busy;\n",
        "",
        "ignores the busy time among equal plans",
      ),
      slip(
        scheduleSource,
        "    if (a.ids.length !== b.ids.length) return a.ids.length < b.ids.length;\n",
        "",
        "ignores the number of jobs among equal plans",
      ),
      {
        result: String.raw`function planJobs(jobs, pauseMs) {
  const ids = [];
  let value = 0;
  let free = -Infinity;
  const sorted = [...jobs].filter((j) => j.end > j.start && j.value > 0).sort((a, b) => a.end - b.end);
  for (const job of sorted) {
    if (job.start < free) continue;
    ids.push(job.id);
    value += job.value;
    free = job.end + pauseMs;
  }
  return { value, ids };
}`,
        flaw: "takes jobs greedily by their end",
      },
    ],
  },
  plan: {
    subGoals: [
      "drop jobs with end <= start or without value",
      "sort a copy of the jobs by end",
      "find for each job the last plan that leaves the pause before its start",
      "keep the best plan up to each job: with it or without it",
      "compare plans of equal value by busy time, then fewest jobs, then ids as JSON text",
      "return value and ids in order of start",
    ],
    pitfalls: [
      "a greedy choice by end instead of dynamic programming",
      "a pause that fits exactly",
      "equal value with different busy time",
      "ids compared as sorted lists",
      "exponential time on 2000 jobs",
      "sorting the input itself",
    ],
    checks: [
      "run planJobs on one long job against two short ones",
      "compare with brute force on small random jobs in run_javascript",
      "run the tie rules one by one: busy time, fewest jobs, ids",
    ],
  },
  working: [
    'planJobs([{id:"a",start:0,end:10,value:5},{id:"b",start:0,end:4,value:3},{id:"c",start:5,end:9,value:3}], 0)',
    'planJobs([{id:"a",start:0,end:5,value:1},{id:"b",start:7,end:9,value:2}], 2)',
    'planJobs([{id:"b",start:0,end:2,value:3},{id:"a",start:1,end:3,value:3}], 0)',
  ],
};

const calcSource = String.raw`function calculate(text, variables) {
  let at = 0;
  const fail = (what) => {
    const error = new SyntaxError(what + " at " + at);
    error.position = at;
    throw error;
  };
  const skip = () => {
    while (text[at] === " ") at += 1;
  };
  const take = (sign) => {
    skip();
    if (!text.startsWith(sign, at)) return false;
    at += sign.length;
    return true;
  };
  const primary = () => {
    skip();
    const rest = text.slice(at);
    const number = /^\d+(\.\d+)?/.exec(rest);
    if (number !== null) {
      at += number[0].length;
      return Number(number[0]);
    }
    const name = /^[a-z][a-z0-9_]*/i.exec(rest);
    if (name !== null) {
      if (!Object.hasOwn(variables, name[0])) fail("unknown name");
      at += name[0].length;
      return variables[name[0]];
    }
    if (!take("(")) fail("value expected");
    const value = sum();
    if (!take(")")) fail("closing bracket expected");
    return value;
  };
  const power = () => {
    const base = primary();
    return take("^") ? base ** unary() : base;
  };
  const unary = () => (take("-") ? -unary() : power());
  const product = () => {
    let value = unary();
    for (;;) {
      if (take("*")) value *= unary();
      else if (take("/")) value /= unary();
      else if (take("%")) value %= unary();
      else return value;
    }
  };
  const sum = () => {
    let value = product();
    for (;;) {
      if (take("+")) value += product();
      else if (take("-")) value -= product();
      else return value;
    }
  };
  const value = sum();
  skip();
  if (at < text.length) fail("end expected");
  return value;
}`;

const calculator: TaskBody = {
  id: "expression-parser",
  prompt: `Write a function calculate(text, variables) that evaluates an expression of numbers (12, 0.5), names of variables (a letter, then letters, digits or underscores), the operators + - * / % and ^ (power), unary minus and round brackets; spaces are ignored between them. Precedence from strong to weak: ^ (right-associative), unary minus, * / %, + -; so -2^2 is -4 and 2^3^2 is 512, and 2^-1 is 0.5. * / % and + - are left-associative. variables is an object from name to number; only its own properties count. Anything malformed, an unknown name included, throws a SyntaxError whose property position is the zero-based index of the first character at which no valid expression can go on (for an unknown name its first character, at an unexpected end the length of the text). Do not use eval or Function. ${SOURCE_ONLY}`,
  verifier: unitTests(String.raw`
const positionOf = (text) => { try { calculate(text, {}); } catch (error) { return error instanceof SyntaxError ? error.position : "not a SyntaxError"; } return "no error"; };
test("precedence", () => assert.equal(calculate("1 + 2 * 3", {}), 7));
test("left-associative", () => { assert.equal(calculate("10 - 4 - 3", {}), 3); assert.equal(calculate("24 / 4 / 2", {}), 3); });
test("power is right-associative", () => assert.equal(calculate("2^3^2", {}), 512));
test("unary minus below power", () => { assert.equal(calculate("-2^2", {}), -4); assert.equal(calculate("2^-1", {}), 0.5); assert.equal(calculate("3 - -2", {}), 5); });
test("remainder", () => assert.equal(calculate("17 % 5 * 2", {}), 4));
test("brackets", () => assert.equal(calculate("(1 + 2) * (3 - 1)", {}), 6));
test("variables", () => assert.equal(calculate("rate_1 * x2", { rate_1: 1.5, x2: 4 }), 6));
test("own properties only", () => assert.throws(() => calculate("toString", {})));
test("missing value", () => assert.equal(positionOf("1 + * 2"), 4));
test("trailing text", () => assert.equal(positionOf("1 2"), 2));
test("unexpected end", () => assert.equal(positionOf("(1 + 2"), 6));
test("unknown name", () => assert.equal(positionOf("1 + abc"), 4));
test("empty", () => assert.equal(positionOf(""), 0));
`),
  solutions: {
    right: calcSource,
    wrong: [
      slip(
        calcSource,
        "base ** unary()",
        "base ** primary()",
        "makes the power not right-associative and refuses 2^-1",
      ),
      slip(
        calcSource,
        'const unary = () => (take("-") ? -unary() : power());',
        'const unary = () => (take("-") ? (-primary()) ** (take("^") ? unary() : 1) : power());',
        "binds unary minus tighter than the power",
      ),
      slip(
        calcSource,
        "Object.hasOwn(variables, name[0])",
        "(name[0] in variables)",
        "finds inherited properties",
      ),
      slip(
        calcSource,
        'if (!take(")")) fail("closing bracket expected");',
        'take(")");',
        "accepts a bracket that is never closed",
      ),
    ],
  },
  plan: {
    subGoals: [
      "write a recursive descent parser with one function per level of precedence",
      "read numbers, names of variables and round brackets as primary values",
      "make ^ right-associative and let its exponent have a unary minus",
      "put unary minus below ^ and above * / %",
      "throw a SyntaxError with the position where no valid expression can go on",
      "accept the end only after spaces and nothing else",
    ],
    pitfalls: [
      "-2^2, which is -4",
      "2^3^2 read from the left",
      "inherited properties of variables such as toString",
      "the position after spaces",
      "an unexpected end, whose position is the length of the text",
      "eval or Function, which are not allowed",
    ],
    checks: [
      "run calculate on -2^2, 2^3^2 and 2^-1",
      "catch the error of malformed text and compare its position in run_javascript",
      "test 10 - 4 - 3 for left-associative operators",
    ],
  },
  working: ['calculate("-2^2", {})', 'calculate("2^3^2", {})', 'calculate("1 + 2 * x", { x: 3 })'],
};

export const codeBin5 = tasksOf("code", 5, [scheduler, calculator, lineDiff]);
