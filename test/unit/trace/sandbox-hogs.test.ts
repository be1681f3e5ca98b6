/** Scripts that would spin, swell or recurse for ever: each comes back as a tagged failure. */
import { describe, expect, it } from "vitest";
import type { SandboxReason } from "../../../src/trace/sandbox/index.ts";
import { aSandbox, SMALL_FUEL, someOptions } from "./support.ts";

type Hog = readonly [what: string, script: string, ...reasons: SandboxReason[]];

/** Enough to fill the memory before the tank is empty. */
const MEMORY_FUEL = 10 * SMALL_FUEL;

const SPINS: readonly Hog[] = [
  ["a bare loop", "while (true) {}"],
  ["a loop that catches everything", "for (;;) try { for (;;); } catch {} finally { continue }"],
  ["calls", "function f() {} for (;;) f()"],
  ["indexOf over 2^53 holes", "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)"],
  ["includes over 2^53 holes", "Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1)"],
  ["join over 2^32 holes", "new Array(2 ** 32 - 1).fill(0)", "out_of_fuel", "out_of_memory"],
  ["reverse of a sparse array", "const a = []; a[4e9] = 1; a.reverse()"],
  ["a regex that backtracks", "/^(a+)+$/.test('a'.repeat(40) + 'b')"],
  ["a regex in replace", "('x'.repeat(1e5) + 'y').replace(/(x+x+)+z/g, '')"],
  ["BigInt squares", "let x = 3n; for (;;) x = (x * x) % (10n ** 20000n)"],
  ["BigInt printing", "const x = 3n ** 100000n; for (;;) x.toString()"],
  ["BigInt division", "const x = 3n ** 200000n; for (;;) x / (7n ** 100000n)"],
  ["sorting", "for (;;) Array.from({ length: 1e5 }, () => Math.random()).sort()"],
  ["splitting a long string", "const s = 'x'.repeat(5e4); for (;;) s.split('')"],
  ["searching a long string", "const s = 'a'.repeat(1e6); for (;;) s.indexOf('ab')"],
  ["copying bytes", "const a = new Uint8Array(4e6); for (;;) a.slice()"],
  ["filling bytes", "const a = new Uint8Array(8e6); for (;;) a.fill(1)"],
  ["moving bytes", "const a = new Uint8Array(8e6); for (;;) a.copyWithin(0, 1)"],
  ["normalising", "const s = 'é'.repeat(1e5); for (;;) s.normalize('NFD')"],
  ["a generator", "function* g() { for (;;) yield 1 } for (const x of g());"],
  [
    "a generator spread into an array",
    "function* g() { for (;;) yield } [...g()]",
    "out_of_fuel",
    "out_of_memory",
  ],
  ["a getter", "const o = { get x() { for (;;); } }; o.x"],
  [
    "a proxy trap",
    "new Proxy({}, { ownKeys() { for (;;); } }); Object.keys(new Proxy({}, { ownKeys() { for (;;); } }))",
  ],
  ["a getter that only the host's rendering reads", "({ get x() { for (;;); } })"],
  ["toString of a thrown error", "throw { get message() { for (;;); } }"],
  ["a chain of promises", "(function again() { return Promise.resolve().then(again) })()"],
  ["await in a loop", "for (;;) await 1"],
  ["a job nobody awaits", "(async () => { for (;;) await 1 })(); 1"],
  ["a spin inside a job", "Promise.resolve().then(() => { for (;;); }); 1"],
  ["a thenable that never ends", "await { then() { for (;;); } }"],
  ["parsing dates in the local zone", "for (;;) new Date(2020, 1, 1).getHours()"],
  ["compiling", "for (let i = 0; ; i++) new Function('return ' + i)"],
  ["compiling regexes", "for (let i = 0; ; i++) new RegExp('[a-z]' + i, 'iu')"],
  ["logging", "for (;;) console.log('x')"],
  ["logging nothing", "for (;;) console.log()"],
  ["garbage", "for (;;) { const o = {}; o.self = o }"],
];

const BOMBS: readonly Hog[] = [
  ["arrays in an array", "const a = []; for (;;) a.push(new Array(5000).fill(0))", "out_of_memory"],
  ["a doubling string", "let s = 'xy'; for (;;) s += s", "threw", "out_of_memory"],
  [
    "doubling strings that are kept",
    "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)",
    "out_of_memory",
    "out_of_fuel",
  ],
  ["a huge typed array", "new Uint8Array(2 ** 31)", "threw", "out_of_memory"],
  ["many typed arrays", "const a = []; for (;;) a.push(new Float64Array(1e5))", "out_of_memory"],
  [
    "a map that grows",
    "const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })",
    "out_of_memory",
    "out_of_fuel",
  ],
  ["closures", "let f = () => 0; for (;;) { const g = f; f = () => g }", "out_of_memory", "out_of_fuel"],
  ["split of a hundred million characters", "'x'.repeat(1e8).split('')", "out_of_memory"],
  ["a huge BigInt", "2n ** (2n ** 30n)", "threw", "out_of_memory", "out_of_fuel"],
  [
    "BigInts kept",
    "const a = []; for (let x = 3n ** 10000n; ; x += 1n) a.push(x)",
    "out_of_memory",
    "out_of_fuel",
  ],
  [
    "pending promises",
    "const a = []; for (;;) a.push(new Promise(() => {}))",
    "out_of_memory",
    "out_of_fuel",
  ],
];

