/** The sandbox's public door: JavaScript from outside, run under a budget. `wasm.ts` is imported apart, only by the Worker. */
export { createSandbox } from "./sandbox.ts";
export type { RunOptions, Sandbox, SandboxConfig } from "./sandbox.ts";
export { SandboxFault } from "./outcome.ts";
export type { SandboxReason } from "./outcome.ts";
export type { Vm, VmValue } from "./vm.ts";
