/**
 * Weaves the fuel gauge into a module's text form. Pure: text in, text out.
 *
 * Relies on how binaryen prints (one expression a line, `(func`/`(loop` at a line's start, end parenthesis alone);
 * it counts what it wove, and refuses a module in which it missed a loop or a function.
 */

import { MIN_PAGES } from "../pages.ts";

/** The exported mutable global (i32) that holds the fuel left; below zero the module traps at the next charge. */
export const FUEL_EXPORT = "fuel";

/** Bytes that `memory.copy` and `memory.fill` move for one unit of fuel. */
const BYTES_PER_FUEL_LOG2 = 4;

/** A straight stretch of this many instructions costs one more unit. */
const INSTRUCTIONS_PER_FUEL = 32;
/** A call costs more than a turn of a loop, and more of a long function runs than of a long loop (a dispatch of opcodes). */
const CALL = { fuel: 2, maxExtra: 4 };
const LOOP = { fuel: 1, maxExtra: 1 };

/** A division takes as long as many plain instructions, and BigInt printing is made of them. */
const DIVISION = /^\(i(?:32|64)\.(?:div|rem)_/;
const DIVISION_FUEL = 3;
/** In a stretch this long (the interpreter's dispatch loop) the divisions are in branches rarely taken. */
const BIG_STRETCH = 256;

/**
 * Emscripten's minified imports that depend on the host's clock and zone, given names that the engine supplies itself.
 * Tied to the pinned package: a clock import that moved fails here or at instantiation.
 */
const CLOCK_IMPORTS = [
  { letter: "p", shape: "(result f64)", name: "now_ms" },
  { letter: "m", shape: "(param i64 i32)", name: "local_time" },
  { letter: "n", shape: "(param i32 i32 i32 i32)", name: "time_zone" },
];

/** Full at birth, because the start function and the setup of a context pay too; the engine sets the budget afterwards. */
const FUEL_GLOBAL = ` (global $fuel (mut i32) (i32.const 2147483647))\n (export "${FUEL_EXPORT}" (global $fuel))`;

const BULK_FUNCTIONS = ["copy", "fill"]
  .map(
    (name) => ` (func $metered_${name} (param $to i32) (param $from i32) (param $bytes i32)
  ${chargeText(`(i32.add (i32.const 1) (i32.shr_u (local.get $bytes) (i32.const ${BYTES_PER_FUEL_LOG2})))`)}
  (memory.${name} (local.get $to) (local.get $from) (local.get $bytes))
 )`,
  )
  .join("\n");

function chargeText(amount: string): string {
  return `(global.set $fuel (i32.sub (global.get $fuel) ${amount})) (if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (unreachable)))`;
}

interface Stretch {
  readonly isFunction: boolean;
  divisions: number;
  /** Index in the output where the charge goes. */
  readonly at: number;
  readonly indent: number;
  instructions: number;
}

/**
 * Adds the charges.
 * @throws Error when the text does not look as expected (a newer binaryen, another Emscripten).
 */
export function meterText(text: string): string {
  const out: string[] = [];
  const stretches: Stretch[] = [];
  const done: Stretch[] = [];
  let inHeader = false;
  for (const line of nameClockImports(shrinkMemory(text)).split("\n")) {
    const indent = line.length - line.trimStart().length;
    const body = line.trimStart();
    if (body.startsWith("(func ")) {
      if (indent !== 1 || stretches.length > 0) throw new Error(`function out of place: ${line}`);
      out.push(line);
      inHeader = true;
      stretches.push({ isFunction: true, at: -1, indent, instructions: 0, divisions: 0 });
      continue;
    }
    const open = stretches.at(-1);
    if (open === undefined) {
      out.push(line.startsWith(" (table ") ? `${FUEL_GLOBAL}\n${line}` : line);
      continue;
    }
    if (inHeader && !body.startsWith("(local $")) {
      inHeader = false;
      stretches[0] = { ...open, at: out.push("") - 1 };
    }
    const current = stretches.at(-1) as Stretch;
    if (body === ")" && indent === current.indent) {
      done.push(current);
      stretches.pop();
    } else {
      current.instructions += 1;
      if (DIVISION.test(body)) current.divisions += 1;
    }
    out.push(line.replace(/\(memory\.(copy|fill)$/, "(call $$metered_$1"));
    if (body.startsWith("(loop"))
      stretches.push({ isFunction: false, at: out.push("") - 1, indent, instructions: 0, divisions: 0 });
  }
  for (const stretch of done) {
    const { fuel, maxExtra } = stretch.isFunction ? CALL : LOOP;
    const weight =
      fuel +
      Math.min(maxExtra, Math.floor(stretch.instructions / INSTRUCTIONS_PER_FUEL)) +
      (stretch.instructions > BIG_STRETCH ? 0 : stretch.divisions * DIVISION_FUEL);
    out[stretch.at] = " ".repeat(stretch.indent + 1) + chargeText(`(i32.const ${weight})`);
  }
  return finish(text, out, done.length);
}

/**
 * A run begins with less memory than Emscripten would give it, and grows to its limit where it must: each has a memory of
 * its own, and what it never used would press on the host's garbage collector all the same.
 */
function shrinkMemory(text: string): string {
  const found = /\(import "a" "a" \(memory \S+ 256 /.exec(text)?.[0];
  if (found === undefined) throw new Error("the memory is not imported as expected");
  return text.replace(found, found.replace(" 256 ", ` ${MIN_PAGES} `));
}

function nameClockImports(text: string): string {
  return CLOCK_IMPORTS.reduce((named, { letter, shape, name }) => {
    const found = new RegExp(`\\(import "a" "${letter}" (\\(func .*\\))\\)$`, "m").exec(named);
    if (!found?.[1]?.endsWith(`${shape})`)) throw new Error(`import ${letter} is not ${name}`);
    return named.replace(found[0], `(import "clock" "${name}" ${found[1]})`);
  }, text);
}

function finish(text: string, out: readonly string[], charged: number): string {
  const expected = (text.match(/^ *\((?:func \$|loop\b)/gm) ?? []).length;
  const woven = out.join("\n").trimEnd();
  if (!woven.endsWith(")") || !woven.includes(FUEL_GLOBAL)) throw new Error("no place for the gauge");
  if (charged !== expected) throw new Error(`charged ${charged} of ${expected} loops and functions`);
  if (/\(memory\.(copy|fill)/.test(woven)) throw new Error("an unmetered bulk memory instruction is left");
  return `${woven.slice(0, -1)}${BULK_FUNCTIONS}\n)\n`;
}
