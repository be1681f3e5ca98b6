/**
 * What every run begins with, made once: the memory of a QuickJS in which the house's own program has run, and nothing else.
 *
 * A run gets a copy of it in an instance of its own. That is the same as having made it anew, but for the seed of
 * `Math.random`, which is written into the copy; and it takes a fraction of the time.
 */
import type { JSValue, QuickJSContext, QuickJSHandle } from "quickjs-emscripten-core";
import consoleGuest from "./guest/console.generated.ts";
import { STACK_AT, STATIC_BYTES } from "./pages.ts";
import { loadQuickJs, type Contents, type QuickJsOptions, type Roots } from "./quickjs.ts";

/** A piece of the memory that is not all zeros, nor stack. */
interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Where a value stands that nobody gives back. */
type ValueAddress = JSValue["value"];

export interface Image {
  readonly roots: Roots;
  readonly pieces: readonly Piece[];
  /** Bytes from the beginning of the memory to where the state of `Math.random` stands. */
  readonly seedAt: number;
  /** Where the functions are that put values and errors into words. */
  readonly inspect: ValueAddress;
  readonly describeError: ValueAddress;
}

/** QuickJS seeds `Math.random` by the clock when a context is made; this time is found in its memory afterwards. */
const MARK_MS = 8_765_432_109_876_543;
/** As QuickJS reckons with it. */
const MICROS_PER_MS = 1_000n;
/** Zeros are left out in blocks of so many bytes. */
const BLOCK_BYTES = 4_096;
/** More than the house's own program takes by far. */
const FUEL = 100_000_000;

/** @throws WebAssembly.LinkError when the module is not the metered one, Error where QuickJS is not as it is known */
export async function takeImage(
  options: Pick<QuickJsOptions, "wasmModule" | "memoryBytes" | "stackBytes">,
): Promise<Image> {
  const made = await loadQuickJs({ ...options, nowMs: () => MARK_MS, shouldInterrupt: () => false });
  made.fuel.value = FUEL;
  const { context, memory, roots } = made;
  const install = context.unwrapResult(context.evalCode(consoleGuest, "console"));
  const words = context.unwrapResult(context.callFunction(install, context.undefined, connectPrint(context)));
  // Before the memory is read: what is asked for has a place of its own.
  const addressOf = (name: string): ValueAddress => (context.getProp(words, name) as JSValue).value;
  const [inspect, describeError] = [addressOf("inspect"), addressOf("describeError")];
  return {
    roots,
    pieces: piecesOf(memory),
    seedAt: placeOf(seedState(MARK_MS), memory),
    inspect,
    describeError,
  };
}

/** The function by which `console` reaches the host: the first that a context is given, in the image as in its copies. */
export function connectPrint(
  context: QuickJSContext,
  print: (line: QuickJSHandle) => void = () => undefined,
): QuickJSHandle {
  return context.newFunction("print", print);
}

/** @param seed an integer from 1 to 2^53 - 1 */
export function contentsOf(image: Image, seed: number): Contents {
  return {
    roots: image.roots,
    fill: (memory) => {
      const bytes = new Uint8Array(memory.buffer);
      for (const piece of image.pieces) bytes.set(piece.bytes, piece.at);
      new DataView(memory.buffer).setBigUint64(image.seedAt, seedState(seed), true);
    },
  };
}

function seedState(seed: number): bigint {
  return BigInt(seed) * MICROS_PER_MS;
}

/** In the heap. @throws Error where it stands nowhere, or more than once */
function placeOf(state: bigint, { buffer }: WebAssembly.Memory): number {
  const words = new BigUint64Array(buffer, STATIC_BYTES);
  const at = words.indexOf(state);
  if (at === -1 || words.indexOf(state, at + 1) !== -1)
    throw new Error("this QuickJS keeps its seed elsewhere");
  return STATIC_BYTES + at * words.BYTES_PER_ELEMENT;
}

function piecesOf({ buffer }: WebAssembly.Memory): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < buffer.byteLength; at += BLOCK_BYTES) {
    const isStack = at >= STACK_AT && at + BLOCK_BYTES <= STATIC_BYTES;
    if (isStack || isBlank(new Int32Array(buffer, at, BLOCK_BYTES / Int32Array.BYTES_PER_ELEMENT))) continue;
    pieces.push({ at, bytes: new Uint8Array(buffer.slice(at, at + BLOCK_BYTES)) });
  }
  return pieces;
}

/** By index: over hundreds of thousands of words an iterator takes several times as long. */
function isBlank(words: Int32Array): boolean {
  for (let at = 0; at < words.length; at += 1) if (words[at] !== 0) return false;
  return true;
}
