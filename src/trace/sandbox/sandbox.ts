/**
 * Runs untrusted JavaScript with an enforced budget: fuel, memory, stack, log length.
 *
 * May not give a script anything of the host: no network, no timer, no clock, no module. A script can fail in many
 * ways and each is an outcome; it cannot hang the isolate, because the machine code itself pays for every loop turn.
 * Deterministic: the same script, seed and time give the same outcome.
 */
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { takeImage, type Image } from "./image.ts";
import { SandboxFault } from "./outcome.ts";
import type { SandboxFailure, SandboxOutcome } from "./outcome.ts";
import { seedFrom } from "./seed.ts";
import { createTurns } from "./turn.ts";
import { outOfFuel, Vm } from "./vm.ts";

/**
 * About one second: on the two cores this was measured on a bare `while (true) {}` takes 0.3 s (warm) to 0.8 s (cold),
 * the slowest mix found (a backtracking regex) 1.1 s.
 */
export const DEFAULT_FUEL = 600_000_000;
export const DEFAULT_MEMORY_BYTES = 16 * 1024 * 1024;
/**
 * Of the interpreter's own stack: some 900 calls deep. The native stack grows along, and in workerd it ends first from
 * about 256 KiB on: still an outcome, but one that a script can no longer catch. Only the parsers get there before
 * (about 500 nested brackets).
 */
export const DEFAULT_STACK_BYTES = 160 * 1024;
/** Below this share of the budget the interpreter's own polls end the run cleanly; natives that never poll run into the trap. */
const SOFT_SHARE = 1 / 32;
/**
 * Free time of the event loop that scripts owe it by what they compute, and how much may be owed when one begins. One turn
 * is too little: a request passes through several (accepting, reading, in `wrangler dev` a proxy), and would wait for a
 * script at each.
 */
const PAUSE_MS = 10;
/** A thousandth of `DEFAULT_FUEL` takes at most so long. */
const FUEL_PER_MS = DEFAULT_FUEL / 1_000;
/** What a fresh machine takes beside its script. */
const MACHINE_MS = 3;
const MAX_SOURCE_CHARS = 1_048_576;

export interface SandboxConfig {
  /** The compiled `quickjs-metered.wasm` (in the Worker: `wasm.ts`). */
  readonly wasmModule: WebAssembly.Module;
  /** Budget of a run, units, at most 2^31 - 1. Default `DEFAULT_FUEL`. */
  readonly fuel?: number;
  /** Heap of a run, bytes. Default 16 MiB. */
  readonly memoryBytes?: number;
  /** Stack of a run, bytes. Default 160 KiB. */
  readonly stackBytes?: number;
  /** Resolves some turns of the event loop later, first come first served; by default a timer of 10 ms. */
  readonly pause?: () => Promise<void>;
  /** A clock, in milliseconds, by which the event loop's free time is counted; by default the system's. */
  readonly now?: () => number;
}

export interface RunOptions {
  /** Seeds `Math.random`; the same seed gives the same numbers (an idempotency key will do). */
  readonly seed: string;
  /** What `Date` says, ms since the epoch. */
  readonly nowMs: number;
  /** Ends the wait for a turn; a script that computes cannot be stopped from outside, only by its budget. */
  readonly signal?: AbortSignal | undefined;
}

export interface Sandbox {
  /** Runs a script; the value is its last one, in words; a promise is awaited. Never rejects. */
  run(source: string, options: RunOptions): Promise<SandboxOutcome>;
  /**
   * Gives a fresh machine to trusted host code that drives it. `drive` must be synchronous; a `SandboxFault` that it
   * lets pass, or any trap below it, is the outcome. Never rejects.
   */
  drive<T>(drive: (vm: Vm) => T, options: RunOptions): Promise<SandboxOutcome<T>>;
}

