/**
 * Runs INSIDE the sandbox: holds a tenant's tests and runs them against a result that may try anything.
 *
 * What the result can never reach: this closure, the list of tests, the record of failures, `test` and `assert`
 * (parameters of the tests' own function, not globals). The host drives each step and reads numbers and texts that
 * only this program writes; nothing is decided by printing or by what an untrusted promise says of itself.
 * Lists are linked or without a prototype: a setter on `Array.prototype` would see an indexed assignment.
 */
import { createAssert } from "./assert.ts";
import { lockBuiltIns } from "./lock-built-ins.ts";

const { create, defineProperty, freeze } = Object;
const sourceOf = Function.prototype.call.bind(Function.prototype.toString) as (fn: unknown) => string;
const includes = Function.prototype.call.bind(String.prototype.includes) as (
  text: string,
  part: string,
) => boolean;
const text = String;

/** Built-ins that tests see as they were born, even when the result declares globals of these names. */
const PRISTINE = [
  "Object",
  "Function",
  "Array",
  "String",
  "Number",
  "Boolean",
  "BigInt",
  "Symbol",
  "Math",
  "JSON",
  "Reflect",
  "RegExp",
  "Date",
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "ReferenceError",
  "isNaN",
  "isFinite",
  "parseInt",
  "parseFloat",
];

interface TestCase {
  readonly name: string;
  readonly run: () => unknown;
  asserted: number;
  failure: string;
}

type TestBody = (test: unknown, assert: unknown, result: string) => Promise<unknown>;

/** Makes a harness for tests that are given as the body of an async function. @throws SyntaxError when they are none */
export default function createHarness(code: string): object {
  const body = compile(code);
  lockBuiltIns();
  // Results written for CommonJS load as well; tests see what they declare at the top, not what they export.
  const module = { exports: {} };
  defineGlobal("module", module);
  defineGlobal("exports", module.exports);

  const cases = create(null) as Record<number, TestCase>;
  let count = 0;
  let current: TestCase | null = null;
  let loose = 0;
  let looseFailure = "";
  const assert = createAssert({
    ran: () => {
      if (current === null) loose += 1;
      else current.asserted += 1;
    },
    failed: () => {
      const at = current;
      const isFirst = (at === null ? looseFailure : at.failure) === "";
      const tell = (what: string): void => {
        if (!isFirst) return;
        if (at === null) looseFailure = what;
        else at.failure = what;
      };
      tell("an assertion failed");
      return tell;
    },
  });
  const test = freeze((name: unknown, run: unknown): void => {
    if (current !== null) throw new TypeError("test() inside a test is not supported");
    if (typeof run !== "function") throw new TypeError("test(name, fn) needs a function");
    cases[count] = {
      name: typeof name === "string" ? name : text(name),
      run: run as () => unknown,
      asserted: 0,
      failure: "",
    };
    count += 1;
  });

  return freeze({
    load: (result: string) => body(test, assert, result),
    count: () => count,
    looseFailure: () => looseFailure,
    looseAsserted: () => loose,
    name: (index: number) => (cases[index] as TestCase).name,
    run: (index: number) => {
      current = cases[index] as TestCase;
      return (0, current.run)();
    },
    failure: (index: number) => (cases[index] as TestCase).failure,
    /** 1 when the test's own text speaks of `assert` and none ran: a patched or lying callee kept it from running. */
    isUnasserted: (index: number) => {
      const it = cases[index] as TestCase;
      return it.asserted === 0 && includes(sourceOf(it.run), "assert") ? 1 : 0;
    },
  });
}

function compile(code: string): TestBody {
  const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => unknown;
  // By itself first: text that closes the function early must not become two functions below.
  void new AsyncFunction("test", "assert", "result", code);
  const make = new Function(
    ...PRISTINE,
    `return async function tests(test, assert, result) {\n${code}\n}`,
  ) as (...natives: unknown[]) => TestBody;
  return make(...PRISTINE.map((name) => (globalThis as Record<string, unknown>)[name]));
}

function defineGlobal(name: string, value: unknown): void {
  defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}
