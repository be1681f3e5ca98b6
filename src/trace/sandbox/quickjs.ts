/**
 * QuickJS in one fresh WebAssembly instance, with a memory, a stack, a fuel gauge and a clock of its own.
 *
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

/** Where QuickJS keeps its runtime and its context: addresses in its memory. */
export interface Roots {
  readonly runtime: ReturnType<QuickJSFFI["QTS_NewRuntime"]>;
  readonly context: ReturnType<QuickJSFFI["QTS_NewContext"]>;
}

/** What a memory is to hold in place of what QuickJS would make there. */
export interface Contents {
  readonly roots: Roots;
  /** Writes it into the memory, which is as large as a run begins with. */
  fill(memory: WebAssembly.Memory): void;
}

export interface QuickJsOptions {
  /** The compiled `quickjs-metered.wasm`. */
  readonly wasmModule: WebAssembly.Module;
  /** Heap that scripts may use, bytes. */
  readonly memoryBytes: number;
  /** Stack that scripts may use, bytes of the interpreter's own stack. */
  readonly stackBytes: number;
  /** What `Date` says, ms since the epoch. */
  readonly nowMs: () => number;
  /** Polled by the interpreter's own loops; true ends the script with an error that it cannot catch. */
  readonly shouldInterrupt: () => boolean;
  /** Absent: QuickJS makes a runtime and a context. */
  readonly contents?: Contents;
}

export interface QuickJs {
  readonly runtime: QuickJSRuntime;
  readonly context: QuickJSContext;
  readonly memory: WebAssembly.Memory;
  readonly roots: Roots;
  /** Units left; negative once the gauge has trapped. */
  readonly fuel: WebAssembly.Global;
}

/** @throws WebAssembly.LinkError when the module is not the metered one */
export async function loadQuickJs(options: QuickJsOptions): Promise<QuickJs> {
  const memory = new WebAssembly.Memory({ initial: MIN_PAGES, maximum: mostPages(options.memoryBytes) });
  let instance: WebAssembly.Instance | undefined;
  const roots: { -readonly [K in keyof Roots]?: Roots[K] } = { ...options.contents?.roots };
  const quickjs = await newQuickJSWASMModuleFromVariant({
    type: "sync",
    importFFI: async () => rootedAt(roots),
    importModuleLoader: async () => async () => {
      const settings = {
        wasmMemory: memory,
        // Emscripten's own words (an abort) would go to the Worker's console.
        print: ignore,
        printErr: ignore,
        instantiateWasm(imports: WebAssembly.Imports, onSuccess: (it: WebAssembly.Instance) => void) {
          const charge = (units: number) => spend(fuelGauge(instance), units);
          const clock = clockImports({ memory, nowMs: options.nowMs, charge });
          instance = new WebAssembly.Instance(options.wasmModule, { ...imports, clock });
          onSuccess(instance);
          return instance.exports;
        },
      };
      return loadEmscripten(settings);
    },
  });
  // Not before: the module writes its own data into its memory as it starts.
  options.contents?.fill(memory);
  const runtime = quickjs.newRuntime({
    memoryLimitBytes: options.memoryBytes,
    maxStackSizeBytes: options.stackBytes,
    interruptHandler: options.shouldInterrupt,
  });
  const context = runtime.newContext();
  return { runtime, context, memory, roots: roots as Roots, fuel: fuelGauge(instance) };
}

/** Takes units for work that the host does on a script's behalf; the next charge inside traps when they are gone. */
export function spend(fuel: WebAssembly.Global, units: number): void {
  fuel.value = Math.max(-1, Number(fuel.value) - Math.ceil(units));
}

function mostPages(memoryBytes: number): number {
  return Math.max(MIN_PAGES, Math.ceil(((STATIC_BYTES + memoryBytes) * GROWTH_SLACK) / PAGE_BYTES));
}

/** The calls into QuickJS, with a runtime and a context that are there already, or are noted as they are made. */
function rootedAt(roots: { -readonly [K in keyof Roots]?: Roots[K] }): typeof QuickJSFFI {
  return class extends QuickJSFFI {
    constructor(...given: ConstructorParameters<typeof QuickJSFFI>) {
      super(...given);
      const { QTS_NewRuntime, QTS_NewContext } = this;
      this.QTS_NewRuntime = () => (roots.runtime ??= QTS_NewRuntime());
      this.QTS_NewContext = (...asked) => (roots.context ??= QTS_NewContext(...asked));
    }
  };
}

function fuelGauge(instance: WebAssembly.Instance | undefined): WebAssembly.Global {
  const gauge = instance?.exports.fuel;
  if (!(gauge instanceof WebAssembly.Global)) throw new Error("this QuickJS has no fuel gauge");
  return gauge;
}

function ignore(): void {}
