/**
 * Checks a result against what the tenant asked for. The result is untrusted; so is, for the isolate's health, the spec.
 *
 * Never throws for what a spec or a result holds, never takes longer than one run of the sandbox (two for `tests`).
 */
import type { SandboxedSpec } from "../../market/verifier-spec.ts";
import { verifyEquals } from "./equals.ts";
import { verifyJsonSchema } from "./json-schema.ts";
import { verifyRegex } from "./regex.ts";
import { verifyTests } from "./tests.ts";
import { verdict } from "./verdict.ts";
import type { Verdict, VerifierDeps } from "./verdict.ts";

/** Longest result that is looked at, characters; a longer one fails. */
const MAX_RESULT_CHARS = 1_048_576;

/** Runs the verifier that `spec` names. */
export async function verify(spec: SandboxedSpec, result: string, deps: VerifierDeps): Promise<Verdict> {
  if (result.length > MAX_RESULT_CHARS) {
    return verdict(
      spec.type,
      "fail",
      `the result has ${result.length} characters, at most ${MAX_RESULT_CHARS} are checked`,
    );
  }
  switch (spec.type) {
    case "equals":
      return verifyEquals(spec, result);
    case "regex":
      return verifyRegex(spec, result, deps);
    case "json_schema":
      return verifyJsonSchema(spec, result, deps);
    case "tests":
      return verifyTests(spec, result, deps);
    default:
      return spec;
  }
}
