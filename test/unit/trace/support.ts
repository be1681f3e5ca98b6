/** Sandboxes for tests: the committed metered QuickJS, compiled once, with a small budget so that hogs end soon. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createSandbox } from "../../../src/trace/sandbox/index.ts";
import type { ToolContext } from "../../../src/trace/tools/index.ts";
import type { RunOptions, Sandbox, SandboxConfig } from "../../../src/trace/sandbox/index.ts";

const WASM = fileURLToPath(new URL("../../../src/trace/sandbox/quickjs-metered.wasm", import.meta.url).href);
/** The Workers types say that nobody can compile; Node can. */
const Compile = WebAssembly.Module as unknown as new (bytes: Uint8Array) => WebAssembly.Module;

/** The compiled module. */
export const wasmModule = new Compile(readFileSync(WASM));

/** Some tens of milliseconds; enough for every honest script in these tests. */
export const SMALL_FUEL = 30_000_000;

/** A sandbox with a small budget. */
export function aSandbox(overrides: Partial<SandboxConfig> = {}): Sandbox {
  return createSandbox({
    wasmModule,
    fuel: SMALL_FUEL,
    pause: () => new Promise((resolve) => setTimeout(resolve, 0)),
    ...overrides,
  });
}

/** A context with a fixed key and a signal that is never aborted. */
export function aContext(overrides: Partial<ToolContext> = {}): ToolContext {
  return { idempotencyKey: "task/1/step/2", signal: new AbortController().signal, ...overrides };
}

/** Options with a fixed seed and time. */
export function someOptions(overrides: Partial<RunOptions> = {}): RunOptions {
  return { seed: "attempt-1", nowMs: Date.UTC(2026, 0, 2, 3, 4, 5), ...overrides };
}
