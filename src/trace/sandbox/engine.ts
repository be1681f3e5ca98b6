/**
 * One fresh QuickJS for one run: a copy of the image, with a stack, a fuel gauge and a clock of its own.
 *
 * The instance is used for one run and dropped: after a trap its stack is in no state to go on.
 */
import { StaticLifetime } from "quickjs-emscripten-core";
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from "quickjs-emscripten-core";
import { connectPrint, contentsOf, type Image } from "./image.ts";
import { STATIC_BYTES } from "./pages.ts";
import { loadQuickJs, spend, type QuickJsOptions } from "./quickjs.ts";

const FULL_SHARE = 0.85;

export interface EngineOptions extends Omit<QuickJsOptions, "nowMs" | "contents"> {
  readonly image: Image;
  /** What `Date` says, ms since the epoch. */
  readonly nowMs: number;
  /** Seeds `Math.random`; an integer from 1 to 2^53 - 1. */
  readonly seed: number;
}

export interface Engine {
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
  /** The guest program's functions that put values and errors into words. */
  readonly inspect: QuickJSHandle;
  readonly describeError: QuickJSHandle;
  /** Says where lines of `console` go. Call it once, before any function is given to the context. */
  readonly onPrint: (print: (line: QuickJSHandle) => void) => void;
  /** Units left; negative once the gauge has trapped. */
  readonly fuelLeft: () => number;
  readonly setFuel: (units: number) => void;
  /** Whether the heap has grown to about its limit; QuickJS throws a bare null when not even an error fits. */
  readonly isMemoryFull: () => boolean;
  /** Takes units for work that the host does on a script's behalf; the next charge inside traps when they are gone. */
  readonly charge: (units: number) => void;
}

/** Makes an engine. @throws WebAssembly.LinkError when the module is not the metered one. */
export async function createEngine({ image, nowMs, seed, ...options }: EngineOptions): Promise<Engine> {
  const contents = contentsOf(image, seed);
  const { runtime, context, memory, fuel } = await loadQuickJs({ ...options, nowMs: () => nowMs, contents });
  return {
    runtime,
    context,
    inspect: new StaticLifetime(image.inspect, runtime),
    describeError: new StaticLifetime(image.describeError, runtime),
    onPrint: (print) => void connectPrint(context, print),
    fuelLeft: () => Number(fuel.value),
    setFuel: (units) => {
      fuel.value = units;
    },
    isMemoryFull: () => memory.buffer.byteLength >= STATIC_BYTES + options.memoryBytes * FULL_SHARE,
    charge: (units) => spend(fuel, units),
  };
}
