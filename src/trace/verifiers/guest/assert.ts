/**
 * Runs INSIDE the sandbox: `assert` as the tests see it.
 *
 * A failed assertion is recorded before it throws, so a result that swallows exceptions cannot swallow the failure.
 * Calls nothing that the result can reach: every built-in used here was captured before the result was loaded.
 */
import { inspect, describeError } from "../../sandbox/guest/inspect.ts";
import { deepEqual, isInstance, same } from "./deep-equal.ts";

const { defineProperty, freeze } = Object;
const exec = Function.prototype.call.bind(RegExp.prototype.exec) as (regex: RegExp, text: string) => unknown;
const then = Function.prototype.call.bind(Promise.prototype.then) as (
  promise: Promise<unknown>,
  ok: (value: unknown) => unknown,
  no: (error: unknown) => unknown,
) => Promise<unknown>;
const NativeRegExp = RegExp;
const NativeError = Error;

/** What the harness learns of each assertion. */
export interface Witness {
  readonly ran: () => void;
  /** Records a failure; the function that it returns adds the words, which untrusted getters may try to prevent. */
  readonly failed: () => (what: string) => void;
}

type Check = (holds: boolean, note: unknown, otherwise: () => string) => void;

/** Makes a frozen `assert` with its methods (the common ones of node:assert, all strict). */
export function createAssert(witness: Witness): object {
  const check: Check = (holds, note, otherwise) => {
    witness.ran();
    if (holds) return;
    const tell = witness.failed();
    const what = `${typeof note === "string" && note !== "" ? `${note}: ` : ""}${otherwise()}`;
    tell(what);
    throw new NativeError(what);
  };
  const assert = (value: unknown, note?: unknown): void =>
    check(!!value, note, () => `expected a truthy value, got ${inspect(value)}`);
  const methods: Record<string, unknown> = {
    ok: (value: unknown, note?: unknown) => assert(value, note),
    fail: (note?: unknown) => check(false, note, () => "failed"),
    ...valueAssertions(check),
    ...errorAssertions(check),
  };
  for (const name in methods)
    defineProperty(assert, name, { value: freeze(methods[name]), enumerable: true });
  return freeze(assert);
}

function valueAssertions(check: Check): Record<string, unknown> {
  const equal = (actual: unknown, expected: unknown, note?: unknown): void =>
    check(same(actual, expected), note, () => `expected ${inspect(expected)}, got ${inspect(actual)}`);
  const notEqual = (actual: unknown, other: unknown, note?: unknown): void =>
    check(!same(actual, other), note, () => `expected anything but ${inspect(other)}`);
  const equalDeep = (actual: unknown, expected: unknown, note?: unknown): void =>
    check(deepEqual(actual, expected), note, () => `expected ${inspect(expected)}, got ${inspect(actual)}`);
  const notDeepEqual = (actual: unknown, other: unknown, note?: unknown): void =>
    check(!deepEqual(actual, other), note, () => `expected anything but ${inspect(other)}`);
  const match = (value: unknown, regex: RegExp, note?: unknown): void =>
    check(
      typeof value === "string" && exec(regex, value) !== null,
      note,
      () => `expected a text like ${inspect(regex)}, got ${inspect(value)}`,
    );
  return {
    equal,
    strictEqual: equal,
    notEqual,
    notStrictEqual: notEqual,
    deepEqual: equalDeep,
    deepStrictEqual: equalDeep,
    notDeepEqual,
    notDeepStrictEqual: notDeepEqual,
    match,
  };
}

function errorAssertions(check: Check): Record<string, unknown> {
  const throws = (run: () => unknown, expected?: unknown, note?: unknown): void => {
    const told = typeof expected === "string" ? expected : note;
    const { threw, error } = attempt(run);
    check(threw && isExpected(error, expected), told, () =>
      threw ? `threw another error: ${describeError(error)}` : "expected it to throw",
    );
  };
  const rejects = (run: unknown, expected?: unknown, note?: unknown): Promise<unknown> => {
    const told = typeof expected === "string" ? expected : note;
    const promise = (async () => await (typeof run === "function" ? (run as () => unknown)() : run))();
    return then(
      promise,
      () => check(false, told, () => "expected it to be rejected"),
      (error) =>
        check(
          isExpected(error, expected),
          told,
          () => `rejected with another error: ${describeError(error)}`,
        ),
    );
  };
  const doesNotThrow = (run: () => unknown, note?: unknown): void => {
    const { threw, error } = attempt(run);
    check(!threw, note, () => `threw ${describeError(error)}`);
  };
  return { throws, rejects, doesNotThrow };
}

function attempt(run: () => unknown): { readonly threw: boolean; readonly error: unknown } {
  try {
    run();
    return { threw: false, error: undefined };
  } catch (error) {
    return { threw: true, error };
  }
}

/** Whether an error is of the class, matches the pattern, or bears the fields that a test names; anything, when it names none. */
function isExpected(error: unknown, expected: unknown): boolean {
  if (expected === undefined || typeof expected === "string") return true;
  if (isInstance(expected, NativeRegExp)) return exec(expected as RegExp, describeError(error)) !== null;
  if (typeof expected === "function") return isOfClass(error, expected as { prototype?: unknown });
  if (typeof expected !== "object" || expected === null || typeof error !== "object" || error === null)
    return false;
  for (const key in expected) {
    if (!deepEqual((error as Record<string, unknown>)[key], (expected as Record<string, unknown>)[key]))
      return false;
  }
  return true;
}

function isOfClass(error: unknown, expected: { prototype?: unknown }): boolean {
  if (typeof expected.prototype !== "object")
    return (expected as unknown as (error: unknown) => unknown)(error) === true;
  return isInstance(error, expected);
}