/** Makes a sandbox; one per isolate, because it also decides whose turn it is. */
export function createSandbox(config: SandboxConfig): Sandbox {
  const turns = createTurns({
    pause: config.pause ?? breathe,
    mostOwedMs: PAUSE_MS,
    now: config.now ?? Date.now,
  });

  /** A value, and no promise: what one request waits for may end with it. */
  let image: Image | null = null;
  const prepare = async (options: RunOptions): Promise<Machine> => {
    image ??= await takeImage(limitsOf(config));
    return createMachine(config, image, options);
  };

  async function drive<T>(driver: (vm: Vm) => T, options: RunOptions): Promise<SandboxOutcome<T>> {
    let machine: Machine;
    try {
      machine = await turns.next(() => prepare(options), options.signal);
    } catch (error) {
      const { reason, message } = options.signal?.aborted
        ? new SandboxFault("aborted", "cancelled before it ran")
        : faultOf(error);
      return { ok: false, reason, message, logs: "", fuelUsed: 0 };
    }
    const outcome = driveNow(machine, driver);
    turns.computed(MACHINE_MS + outcome.fuelUsed / FUEL_PER_MS);
    return outcome;
  }

  return {
    drive,
    run: async (source, options) => {
      if (source.length > MAX_SOURCE_CHARS) return tooLong(source.length);
      return drive((vm) => runScript(vm, source), options);
    },
  };
}

function runScript(vm: Vm, source: string): string {
  const script = valueOf(vm, vm.startScript(source, "main.js"));
  const value = valueOf(vm, vm.property(script, "value"));
  vm.drain();
  return vm.inspect(value);
}

function valueOf(vm: Vm, promise: Parameters<Vm["settle"]>[0]): ReturnType<Vm["call"]> {
  const settled = vm.settle(promise);
  if (settled.state === "fulfilled") return settled.value;
  if (settled.state === "rejected") throw vm.fault(settled.error);
  throw new SandboxFault(
    "never_settled",
    "the script awaits a promise that nothing is left to settle (there are no timers and no network here)",
  );
}

interface Machine {
  readonly engine: Engine;
  /** Units of the whole run. */
  readonly fuel: number;
  /** Whether the budget is gone; a script cannot make this up, as it can the words of an error. */
  readonly isOutOfFuel: () => boolean;
}

function limitsOf({ wasmModule, memoryBytes, stackBytes }: SandboxConfig) {
  return {
    wasmModule,
    memoryBytes: memoryBytes ?? DEFAULT_MEMORY_BYTES,
    stackBytes: stackBytes ?? DEFAULT_STACK_BYTES,
  };
}

async function createMachine(
  config: SandboxConfig,
  image: Image,
  { nowMs, seed }: RunOptions,
): Promise<Machine> {
  const fuel = config.fuel ?? DEFAULT_FUEL;
  let interrupted = false;
  const engine = await createEngine({
    ...limitsOf(config),
    image,
    nowMs,
    seed: seedFrom(seed),
    shouldInterrupt: () => {
      interrupted ||= engine.fuelLeft() < fuel * SOFT_SHARE;
      return interrupted;
    },
  });
  return { engine, fuel, isOutOfFuel: () => interrupted || engine.fuelLeft() < 0 };
}

function driveNow<T>({ engine, fuel, isOutOfFuel }: Machine, driver: (vm: Vm) => T): SandboxOutcome<T> {
  const spent = (): number => fuel - Math.max(0, engine.fuelLeft());
  let vm: Vm | undefined;
  try {
    vm = new Vm(engine, isOutOfFuel);
    engine.setFuel(fuel);
    const value = driver(vm);
    // An interruption inside a job leaves no error behind; nothing computed after it counts.
    if (isOutOfFuel()) throw outOfFuel();
    return { ok: true, value, logs: vm.logs, fuelUsed: spent() };
  } catch (error) {
    const fault = isOutOfFuel() ? outOfFuel() : faultOf(error);
    return {
      ok: false,
      reason: fault.reason,
      message: fault.message,
      logs: vm?.logs ?? "",
      fuelUsed: spent(),
    };
  }
}

/** What unwound the host: a fault already told, a trap of the instance, or the native stack's end. */
function faultOf(error: unknown): SandboxFault {
  if (error instanceof SandboxFault) return error;
  // V8 throws this through the instance's frames when the native stack ends before QuickJS's own limit.
  if (error instanceof RangeError && /call stack/i.test(error.message)) {
    return new SandboxFault("stack_overflow", "the script nests or recurses too deep");
  }
  return new SandboxFault("crashed", `the interpreter gave up: ${String(error)}`);
}

function tooLong(chars: number): SandboxFailure {
  const message = `the source has ${chars} characters, at most ${MAX_SOURCE_CHARS} are taken`;
  return { ok: false, reason: "source_too_long", message, logs: "", fuelUsed: 0 };
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
