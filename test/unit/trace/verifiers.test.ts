/** What each verifier decides on honest and on broken results. The forging attempts stand in verifier-forging.test.ts. */
import { describe, expect, it } from "vitest";
import { sandboxedSpecSchema } from "../../../src/market/verifier-spec.ts";
import { verify } from "../../../src/trace/verifiers/index.ts";
import type { Verdict } from "../../../src/trace/verifiers/index.ts";
import { aSandbox, someOptions } from "./support.ts";

async function verdictOf(spec: unknown, result: string): Promise<Verdict> {
  return verify(sandboxedSpecSchema.parse(spec), result, { sandbox: aSandbox(), ...someOptions() });
}

async function outcomeOf(spec: unknown, result: string): Promise<string> {
  return (await verdictOf(spec, result)).outcome;
}

describe("equals", () => {
  it.each([
    [{ expected: "42" }, " 42\n", "pass"],
    [{ expected: "42", trim: false }, " 42", "fail"],
    [{ expected: "Yes", ignoreCase: true }, "YES", "pass"],
    [{ expected: "Yes" }, "yes", "fail"],
    [{ expected: "" }, "", "pass"],
  ])("%o of %j is %s", async (spec, result, outcome) => {
    expect(await outcomeOf({ type: "equals", ...spec }, result)).toBe(outcome);
  });
  it("shows where the texts part", async () => {
    const found = await verdictOf(
      { type: "equals", expected: `${"a".repeat(5000)}b` },
      `${"a".repeat(5000)}c`,
    );
    expect(found.evidence).toContain("differs at character 5000");
    expect(new TextEncoder().encode(found.evidence).length).toBeLessThanOrEqual(4096);
  });
});

describe("regex", () => {
  it.each([
    ["^a+$", "", "aaa", "pass"],
    ["^a+$", "i", "AAA", "pass"],
    ["^a+$", "", "b", "fail"],
    ["\\p{L}", "u", "é", "pass"],
    ["^(a+)+$", "", `${"a".repeat(40)}b`, "unknown"],
  ])("/%s/%s on %j is %s", async (pattern, flags, result, outcome) => {
    expect(await outcomeOf({ type: "regex", pattern, flags }, result)).toBe(outcome);
  });
  it("takes pattern and text as data", async () => {
    expect(await outcomeOf({ type: "regex", pattern: "`${x}`\\u0000\"'", flags: "" }, "`${x}`\0\"'")).toBe(
      "fail",
    );
    expect(await outcomeOf({ type: "regex", pattern: "^\"'`\\\\$", flags: "" }, "\"'`\\")).toBe("pass");
  });
});

describe("json_schema", () => {
  const person = {
    type: "object",
    required: ["name"],
    properties: { name: { type: "string", pattern: "^[A-Z]" } },
    additionalProperties: false,
  };
  it.each([
    [person, '{"name":"Ada"}', "pass"],
    [person, 'Here it is:\n```json\n{"name":"Ada"}\n```\nDone.', "pass"],
    [person, '```\n{"name":"Ada"}\n```', "pass"],
    [person, '{"name":"ada"}', "fail"],
    [person, '{"name":"Ada","__proto__":{}}', "fail"],
    [person, "{name: 'Ada'}", "fail"],
    [person, "", "fail"],
    [true, "1", "pass"],
    [false, "1", "fail"],
    [
      { $id: "https://example.com/a/b.json", $ref: "#/$defs/n", $defs: { n: { type: "number" } } },
      "4",
      "pass",
    ],
    [
      {
        $id: "https://example.com/a/b.json",
        $ref: "../c.json",
        $defs: { c: { $id: "/c.json", type: "number" } },
      },
      '"x"',
      "fail",
    ],
    [{ $ref: "#/$defs/missing" }, "4", "unknown"],
    [{ type: "string", pattern: "(" }, '"x"', "unknown"],
    [{ type: "string", pattern: "^(a+)+$" }, JSON.stringify(`${"a".repeat(40)}b`), "unknown"],
    [{ type: "array", prefixItems: [{ const: 1 }], items: false }, "[1]", "pass"],
    [{ type: "array", prefixItems: [{ const: 1 }], items: false }, "[1,2]", "fail"],
    [{}, "[".repeat(100_000), "fail"],
  ])("%j on %.40j is %s", async (schema, result, outcome) => {
    expect(await outcomeOf({ type: "json_schema", schema }, result)).toBe(outcome);
  });
  it("says what does not fit", async () => {
    expect((await verdictOf({ type: "json_schema", schema: person }, '{"name":"ada"}')).evidence).toContain(
      "#/name: String does not match pattern",
    );
  });
});

const ADD = "test('adds', () => { assert.equal(add(1, 2), 3); assert.deepEqual([add(0, 0)], [0]) })";

