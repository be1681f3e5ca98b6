/** A plain stand-in for the verifiers: runs unit tests in a `vm` context. Trusts its input; for tests only. */
import assert from "node:assert/strict";
import vm from "node:vm";
import { Validator } from "@cfworker/json-schema";
import type { VerifierSpec } from "../../../src/market/verifier-spec.ts";

/** The reason for failure, or null when the result passes. */
export function failureOf(spec: VerifierSpec, result: string): string | null {
  if (spec.type === "equals") return result.trim() === spec.expected ? null : "differs";
  if (spec.type === "regex") return new RegExp(spec.pattern, spec.flags).test(result) ? null : "no match";
  if (spec.type === "json_schema") return jsonFailure(spec.schema, result);
  if (spec.type === "tests") return testFailure(spec.code, result);
  throw new Error(`nobody here decides by ${spec.type}`);
}

function jsonFailure(schema: Record<string, unknown> | boolean, result: string): string | null {
  try {
    const valid = new Validator(schema, "2020-12").validate(JSON.parse(result)).valid;
    return valid ? null : "does not satisfy the schema";
  } catch (error) {
    return String(error);
  }
}

/** Arrays and objects of the other realm as ours, so that prototypes do not differ. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

function testFailure(code: string, result: string): string | null {
  const failures: string[] = [];
  const check = Object.assign((condition: unknown, message?: string) => assert.ok(condition, message), {
    equal: (a: unknown, b: unknown) => assert.strictEqual(a, b),
    notEqual: (a: unknown, b: unknown) => assert.notStrictEqual(a, b),
    deepEqual: (a: unknown, b: unknown) => assert.deepStrictEqual(plain(a), plain(b)),
    throws: (fn: () => unknown) => {
      try {
        fn();
      } catch {
        return;
      }
      throw new Error("did not throw");
    },
  });
  const test = (name: string, fn: () => void) => {
    try {
      fn();
    } catch (error) {
      failures.push(`${name}: ${String(error).slice(0, 200)}`);
    }
  };
  try {
    vm.runInNewContext(`${result}\n;${code}`, { test, assert: check }, { timeout: 2_000 });
  } catch (error) {
    failures.push(String(error));
  }
  return failures.length === 0 ? null : failures.join(" | ");
}
