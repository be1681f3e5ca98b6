/**
 * `tests`: the result is JavaScript, and the tenant's unit tests pass against it.
 *
 * The result is untrusted and shares a machine with the tests; what keeps it from forging a pass stands in
 * `guest/tests.guest.ts` and `guest/lock-built-ins.ts`. Here each step is driven from outside and its end read from
 * the engine. Once the result has run, whatever goes wrong counts against it: `unknown` must not be within its reach.
 */
import type { VerifierSpec } from "../../market/verifier-spec.ts";
import { SandboxFault } from "../sandbox/index.ts";
import type { Vm, VmValue } from "../sandbox/index.ts";
import harness from "./guest/tests.generated.ts";
import { asScript } from "./as-script.ts";
import { unfence } from "./unfence.ts";
import { verdict } from "./verdict.ts";
import type { Verdict, VerifierDeps } from "./verdict.ts";

const SCRIPT_LANGUAGES = ["js", "javascript", "mjs", "cjs", "ecmascript", "node", "jsx", "ts", "typescript"];
/** Failures told in the evidence. */
const MAX_TOLD = 8;

/** How far the tests came; kept outside, so that a trap does not lose it. */
interface Progress {
  /** The result has begun to run: from here on a fault is its own. */
  resultRan: boolean;
  running: string | null;
}

type Finding =
  | { readonly kind: "no-tests" }
  | { readonly kind: "ran"; readonly count: number; readonly failures: readonly string[] };

/** `unknown` when the tests do not parse, or hold no `test` at all. */
export async function verifyTests(
  spec: Extract<VerifierSpec, { type: "tests" }>,
  result: string,
  deps: VerifierDeps,
): Promise<Verdict> {
  const script = unfence(result, SCRIPT_LANGUAGES);
  const found = await runTests(spec.code, script, result, deps);
  if (found.kind !== "no-tests") return verdict("tests", found.kind, found.evidence);
  // The result might have kept the tests from registering: without any result, do they register?
  const alone = await runTests(spec.code, "", "", deps);
  return alone.kind === "no-tests"
    ? verdict("tests", "unknown", "the tests call test() not even once, so there is nothing to pass")
    : verdict("tests", "fail", "with this result loaded no test registers, though without it they do");
}

interface Run {
  readonly kind: "pass" | "fail" | "unknown" | "no-tests";
  readonly evidence: string;
}

async function runTests(code: string, script: string, result: string, deps: VerifierDeps): Promise<Run> {
  const progress: Progress = { resultRan: false, running: null };
  const outcome = await deps.sandbox.drive((vm) => driveTests(vm, { code, script, result, progress }), deps);
  if (!outcome.ok) {
    const where = progress.running === null ? "" : `in ${progress.running}: `;
    const told = `${where}${outcome.reason}: ${outcome.message}`;
    if (outcome.reason === "aborted") return { kind: "unknown", evidence: told };
    return progress.resultRan
      ? { kind: "fail", evidence: told }
      : { kind: "unknown", evidence: `the tests cannot be loaded: ${told}` };
  }
  if (outcome.value.kind === "no-tests") return { kind: "no-tests", evidence: "" };
  const { count, failures } = outcome.value;
  if (failures.length === 0) return { kind: "pass", evidence: `${count} of ${count} tests passed` };
  const told = failures.slice(0, MAX_TOLD).map((it) => `- ${it}`);
  return { kind: "fail", evidence: `${failures.length} of ${count} tests failed:\n${told.join("\n")}` };
}

interface TestRun {
  readonly code: string;
  readonly script: string;
  readonly result: string;
  readonly progress: Progress;
}

function driveTests(vm: Vm, { code, script, result, progress }: TestRun): Finding {
  const tests = vm.call(vm.evaluateExpression(harness, "harness.js"), vm.newText(code));
  const ask = (question: string, ...parameters: VmValue[]): VmValue =>
    vm.call(vm.property(tests, question), ...parameters);

  progress.resultRan = true;
  progress.running = "the result";
  loadResult(vm, script);
  progress.running = "the tests, before any of them ran";
  finish(vm, ask("load", vm.newText(result)));
  const loose = vm.text(ask("looseFailure"));
  if (loose !== "") throw new SandboxFault("threw", `an assertion outside of test() failed: ${loose}`);

  const count = vm.number(ask("count"));
  if (count === 0) return { kind: "no-tests" };
  const failures: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = vm.newNumber(index);
    const name = vm.text(ask("name", at));
    progress.running = `test ${JSON.stringify(name)}`;
    const failure = runTest(vm, ask, at);
    if (failure !== "") failures.push(`${name}: ${failure}`);
  }
  progress.running = "work that was left over";
  vm.drain();
  return { kind: "ran", count, failures: withLateFailures(vm, ask, { count, failures }) };
}

function loadResult(vm: Vm, script: string): void {
  finish(vm, vm.startScript(asScript(vm, script), "result.js"));
}

/** Settles what a step returned. @throws SandboxFault unless it was fulfilled */
function finish(vm: Vm, promise: VmValue): void {
  const settled = vm.settle(promise);
  if (settled.state === "rejected") throw vm.fault(settled.error);
  if (settled.state === "never")
    throw new SandboxFault("never_settled", "awaits a promise that nothing settles");
}

/** Runs one test; "" when it passed, else what failed. Faults of the whole machine pass through. */
function runTest(vm: Vm, ask: (question: string, ...parameters: VmValue[]) => VmValue, at: VmValue): string {
  let thrown = "";
  try {
    finish(vm, ask("run", at));
    if (vm.number(ask("isUnasserted", at)) === 1) vm.drain();
  } catch (error) {
    if (!(error instanceof SandboxFault) || error.reason === "out_of_fuel") throw error;
    thrown = error.message;
  }
  const failure = vm.text(ask("failure", at));
  if (failure !== "" || thrown !== "") return failure || thrown;
  return vm.number(ask("isUnasserted", at)) === 1 ? "its assertions did not run" : "";
}

/** Assertions that failed after their test had ended, in promises that it did not await. */
function withLateFailures(
  vm: Vm,
  ask: (question: string, ...parameters: VmValue[]) => VmValue,
  { count, failures }: { readonly count: number; readonly failures: readonly string[] },
): readonly string[] {
  if (failures.length > 0) return failures;
  const late: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const failure = vm.text(ask("failure", vm.newNumber(index)));
    if (failure !== "") late.push(`after ${vm.text(ask("name", vm.newNumber(index)))} had ended: ${failure}`);
  }
  return late;
}
