/**
 * `json_schema`: the result is JSON that satisfies a schema (draft 2020-12).
 *
 * The validator runs inside the sandbox, because a schema's patterns are tenant text that may backtrack for ever.
 */
import { nestsDeeperThan } from "../../market/nesting.ts";
import type { VerifierSpec } from "../../market/verifier-spec.ts";
import validator from "./guest/json-schema.generated.ts";
import { unfence } from "./unfence.ts";
import { verdict } from "./verdict.ts";
import type { Verdict, VerifierDeps } from "./verdict.ts";

/** Deeper results fail: where the stack of the interpreter ends depends on the host, a verdict must not. */
const MAX_NESTING = 200;

/** `unknown` when the schema is at fault: a broken `$ref`, a pattern that is none, one that takes longer than the budget. */
export async function verifyJsonSchema(
  spec: Extract<VerifierSpec, { type: "json_schema" }>,
  result: string,
  deps: VerifierDeps,
): Promise<Verdict> {
  const document = unfence(result, ["json", "jsonc", "json5"]).trim();
  if (nestsDeeperThan(document, MAX_NESTING)) {
    return verdict("json_schema", "fail", `the result is nested deeper than ${MAX_NESTING} levels`);
  }
  const checked = await deps.sandbox.drive((vm) => {
    const validate = vm.evaluateExpression(validator, "json-schema.js");
    const found = vm.call(validate, vm.newText(JSON.stringify(spec.schema)), vm.newText(document));
    return { kind: vm.text(vm.property(found, "kind")), detail: vm.text(vm.property(found, "detail")) };
  }, deps);
  if (!checked.ok)
    return verdict("json_schema", "unknown", `could not validate: ${checked.reason}: ${checked.message}`);
  const { kind, detail } = checked.value;
  switch (kind) {
    case "valid":
      return verdict("json_schema", "pass", "the result satisfies the schema");
    case "invalid":
      return verdict("json_schema", "fail", `the result does not satisfy the schema:\n${detail}`);
    case "not-json":
      return verdict("json_schema", "fail", `the result is not JSON: ${detail}`);
    default:
      return verdict("json_schema", "unknown", `the schema cannot be used: ${detail}`);
  }
}
