/**
 * One fresh QuickJS in one fresh WebAssembly instance, with a memory, a stack, a fuel gauge and a clock of its own.
 *
 * The instance is used for one run and dropped: after a trap its stack is in no state to go on.
 * It imports nothing that reaches outside: no network, no host object, no wall clock, no zone.
 */
import loadEmscripten from "@jitl/quickjs-wasmfile-release-sync/emscripten-module";
import { QuickJSFFI } from "@jitl/quickjs-wasmfile-release-sync/ffi";
import { newQuickJSWASMModuleFromVariant } from "quickjs-emscripten-core";
import type { QuickJSContext, QuickJSRuntime } from "quickjs-emscripten-core";
import { clockImports } from "./clock.ts";
import { MIN_PAGES, PAGE_BYTES, STATIC_BYTES } from "./pages.ts";

/** Emscripten grows in steps of 5 to 20 %; without slack the last step of a legal heap would fail. */
const GROWTH_SLACK = 1.25;
const FULL_SHARE = 0.85;

export interface EngineOptions {
  /** The compiled `quickjs-metered.wasm`. */
  readonly wasmModule: WebAssembly.Module;
  /** Heap that scripts may use, bytes. */
  readonly memoryBytes: number;
  /** Stack that scripts may use, bytes of the interpreter's own stack. */
  readonly stackBytes: number;
  /** What `Date` says, ms since the epoch. */
  readonly nowMs: number;
  /** Seeds `Math.random`; an integer from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Polled by the interpreter's own loops; true ends the script with an error that it cannot catch. */
  readonly shouldInterrupt: () => boolean;
}

export interface Engine {
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
  /** Units left; negative once the gauge has trapped. */
  readonly fuelLeft: () => number;
  readonly setFuel: (units: number) => void;
  /** Whether the heap has grown to about its limit; QuickJS throws a bare null when not even an error fits. */
  readonly isMemoryFull: () => boolean;
  /** Takes units for work that the host does on a script's behalf; the next charge inside traps when they are gone. */
  readonly charge: (units: number) => void;
}

/** Makes an engine. @throws WebAssembly.LinkError when the module is not the metered one. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  const maximum = Math.max(
    MIN_PAGES,
    Math.ceil(((STATIC_BYTES + options.memoryBytes) * GROWTH_SLACK) / PAGE_BYTES),
  );
  const memory = new WebAssembly.Memory({ initial: MIN_PAGES, maximum });
  // QuickJS seeds Math.random from the clock when a context is made, so the seed is the time until then.
  let clockMs = options.seed;
  let instance: WebAssembly.Instance | undefined;

  const quickjs = await newQuickJSWASMModuleFromVariant({
    type: "sync",
    importFFI: async () => QuickJSFFI,
    importModuleLoader: async () => async () => {
      const settings = {
        wasmMemory: memory,
        // Emscripten's own words (an abort) would go to the Worker's console.
        print: ignore,
        printErr: ignore,
        instantiateWasm(imports: WebAssembly.Imports, onSuccess: (it: WebAssembly.Instance) => void) {
          instance = new WebAssembly.Instance(options.wasmModule, {
            ...imports,
            clock: clockImports({
              memory,
              nowMs: () => clockMs,
              charge: (units) => spend(fuelGauge(instance), units),
            }),
          });
          onSuccess(instance);
          return instance.exports;
        },
      };
      return loadEmscripten(settings);
    },
  });
  const fuel = fuelGauge(instance);

  const runtime = quickjs.newRuntime({
    memoryLimitBytes: options.memoryBytes,
    maxStackSizeBytes: options.stackBytes,
    interruptHandler: options.shouldInterrupt,
  });
  const context = runtime.newContext();
  clockMs = options.nowMs;
  return {
    runtime,
    context,
    fuelLeft: () => Number(fuel.value),
    setFuel: (units) => {
      fuel.value = units;
    },
    isMemoryFull: () => memory.buffer.byteLength >= STATIC_BYTES + options.memoryBytes * FULL_SHARE,
    charge: (units) => spend(fuel, units),
  };
}

function fuelGauge(instance: WebAssembly.Instance | undefined): WebAssembly.Global {
  const gauge = instance?.exports.fuel;
  if (!(gauge instanceof WebAssembly.Global)) throw new Error("this QuickJS has no fuel gauge");
  return gauge;
}

function spend(gauge: WebAssembly.Global, units: number): void {
  gauge.value = Math.max(-1, Number(gauge.value) - Math.ceil(units));
}

function ignore(): void {}
