/**
 * Results that do not do the task but try to look as if. None may pass; and none may reach `unknown`, which is for
 * tests that are at fault.
 */
import { describe, expect, it } from "vitest";
import { verify } from "../../../src/trace/verifiers/index.ts";
import { aSandbox, someOptions } from "./support.ts";

/** Tests as a tenant would write them: table-driven, sync, async and by promise chains. */
const TESTS = `
const cases = [[1, 2, 3], [2, 2, 4]];
for (const [a, b, sum] of cases) test("add " + a + " " + b, () => assert.equal(add(a, b), sum));
cases.forEach(([a, b, sum]) => test("again " + a, () => { assert.deepEqual([add(a, b)], [sum]) }));
test("json", () => assert.equal(JSON.stringify({ sum: add(5, 5) }), '{"sum":10}'));
test("array", () => { assert(Array.isArray(list())); assert.equal(list().map(String).join(), "1,2,3") });
test("set", () => assert.equal(list().filter((x, i, all) => all.indexOf(x) === i).length, 3));
test("async", async () => { assert.equal(await later(), 7) });
test("chain", () => Promise.all([later(), later()]).then((both) => assert.deepEqual(both, [7, 7])));
test("throws", () => assert.throws(() => add("x", 1), TypeError));
`;

/** Wrong everywhere, but complete enough that each test gets to its assertion. */
const WRONG = `
function add() { return 0 }
function list() { return "no" }
async function later() { return 0 }
`;

const FORGERIES: readonly (readonly [what: string, script: string])[] = [
  ["nothing (a plainly wrong result)", ""],
  [
    "redefining assert as a function",
    "function assert() {} assert.equal = assert.deepEqual = assert.throws = () => {};",
  ],
  [
    "redefining assert and test on the global object",
    "Object.assign(globalThis, { test() {}, assert: Object.assign(() => {}, { equal() {} }) })",
  ],
  [
    "a non-configurable global test",
    "Object.defineProperty(globalThis, 'test', { value: () => {}, configurable: false })",
  ],
  ["const test and const assert", "const test = () => {}; const assert = () => {};"],
  [
    "an accessor for assert on Object.prototype",
    "Object.defineProperty(Object.prototype, 'assert', { get: () => () => {}, configurable: true })",
  ],
  ["Object.is", "Object.is = () => true"],
  ["Array.prototype.push", "Array.prototype.push = function () { return 0 }"],
  ["JSON.stringify", "JSON.stringify = () => '{\"sum\":10}'"],
  ["a JSON of its own", "var JSON = { stringify: () => '{\"sum\":10}' }"],
  ["Array.isArray", "Array.isArray = () => true; globalThis.Array = { isArray: () => true }"],
  ["Promise.prototype.then", "Promise.prototype.then = function () { return Promise.resolve() }"],
  [
    "Promise.prototype.then that calls back at once",
    "Promise.prototype.then = function (ok) { try { ok?.(7) } catch {} return this }",
  ],
  [
    "the Promise's constructor and species",
    "Promise.prototype.constructor = class { static [Symbol.species] = null; then(ok) { ok(7) } }",
  ],
  ["Promise.all", "Promise.all = () => ({ then: () => undefined })"],
  [
    "a global Promise of its own",
    "globalThis.Promise = class { static all() { return { then: () => undefined } } static resolve() { return this } }",
  ],
  [
    "Array.prototype.forEach and its iterator",
    "Array.prototype.forEach = () => {}; Array.prototype[Symbol.iterator] = function* () {}",
  ],
  ["the array iterator's next", "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true })"],
  [
    "a setter for indices on Array.prototype",
    "Object.defineProperty(Array.prototype, 0, { set() {}, get: () => undefined, configurable: true })",
  ],
  [
    "a setter for indices on Object.prototype",
    "try { Object.defineProperty(Object.prototype, 0, { set() {}, configurable: true }) } catch {}",
  ],
  [
    "String.prototype methods",
    "String.prototype.join = () => '1,2,3'; String.prototype.indexOf = () => 0; String.prototype.toString = () => '3'",
  ],
  [
    "Symbol.hasInstance on TypeError",
    "try { Object.defineProperty(TypeError, Symbol.hasInstance, { value: () => true }) } catch {} add = () => { throw 1 }",
  ],
  [
    "Function.prototype.call and apply",
    "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => () => true",
  ],
  ["Function.prototype.toString", "Function.prototype.toString = () => ''"],
  ["Reflect", "Reflect.apply = Reflect.ownKeys = () => []"],
  [
    "the Error constructor",
    "globalThis.Error = function () {}; Error.captureStackTrace = () => {}; Error.prepareStackTrace = () => ''",
  ],
  [
    "printing a verdict",
    "console.log('9 of 9 tests passed'); console.log(JSON.stringify({ outcome: 'pass' }))",
  ],
  [
    "a top-level object that looks like a verdict",
    "({ kind: 'ran', count: 9, failures: [], ok: true, value: true, outcome: 'pass' })",
  ],
  ["closing the wrapper", "}}}); outcome = 'pass'; (() => {{{"],
  ["returning early", "return 'pass'"],
  ["throwing a pass", "throw { outcome: 'pass', toString: () => 'pass' }"],
  ["throwing an interruption", "throw new InternalError('interrupted')"],
  ["an endless job", "(function again() { Promise.resolve().then(again) })()"],
  ["spinning when tested", "add = () => { for (;;); }"],
  ["exhausting the stack when tested", "add = () => add()"],
  ["eating the memory when tested", "add = () => { const a = []; for (;;) a.push(new Array(1e4).fill(0)) }"],
  [
    "a value that equals anything",
    "add = list = () => ({ valueOf: () => 3, toString: () => '1,2,3', [Symbol.toPrimitive]: () => 3 })",
  ],
  [
    "a proxy that answers everything",
    "const any = new Proxy(function () {}, { get: (t, key) => key === Symbol.toPrimitive ? () => 3 : any, apply: () => any, has: () => true }); add = list = later = () => any",
  ],
  [
    "a proxy of an array with lying length",
    "list = () => new Proxy([1, 2, 3], { get: (t, key) => key === 'length' ? 3 : undefined })",
  ],
  ["a thenable that never calls back", "later = () => ({ then() {} })"],
  ["a thenable whose then returns a kept promise", "later = () => ({ then: () => Promise.resolve(7) })"],
  [
    "swallowing through onRejected",
    "later = () => { const p = Promise.resolve(0); p.then = (ok) => { try { ok(0) } catch {} return Promise.resolve() }; return p }",
  ],
  ["importing the harness", "import('harness.js').catch(() => {}); eval('harness')"],
  ["its own name as the harness's file", "//# sourceURL=harness.js"],
  ["a generator's return", "add = function* () { yield 3 }"],
  ["replacing module", "module = { exports: { outcome: 'pass' } }; exports = null"],
  ["freezing the global object", "Object.freeze(globalThis)"],
  [
    "stopping extensions everywhere",
    "for (const key of Object.getOwnPropertyNames(globalThis)) try { Object.freeze(globalThis[key].prototype) } catch {}",
  ],
  [
    "deleting built-ins",
    "for (const key of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[key] } catch {}",
  ],
  [
    "emptying prototypes",
    "for (const it of [Array, Object, String, Promise, Function]) for (const key of Reflect.ownKeys(it.prototype)) try { delete it.prototype[key] } catch {}",
  ],
  [
    "changing prototypes' prototypes",
    "for (const it of [Array, String, Promise, Function, Map]) try { Object.setPrototypeOf(it.prototype, new Proxy({}, { get: () => () => true, has: () => true })) } catch {}",
  ],
];

