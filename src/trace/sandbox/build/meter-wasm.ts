/**
 * Makes `quickjs-metered.wasm`: QuickJS with a fuel gauge woven into the machine code.
 *
 * QuickJS asks its interrupt handler only at its own loop back-edges; a native builtin (indexOf over 2^53 holes,
 * a backtracking regex, a BigInt power) never asks, and the clock of a Worker stands still while it computes.
 * So every function entry and every loop head pays fuel, and an empty tank traps. Run by build.ts; never bundled.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import binaryen from "binaryen";
import { meterText } from "./meter-text.ts";

const SOURCE = createRequire(import.meta.url).resolve("@jitl/quickjs-wasmfile-release-sync/wasm");

/** What Emscripten's QuickJS uses and every engine reads; with more, binaryen writes encodings that V8 does not know yet. */
const FEATURES =
  binaryen.Features.MutableGlobals |
  binaryen.Features.BulkMemory |
  binaryen.Features.BulkMemoryOpt |
  binaryen.Features.SignExt |
  binaryen.Features.NontrappingFPToInt;

/** The metered module's bytes. @throws Error when the package's module is not as expected */
export function meteredWasm(): Uint8Array {
  const plain = binaryen.readBinary(readFileSync(SOURCE));
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a set of flags
  plain.setFeatures(FEATURES);
  const metered = binaryen.parseText(meterText(plain.emitText()));
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a set of flags
  metered.setFeatures(FEATURES);
  if (!metered.validate()) throw new Error("the metered module does not validate");
  return metered.emitBinary();
}
