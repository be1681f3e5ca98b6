/**
 * One run's virtual machine: evaluates text, calls what it finds, and turns every way of failing into a `SandboxFault`.
 *
 * Values stay inside; only text, numbers and booleans come out. Handles are never released one by one, because the
 * whole instance is dropped after the run.
 */
import type { QuickJSHandle } from "quickjs-emscripten-core";
import type { Engine } from "./engine.ts";
import { SandboxFault } from "./outcome.ts";

/** `JS_EVAL_FLAG_ASYNC` and `JS_EVAL_FLAG_COMPILE_ONLY` of quickjs.h; the first allows `await` at the top of a script. */
const EVAL_ASYNC = 1 << 7;
const EVAL_COMPILE_ONLY = 1 << 5;

/** Jobs run between two looks at a promise. */
const JOBS_PER_LOOK = 64;

const MAX_LOG_CHARS = 65_536 + 64;
/** What a printed line costs on the host, beside its length. */
const PRINT_FUEL = 2_000;

/** A value inside the machine. */
export type VmValue = QuickJSHandle;

type VmResult = { readonly value: VmValue; readonly error?: undefined } | { readonly error: VmValue };

/** How a settled promise ended, by the engine's own record, which no script can patch. */
export type Settled =
  | { readonly state: "fulfilled"; readonly value: VmValue }
  | { readonly state: "rejected"; readonly error: VmValue }
  | { readonly state: "never" };

export class Vm {
  readonly #engine: Engine;
  readonly #isOutOfFuel: () => boolean;
  #logs = "";

  /** @param isOutOfFuel tells an interruption from an error that a script made up */
  constructor(engine: Engine, isOutOfFuel: () => boolean) {
    this.#engine = engine;
    this.#isOutOfFuel = isOutOfFuel;
    engine.onPrint((line) => this.#print(line));
  }

  /** What was logged so far. */
  get logs(): string {
    return this.#logs;
  }

  /** Evaluates trusted text as one script and gives its last value. @throws SandboxFault */
  evaluateExpression(source: string, filename: string): VmValue {
    return this.#unwrap(this.#engine.context.evalCode(source, filename, 0));
  }

  /** Throws a `syntax_error` fault when `source` is no script; runs nothing. @throws SandboxFault */
  checkSyntax(source: string, filename: string): void {
    const checked = this.#engine.context.evalCode(source, filename, EVAL_ASYNC | EVAL_COMPILE_ONLY);
    if (checked.error === undefined) return;
    const fault = this.fault(checked.error);
    throw fault.reason === "threw" ? new SandboxFault("syntax_error", fault.message) : fault;
  }

  /**
   * Starts a script in which `await` may stand at the top. Its top-level names are visible to later scripts.
   * @returns a promise inside, of an object whose `value` is the script's last value. @throws SandboxFault
   */
  startScript(source: string, filename: string): VmValue {
    this.checkSyntax(source, filename);
    return this.#unwrap(this.#engine.context.evalCode(source, filename, EVAL_ASYNC));
  }

  /** Calls a function inside with `undefined` as `this`. @throws SandboxFault */
  call(callee: VmValue, ...parameters: VmValue[]): VmValue {
    const { context } = this.#engine;
    return this.#unwrap(context.callFunction(callee, context.undefined, parameters));
  }

  /** A property of an object that the host's own guest program made. */
  property(object: VmValue, name: string): VmValue {
    return this.#engine.context.getProp(object, name);
  }

  /** Runs jobs until the promise settles or nothing is left to run; a value that is no promise counts as fulfilled. @throws SandboxFault */
  settle(promise: VmValue): Settled {
    for (;;) {
      if (this.#isOutOfFuel()) throw outOfFuel();
      const found = this.#engine.context.getPromiseState(promise);
      if (found.type === "fulfilled") return { state: "fulfilled", value: found.value };
      if (found.type === "rejected") return { state: "rejected", error: found.error };
      if (!this.#runJobs(JOBS_PER_LOOK)) return { state: "never" };
    }
  }

  /** Runs jobs until none is left. @throws SandboxFault */
  drain(): void {
    while (this.#runJobs(-1));
  }

  newText(text: string): VmValue {
    return this.#engine.context.newString(text);
  }

  newNumber(number: number): VmValue {
    return this.#engine.context.newNumber(number);
  }

  /** The text of a string inside; anything else is put into words first. */
  text(value: VmValue): string {
    const { context } = this.#engine;
    return context.getString(
      context.typeof(value) === "string" ? value : this.call(this.#engine.inspect, value),
    );
  }

  number(value: VmValue): number {
    return this.#engine.context.getNumber(value);
  }

  /** Any value in words, much like JSON, at most 64 KiB. @throws SandboxFault */
  inspect(value: VmValue): string {
    return this.#engine.context.getString(this.call(this.#engine.inspect, value));
  }

  /** What an error thrown inside means for the run. */
  fault(error: VmValue): SandboxFault {
    if (this.#isOutOfFuel()) return outOfFuel();
    const { context } = this.#engine;
    if (context.sameValue(error, context.null) && this.#engine.isMemoryFull())
      return new SandboxFault("out_of_memory", "out of memory");
    const told = context.callFunction(this.#engine.describeError, context.undefined, [error]);
    if (told.error !== undefined)
      return this.#isOutOfFuel() ? outOfFuel() : new SandboxFault("out_of_memory", "out of memory");
    const message = context.getString(told.value);
    // Told by their words (the parsers say SyntaxError); a script that makes them up only mislabels its own failure.
    if (/^\w+Error: out of memory/.test(message)) return new SandboxFault("out_of_memory", message);
    if (/^\w+Error: stack overflow/.test(message)) return new SandboxFault("stack_overflow", message);
    return new SandboxFault("threw", message);
  }

  #unwrap(result: VmResult): VmValue {
    if (result.error !== undefined) throw this.fault(result.error);
    return result.value;
  }

  #runJobs(most: number): boolean {
    if (!this.#engine.runtime.hasPendingJob()) return false;
    const ran = this.#engine.runtime.executePendingJobs(most);
    if (ran.error !== undefined && this.#isOutOfFuel()) throw outOfFuel();
    return true;
  }

  #print(line: VmValue): void {
    if (this.#logs.length > MAX_LOG_CHARS) return;
    const text = this.#engine.context.getString(line);
    this.#engine.charge(PRINT_FUEL + text.length);
    this.#logs += `${text}\n`;
  }
}

/** The fault of an empty tank. */
export function outOfFuel(): SandboxFault {
  return new SandboxFault("out_of_fuel", "the script used up its compute budget (about one second)");
}