const DEEP: readonly Hog[] = [
  ["recursion", "function f() { return f() + 1 } f()", "stack_overflow"],
  ["recursion through a getter", "const o = { get x() { return this.x } }; o.x", "stack_overflow"],
  ["recursion through a proxy", "const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x", "stack_overflow"],
  ["recursion through toString", "const o = { toString() { return `${o}` } }; `${o}`", "stack_overflow"],
  ["recursion through sort", "const f = () => [2, 1].sort(f); f()", "stack_overflow"],
  ["recursion through replace", "const f = () => 'a'.replace(/a/, f); f()", "stack_overflow"],
  [
    "recursion through bind",
    "let f = () => 0; for (let i = 0; i < 1e4; i++) f = f.bind(null); f()",
    "stack_overflow",
    "out_of_memory",
  ],
  ["deep JSON", "JSON.parse('['.repeat(1e5) + ']'.repeat(1e5))", "stack_overflow"],
  [
    "deep JSON out",
    "let o = {}; for (let i = 0; i < 1e4; i++) o = { o }; JSON.stringify(o)",
    "stack_overflow",
    "out_of_fuel",
  ],
  ["a deep array literal", "eval('['.repeat(1e5))", "stack_overflow"],
  ["deep parentheses", "eval('('.repeat(1e5))", "stack_overflow"],
  ["deep functions", "eval('()=>'.repeat(1e4) + '0')", "stack_overflow", "out_of_memory"],
  ["a deep template", "eval('`${'.repeat(1e4))", "stack_overflow"],
  ["unary operators", "eval('!'.repeat(1e5) + '1')", "stack_overflow"],
  ["a deep regex", "new RegExp('(?:'.repeat(1e5))", "stack_overflow", "threw"],
  [
    "mutual recursion that catches",
    "function f() { try { f() } finally { f() } } f()",
    "out_of_fuel",
    "stack_overflow",
  ],
];

async function outcomeOf(script: string, fuel = SMALL_FUEL): Promise<unknown> {
  const outcome = await aSandbox({ fuel }).run(script, someOptions());
  return outcome.ok ? outcome : outcome.reason;
}

describe("a script that would compute for ever", () => {
  it.each(SPINS)("ends: %s", async (_, script, ...reasons) => {
    expect(reasons.length === 0 ? ["out_of_fuel"] : reasons).toContain(await outcomeOf(script));
  });
});

describe("a script that would take all memory", () => {
  it.each(BOMBS)("ends: %s", async (_, script, ...reasons) => {
    expect(reasons).toContain(await outcomeOf(script, MEMORY_FUEL));
  });
});

describe("a script that goes too deep", () => {
  it.each(DEEP)("ends: %s", async (_, script, ...reasons) => {
    expect(reasons).toContain(await outcomeOf(script));
  });
  it("ends also when the source itself nests", async () => {
    for (const open of ["[", "(", "{", "!", "a?", "`${", "()=>", "x=>{", "if(1)", "class{a="]) {
      const outcome = await aSandbox().run(open.repeat(100_000), someOptions());
      expect(outcome).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/stack_overflow|syntax_error|out_of_memory|out_of_fuel/),
      });
    }
  });
});

describe("the budget", () => {
  it("is never overdrawn in the books", async () => {
    const outcome = await aSandbox().run(
      "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
      someOptions(),
    );
    expect(outcome.fuelUsed).toBe(SMALL_FUEL);
  });
  it("is whole again for the next run", async () => {
    const sandbox = aSandbox();
    await sandbox.run("for (;;);", someOptions());
    expect(await sandbox.run("1 + 1", someOptions())).toMatchObject({ ok: true, value: "2" });
  });
  it("keeps what was logged before it ran out", async () => {
    expect(await aSandbox().run("console.log('so far'); for (;;);", someOptions())).toMatchObject({
      reason: "out_of_fuel",
      logs: "so far\n",
    });
  });
  it("spends the same for the same script", async () => {
    const script = "const a = Array.from({ length: 500 }, Math.random); a.sort(); JSON.stringify(a)";
    const [first, second] = [
      await aSandbox().run(script, someOptions()),
      await aSandbox().run(script, someOptions()),
    ];
    expect(second).toEqual(first);
  });
});