describe("tests", () => {
  it.each([
    ["a function", ADD, "function add(a, b) { return a + b }", "pass"],
    ["a const", ADD, "const add = (a, b) => a + b", "pass"],
    ["a fence", ADD, "Sure:\n```js\nlet add = (a, b) => a + b\n```\nThat is it.", "pass"],
    ["an export", ADD, "export function add(a, b) { return a + b }", "pass"],
    ["a default export", ADD, "export default function add(a, b) { return a + b }", "pass"],
    ["an export list", ADD, "const plus = (a, b) => a + b;\nexport { plus as add };", "pass"],
    [
      "an anonymous default",
      "test('adds', () => assert(defaultExport(1, 2) === 3))",
      "export default (a, b) => a + b",
      "pass",
    ],
    ["CommonJS", ADD, "const add = (a, b) => a + b;\nmodule.exports = { add };", "pass"],
    [
      "the word export in a template",
      "test('t', () => assert.equal(t, '\\nexport const a = 1\\n'))",
      "const t = `\nexport const a = 1\n`",
      "pass",
    ],
    [
      "a class",
      "test('c', () => { const c = new Counter(); c.inc(); assert.equal(c.n, 1) })",
      "class Counter { n = 0; inc() { this.n++ } }",
      "pass",
    ],
    [
      "a class named as a built-in",
      "test('m', () => assert.equal(new Map().mine, 1))",
      "class Map { mine = 1 }",
      "pass",
    ],
    ["a top-level await", ADD, "const one = await 1; const add = (a, b) => a + b", "pass"],
    [
      "an extended prototype",
      "test('x', () => assert.equal('ab'.shout(), 'AB!'))",
      "String.prototype.shout = function () { return this.toUpperCase() + '!' }",
      "pass",
    ],
    [
      "an error class",
      "test('e', () => { assert.throws(() => fail(), MyError); assert.throws(() => fail(), /my/); assert.throws(() => fail(), { name: 'MyError' }) })",
      "'use strict'; class MyError extends Error { constructor() { super('my'); this.name = 'MyError'; this.toString = () => 'x' } } function fail() { throw new MyError() }",
      "pass",
    ],
    [
      "old inheritance",
      "test('p', () => assert.equal(new B().f(), 1))",
      "'use strict'; function A() {} A.prototype.f = function () { return 1 }; function B() {} B.prototype = Object.create(A.prototype); B.prototype.constructor = B; B.prototype.toString = () => 'B'",
      "pass",
    ],
    [
      "an async result",
      "test('a', async () => assert.equal(await later(), 3)); test('r', () => assert.rejects(never(), TypeError))",
      "async function later() { await null; return 3 } async function never() { throw new TypeError('no') }",
      "pass",
    ],
    ["the raw text", "test('text', () => assert.match(result, /42/))", "/* 42 */", "pass"],
    [
      "maps, sets, dates",
      "test('d', () => { assert.deepEqual(f(), { m: new Map([[{ k: 1 }, new Set([2, 1])]]), d: new Date(5), r: /a/g, n: NaN }); assert.notEqual(f(), f()) })",
      "const f = () => ({ m: new Map([[{ k: 1 }, new Set([1, 2])]]), d: new Date(5), r: /a/g, n: NaN })",
      "pass",
    ],
    [
      "tests with top-level await",
      "const m = await add(1, 1); test('x', () => assert.equal(m, 2))",
      "const add = (a, b) => a + b",
      "pass",
    ],
    [
      "tests that declare a name of the result",
      "const add2 = add; { const add = add2; test('x', () => assert.equal(add(1, 1), 2)) }",
      "const add = (a, b) => a + b",
      "pass",
    ],

    ["a wrong result", ADD, "const add = (a, b) => a - b", "fail"],
    ["a missing name", ADD, "const plus = (a, b) => a + b", "fail"],
    ["no code at all", ADD, "I am sorry, I cannot do that.", "fail"],
    ["an empty result", ADD, "", "fail"],
    [
      "a result that throws while it loads",
      ADD,
      "const add = (a, b) => a + b; throw new Error('late')",
      "fail",
    ],
    ["a result that never ends", ADD, "function add() { for (;;); }", "fail"],
    ["a result that never loads", ADD, "const add = (a, b) => a + b; for (;;);", "fail"],
    [
      "a result that awaits for ever",
      ADD,
      "const add = (a, b) => a + b; await new Promise(() => {})",
      "fail",
    ],
    [
      "a promise that is never settled",
      "test('a', async () => assert.equal(await later(), 3))",
      "const later = () => new Promise(() => {})",
      "fail",
    ],
    ["a test that throws", "test('t', () => { add.x.y; assert(true) })", "const add = 1", "fail"],
    [
      "a memory bomb",
      ADD,
      "function add() { const a = []; for (;;) a.push(new Array(1e4).fill(1)) }",
      "fail",
    ],
    [
      "a failed assertion outside of a test",
      "assert.equal(add(1, 2), 3); test('x', () => assert(true))",
      "const add = () => 4",
      "fail",
    ],
    [
      "an undefined field",
      "test('u', () => assert.deepEqual(f(), {}))",
      "const f = () => ({ a: undefined })",
      "fail",
    ],
    [
      "another error class",
      "test('e', () => assert.throws(f, TypeError))",
      "const f = () => { throw new RangeError('x') }",
      "fail",
    ],

    ["tests that do not parse", "test('x', () => {", "const add = 1", "unknown"],
    ["tests that close their function", "}); (function () {", "const add = 1", "unknown"],
    ["no tests", "const x = 1", "const add = 1", "unknown"],
    ["assertions but no tests", "assert(true)", "const add = 1", "unknown"],
  ])("%s", async (_, code, result, outcome) => {
    const found = await verdictOf({ type: "tests", code }, result);
    expect(found).toMatchObject({ outcome });
  });

  it("names the test that failed, and how", async () => {
    const found = await verdictOf(
      { type: "tests", code: `${ADD}; test('neg', () => assert.equal(add(-1, 1), 0, 'sum of opposites'))` },
      "const add = (a, b) => a + b + (a < 0 ? 1 : 0)",
    );
    expect(found).toEqual({
      outcome: "fail",
      verifier: "tests",
      evidence: "1 of 2 tests failed:\n- neg: sum of opposites: expected 0, got 1",
    });
  });

  it("keeps the evidence small", async () => {
    const code = "for (let i = 0; i < 50; i++) test('t' + i, () => assert.equal(f(), 1))";
    const found = await verdictOf({ type: "tests", code }, "const f = () => '🙂'.repeat(3000)");
    expect(new TextEncoder().encode(found.evidence).length).toBeLessThanOrEqual(4096);
    expect(found.evidence.isWellFormed()).toBe(true);
  });
});
