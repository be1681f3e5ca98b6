/** Scripts that reach for the host find nothing there. */
import { describe, expect, it } from "vitest";
import { aSandbox, someOptions } from "./support.ts";

const HOST_NAMES = [
  "fetch",
  "process",
  "require",
  "module",
  "Buffer",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "WebSocket",
  "XMLHttpRequest",
  "navigator",
  "self",
  "window",
  "global",
  "caches",
  "crypto",
  "performance",
  "WebAssembly",
  "Atomics",
  "Worker",
  "importScripts",
  "std",
  "os",
  "print",
  "scriptArgs",
  "Deno",
  "Bun",
];

const ATTEMPTS: readonly (readonly [what: string, script: string, value: string])[] = [
  ["names of hosts", `${JSON.stringify(HOST_NAMES)}.filter((name) => name in globalThis)`, "[]"],
  ["the Function constructor", "Function('return typeof fetch + typeof process')()", '"undefinedundefined"'],
  ["a constructor's constructor", "console.log.constructor('return typeof process')()", '"undefined"'],
  [
    "the function behind console",
    "Object.getOwnPropertyNames(console).sort()",
    '["debug", "error", "info", "log", "warn"]',
  ],
  ["indirect eval", "(0, eval)('typeof fetch')", '"undefined"'],
  [
    "this of a sloppy function",
    "(function () { return this === globalThis && typeof this.process })()",
    '"undefined"',
  ],
  ["the caller", "(function f() { return f.caller })() ?? null", "null"],
  [
    "an error's stack objects",
    "Error.prepareStackTrace = (_, frames) => frames; typeof new Error().stack",
    '"string"',
  ],
  [
    "the prototype of everything",
    "Object.prototype.constructor('return process').constructor === Object.prototype.constructor",
    "false",
  ],
  ["a patched Promise", "Promise.prototype.then = () => 'mine'; await 1; 2", "2"],
  [
    "a patched JSON in the rendering",
    "JSON.stringify = () => 'mine'; Object.keys = () => ['x']; ({ a: 'b' })",
    '{"a": "b"}',
  ],
  ["a patched Array iterator", "Array.prototype[Symbol.iterator] = function* () {}; [1, 2]", "[1, 2]"],
  ["a patched Object.prototype", "Object.prototype.value = 'mine'; 7", "7"],
  [
    "a getter for the result on Object.prototype",
    "Object.defineProperty(Object.prototype, 'ok', { get: () => true }); 7",
    "7",
  ],
  ["a value with a toJSON", "({ toJSON: () => 'mine', a: 1 })", '{"toJSON": [Function: toJSON], "a": 1}'],
  ["import.meta", "try { eval('import.meta') } catch (error) { error.name }", '"SyntaxError"'],
];

const FAILURES: readonly (readonly [what: string, script: string, reason: string])[] = [
  ["a dynamic import", "import('node:fs')", "threw"],
  ["a static import", "import fs from 'node:fs'", "syntax_error"],
  ["a made-up interruption", "throw new InternalError('interrupted')", "threw"],
  ["an import of a data address", "import('data:text/javascript,export default 1')", "threw"],
  ["Atomics.wait", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", "threw"],
  ["a promise that is never settled", "new Promise(() => {})", "never_settled"],
  ["a syntax error", "const = 1", "syntax_error"],
  ["a rejected promise", "Promise.reject(new TypeError('no'))", "threw"],
  [
    "a thrown revoked proxy",
    "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy",
    "threw",
  ],
  ["a thrown symbol", "throw Symbol('x')", "threw"],
  ["a thrown nothing", "throw undefined", "threw"],
];

describe("a script", () => {
  it.each(ATTEMPTS)("does not reach the host by %s", async (_, script, value) => {
    expect(await aSandbox().run(script, someOptions())).toMatchObject({ ok: true, value });
  });
  it.each(FAILURES)("fails by %s", async (_, script, reason) => {
    expect(await aSandbox().run(script, someOptions())).toMatchObject({ ok: false, reason });
  });
  it("cannot leave anything for the next one", async () => {
    const sandbox = aSandbox();
    await sandbox.run("globalThis.left = 1; Array.prototype.left = 1; Math.random = () => 4", someOptions());
    expect(
      await sandbox.run("[typeof left, typeof [].left, Math.random() < 1]", someOptions()),
    ).toMatchObject({ value: '["undefined", "undefined", true]' });
  });
  it("that is longer than a megabyte is not run", async () => {
    expect(await aSandbox().run("/".repeat(1_048_577), someOptions())).toMatchObject({
      reason: "source_too_long",
      fuelUsed: 0,
    });
  });
});