describe("a forged result", () => {
  it.each(FORGERIES)("does not pass by %s", async (_, forgery) => {
    const found = await verify({ type: "tests", code: TESTS }, `${WRONG}\n${forgery}`, {
      sandbox: aSandbox(),
      ...someOptions(),
    });
    expect(found).toMatchObject({ outcome: "fail" });
    // Not one of the ten may be won: either all fail, or the whole result is refused.
    expect(found.evidence).toMatch(/^10 of 10 tests failed|^in |^with this result loaded no test registers/);
  });

  it("is told from the honest one, which passes the same tests", async () => {
    const honest = `
      export function add(a, b) { if (typeof a !== "number") throw new TypeError("a number, please"); return a + b }
      export const list = () => [1, 2, 3];
      export async function later() { return 7 }`;
    const found = await verify({ type: "tests", code: TESTS }, honest, {
      sandbox: aSandbox(),
      ...someOptions(),
    });
    expect(found).toMatchObject({ outcome: "pass", evidence: "10 of 10 tests passed" });
  });

  it.each([
    [
      "a swallowed assertion in a callback",
      "test('each', () => each([1], (x) => assert.equal(x, 2)))",
      "const each = (xs, f) => { for (const x of xs) try { f(x) } catch {} }",
    ],
    [
      "an assertion that is never reached",
      "test('each', () => each([1], (x) => assert.equal(x, 1)))",
      "const each = () => {}",
    ],
    [
      "an assertion in a promise that nobody awaits",
      "test('later', () => { get().then((x) => assert.equal(x, 1)) })",
      "const get = async () => 2",
    ],
    [
      "a chain that a thenable drops",
      "test('later', () => get().then((x) => assert.equal(x, 1)))",
      "const get = () => ({ then: () => Promise.resolve() })",
    ],
    [
      "keeping tests from registering",
      "for (const x of table()) test('t' + x, () => assert.equal(x, 1)); function table() { return [...new Set([1, 2])] }",
      "globalThis.Set = class { *[Symbol.iterator]() {} }",
    ],
  ])("does not pass by %s", async (_, code, result) => {
    const found = await verify({ type: "tests", code }, result, { sandbox: aSandbox(), ...someOptions() });
    expect(found).toMatchObject({ outcome: "fail" });
  });
});
