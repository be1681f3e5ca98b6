/**
 * What a script can do to the host and to the script after it: nothing. Each attempt comes back as an outcome of bounded
 * size, the host's built-ins are as they were, and the next script meets a world of its own.
 */
import { describe, expect, it } from "vitest";
import { aSandbox, someOptions } from "./support.ts";

/** Attempt, script, and how what comes of it begins: its value, or why there is none. */
const ATTEMPTS: readonly (readonly [attempt: string, script: string, shown: string])[] = [
  ["polluting Object.prototype", "Object.prototype.polluted = 'yes'; ({}).polluted", '"yes"'],
  ["polluting Object.prototype through __proto__", "({}).__proto__.polluted = 'yes'; ({}).polluted", '"yes"'],
  [
    "polluting through a parsed __proto__",
    'Object.assign({}, JSON.parse(\'{"__proto__": {"polluted": 1}}\')).polluted',
    "1",
  ],
  ["polluting through a constructor", "({}).constructor.prototype.polluted = 1; [].polluted", "1"],
  ["polluting Array.prototype", "Array.prototype.polluted = 1; Array.prototype.push = () => 0; [1]", "[1]"],
  [
    "polluting Function.prototype",
    "Function.prototype.call = () => 'mine'; Function.prototype.polluted = 1; 1",
    "1",
  ],
  [
    "polluting String.prototype",
    "String.prototype.replaceAll = () => 'mine'; String.prototype.slice = () => ''; 'a'",
    '"a"',
  ],
  ["polluting Promise.prototype", "Promise.prototype.polluted = 1; Promise.resolve(1)", "1"],
  [
    "polluting every prototype that there is",
    "for (const name of Object.getOwnPropertyNames(globalThis)) try { globalThis[name].prototype.polluted = 1 } catch {} 1",
    "1",
  ],
  [
    "replacing the prototype of everything",
    "try { Object.setPrototypeOf(Object.prototype, { polluted: 1 }) } catch (error) { error.name }",
    '"TypeError"',
  ],
  [
    "freezing the built-ins",
    "for (const name of Object.getOwnPropertyNames(globalThis)) try { Object.freeze(globalThis[name].prototype) } catch {} 1",
    "1",
  ],
  [
    "deleting all globals",
    "for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name] } catch {} 1",
    "1",
  ],
  [
    "a constructor's constructor of an array",
    "[].constructor.constructor('return globalThis.process')()",
    "undefined",
  ],
  [
    "a constructor's constructor of a generator",
    "Object.getPrototypeOf(function* () {}).constructor('yield globalThis.process')().next().value",
    "undefined",
  ],
  [
    "a constructor's constructor of an async function",
    "await Object.getPrototypeOf(async () => {}).constructor('return typeof process')()",
    '"undefined"',
  ],
  [
    "a constructor's constructor of the console",
    "console.log.constructor.constructor('return this')() === globalThis",
    "true",
  ],
  [
    "the constructor of what await gives",
    "(await Promise.resolve({})).constructor.constructor('return typeof fetch')()",
    '"undefined"',
  ],
  [
    "the constructor of a caught host error",
    "try { null.x } catch (error) { error.constructor.constructor('return typeof process')() }",
    '"undefined"',
  ],
  [
    "the constructor of an error of the stack",
    "try { (function f() { f() })() } catch (error) { error.constructor.constructor('return typeof process')() }",
    '"undefined"',
  ],
  [
    "the constructor of an error of memory",
    "try { new Uint8Array(2 ** 31) } catch (error) { error.constructor.constructor('return typeof process')() }",
    '"undefined"',
  ],
  [
    "eval in a function of its own",
    "new Function('code', 'return eval(code)')('typeof process')",
    '"undefined"',
  ],
  [
    "with and a proxy",
    "new Function('p', 'with (p) { return process }')(new Proxy({}, { has: () => true, get: () => 'mine' }))",
    '"mine"',
  ],
  [
    "a proxy as the value",
    "new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 }, getPrototypeOf() { throw 3 } })",
    "[cannot be shown: thrown: 3]",
  ],
  [
    "a proxy around a proxy around a function",
    "new Proxy(new Proxy(function () {}, {}), { apply() { throw 1 } })",
    "[Function]",
  ],
  [
    "a getter that throws, as the value",
    "({ get a() { throw new Error('mine') }, b: 1 })",
    "[cannot be shown: Error: mine",
  ],
  [
    "a getter that throws a proxy",
    "({ get a() { throw new Proxy({}, { get() { throw 1 } }) } })",
    "[cannot be shown: an error that cannot be described]",
  ],
  [
    "an error whose message and stack throw",
    "throw Object.defineProperties(new Error('x'), { message: { get() { throw 1 } }, stack: { get() { throw 2 } }, name: { get() { throw 3 } } })",
    "threw: an error that cannot be described",
  ],
  [
    "toString and toPrimitive that throw",
    "throw { toString() { throw 1 }, [Symbol.toPrimitive]() { throw 2 } }",
    'threw: Error: {"toString": [Function: toString]}',
  ],
  ["Symbol.toStringTag with line breaks", "({ [Symbol.toStringTag]: 'x\\nvalue: forged' })", "{}"],
  [
    "a class named like an escape",
    "(class { static get name() { return '\\u001b[2J' } })",
    "[Function: \u001b[2J]",
  ],
  [
    "an inspect symbol of another host",
    "({ [Symbol.for('nodejs.util.inspect.custom')]: () => 'mine' })",
    "{}",
  ],
  ["an iterator that never ends", "({ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) })", "{}"],
  [
    "an array iterator that lies",
    "Array.prototype[Symbol.iterator] = function* () { yield 'mine' }; [...[1]]",
    '["mine"]',
  ],
  ["a thenable as the value", "({ then(ok) { ok('mine') } })", '{"then": [Function: then]}'],
  ["a thenable that throws", "({ then() { throw new Error('mine') } })", '{"then": [Function: then]}'],
  [
    "a thenable that answers twice",
    "({ then(ok, no) { ok(1); no(2); ok(3) } })",
    '{"then": [Function: then]}',
  ],
  [
    "a promise that rejects with itself",
    "let p; p = Promise.reject({ get self() { return p } }); p",
    'threw: Error: {"self": Promise {}}',
  ],
  ["lone surrogates in value and log", "console.log('\\ud800x'); '\\udfff'", '"\\udfff"'],
  ["zero bytes and escapes in value and log", "console.log('\\u0000\\u001b[31m'); '\\u0000'", '"\\u0000"'],
  ["flooding the log", "for (let i = 0; i < 20000; i += 1) console.log('x'.repeat(100))", "undefined"],
  ["flooding the log with one line", "console.log('x'.repeat(4e6))", "undefined"],
  ["flooding the value", "'x'.repeat(4e6)", '"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
  ["flooding the error", "throw new Error('x'.repeat(4e6))", "threw: Error: xxxxxxxxxxxxxxxxxxxxxx"],
  [
    "flooding the error's name",
    "const e = new Error('x'); e.name = 'y'.repeat(4e6); throw e",
    "threw: yyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
  ],
  ["a value that is itself", "const a = []; a.push(a); a", "[[Circular]]"],
  ["a wide value", "Array.from({ length: 1e5 }, (_, i) => ({ i }))", "out_of_fuel: the script used up its "],
  ["WebAssembly", "typeof WebAssembly + typeof Atomics", '"undefinedundefined"'],
  [
    "shared memory",
    "typeof SharedArrayBuffer === 'undefined' ? 'none' : Object.prototype.toString.call(new SharedArrayBuffer(8))",
    '"[object SharedArrayBuffer]"',
  ],
  [
    "a wait on shared memory",
    "try { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1e9) } catch (error) { error.name }",
    '"ReferenceError"',
  ],
  [
    "weak references and finalizers",
    "typeof WeakRef === 'function' && new WeakRef({}).deref() !== undefined; new FinalizationRegistry(() => { for (;;); }).register({}, 1); 1",
    "1",
  ],
  [
    "a detached buffer",
    "const b = new ArrayBuffer(8); const v = new Uint8Array(b); try { structuredClone(b, { transfer: [b] }) } catch {} v.length",
    "8",
  ],
  [
    "a growing buffer under a view",
    "const b = new ArrayBuffer(8, { maxByteLength: 16 }); const v = new Uint8Array(b); b.resize(0); v[0]",
    "undefined",
  ],
  ["the clock as a stopwatch", "const a = Date.now(); for (let i = 0; i < 1e5; i += 1); Date.now() - a", "0"],
  ["the clock through a job", "const a = Date.now(); await null; Date.now() - a", "0"],
  ["a finer clock", "typeof performance + typeof process", '"undefinedundefined"'],
  ["the zone", "new Date(2026, 6, 1).getTimezoneOffset()", "0"],
  ["the locale", "typeof Intl + (1234.5).toLocaleString()", '"undefined1234.5"'],
  [
    "the source of the harness",
    "console.log.toString() + Function.prototype.toString.call(console.info)",
    '"function log(...values){if(left<=0)',
  ],
  [
    "the caller's arguments",
    "(function f() { try { return f.arguments.callee.caller } catch (error) { return error.name } })()",
    '"TypeError"',
  ],
  ["the stack of an error", "new Error('x').stack.includes('/')", "false"],
  [
    "import of the host's modules",
    "try { await import('node:fs') } catch (error) { error.name }",
    '"ReferenceError"',
  ],
  [
    "import by a loader's own names",
    "(await Promise.allSettled(['std', 'os', 'qjs:std', './engine.ts', 'file:///etc/passwd'].map((m) => import(m)))).map((r) => r.status).join()",
    '"rejected,rejected,rejected,rejected,rejected"',
  ],
  ["a label of the wrapper's", "break_out: { break break_out } 1", "1"],
  [
    "closing the wrapper",
    "}); globalThis.escaped = 1; (async () => { ",
    "syntax_error: SyntaxError: unexpecte",
  ],
  ["a comment that swallows the wrapper", "1 /*", "syntax_error: SyntaxError: unexpecte"],
  ["a hashbang and strictness", "#!/bin/sh\n1", "1"],
  [
    "a string that ends the source",
    "1\u0000; globalThis.escaped = 1",
    "syntax_error: SyntaxError: expecting ';'\n    at main.js:1:2\n",
  ],
  ["line separators of another kind", "1 globalThis.escaped2 = 2", "2"],
];

/** A world of its own has none of what the attempts leave behind. */
const CANARY = `[typeof polluted, typeof escaped, ({}).polluted ?? 0, [].polluted ?? 0, Math.max(1, 2),
  JSON.stringify([1]), "a-b".split("-").length, await Promise.resolve(3), Date.now()]`;
const CLEAN = `["undefined", "undefined", 0, 0, 2, "[1]", 2, 3, ${someOptions().nowMs}]`;

/** Longest of each part of an outcome: 64 KiB and a statement. */
const MAX_CHARS = 65_536 + 200;

const BUILT_INS = [
  Object,
  Function,
  Array,
  String,
  Number,
  RegExp,
  Promise,
  Map,
  Set,
  WeakMap,
  Error,
  Uint8Array,
  ArrayBuffer,
  Date,
  Symbol,
] as const;

/** The host's built-ins with all that they have, and the names of its globals. */
function hostWorld(): Map<string, unknown> {
  const world = new Map<string, unknown>([["globals", Object.getOwnPropertyNames(globalThis).join()]]);
  for (const one of BUILT_INS) {
    const places: readonly (readonly [string, object])[] = [
      [one.name, one],
      [`${one.name}.prototype`, one.prototype as object],
    ];
    for (const [place, object] of places) {
      world.set(`${place} extensible`, Object.isExtensible(object));
      world.set(`${place} prototype`, Object.getPrototypeOf(object));
      world.set(`${place} keys`, Reflect.ownKeys(object).map(String).join());
      for (const key of Reflect.ownKeys(object)) {
        const { value, get } = Object.getOwnPropertyDescriptor(object, key) ?? {};
        world.set(`${place} ${String(key)}`, get ?? (value as unknown));
      }
    }
  }
  return world;
}

function differences(before: Map<string, unknown>, after: Map<string, unknown>): string[] {
  return [...before.keys()].filter((place) => !Object.is(before.get(place), after.get(place)));
}

describe("a script that tries", () => {
  it.each(ATTEMPTS)("%s comes back, and leaves nothing behind", async (_, script, shown) => {
    const sandbox = aSandbox();
    const before = hostWorld();
    const outcome = await sandbox.run(script, someOptions());
    expect(differences(before, hostWorld())).toEqual([]);
    const said = outcome.ok ? outcome.value : `${outcome.reason}: ${outcome.message}`;
    expect(said.slice(0, shown.length)).toBe(shown);
    expect(Math.max(said.length, outcome.logs.length)).toBeLessThan(MAX_CHARS);
    expect((said + outcome.logs).isWellFormed()).toBe(true);
    expect(await sandbox.run(CANARY, someOptions())).toMatchObject({ ok: true, value: CLEAN });
  });
});
