/** `json_schema`: the result is JSON that satisfies a schema (draft 2020-12). */
import type { VerifierSpec } from "../../market/verifier-spec.ts";
import { unfence } from "./unfence.ts";
import { validateJson } from "./validate-json.ts";
import { verdict } from "./verdict.ts";
import type { Verdict, VerifierDeps } from "./verdict.ts";

/** `unknown` when the schema is at fault. */
export async function verifyJsonSchema(
  spec: Extract<VerifierSpec, { type: "json_schema" }>,
  result: string,
  deps: VerifierDeps,
): Promise<Verdict> {
  const document = unfence(result, ["json", "jsonc", "json5"]).trim();
  const { kind, detail } = await validateJson({ schema: spec.schema, document }, deps);
  switch (kind) {
    case "valid":
      return verdict("json_schema", "pass", "the result satisfies the schema");
    case "invalid":
      return verdict("json_schema", "fail", `the result does not satisfy the schema:\n${detail}`);
    case "not-json":
      return verdict("json_schema", "fail", `the result is not JSON: ${detail}`);
    case "too-deep":
      return verdict("json_schema", "fail", `the result is ${detail}`);
    case "unusable":
      return verdict("json_schema", "unknown", detail);
  }
}
