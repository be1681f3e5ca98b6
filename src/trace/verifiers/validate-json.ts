/**
 * JSON against a JSON schema (draft 2020-12), inside the sandbox: a schema's patterns are somebody's text, and may
 * backtrack for ever.
 */
import { nestsDeeperThan } from "../../market/nesting.ts";
import type { RunOptions, Sandbox } from "../sandbox/index.ts";
import validator from "./guest/json-schema.generated.ts";

/** Deeper documents are invalid: where the stack of the interpreter ends depends on the host, a finding must not. */
const MAX_NESTING = 200;

/** `unusable`: the schema is at fault (a broken `$ref`, a pattern that is none, one that takes longer than the budget). */
export interface JsonFinding {
  readonly kind: "valid" | "invalid" | "not-json" | "too-deep" | "unusable";
  /** What is wrong, for a person or a model. */
  readonly detail: string;
}

/** @param options `seed` and `nowMs` change nothing about the finding */
export async function validateJson(
  { schema, document }: { readonly schema: unknown; readonly document: string },
  { sandbox, ...options }: { readonly sandbox: Sandbox } & RunOptions,
): Promise<JsonFinding> {
  if (nestsDeeperThan(document, MAX_NESTING))
    return { kind: "too-deep", detail: `nested deeper than ${MAX_NESTING} levels` };
  const checked = await sandbox.drive((vm) => {
    const validate = vm.evaluateExpression(validator, "json-schema.js");
    const found = vm.call(validate, vm.newText(JSON.stringify(schema)), vm.newText(document));
    return { kind: vm.text(vm.property(found, "kind")), detail: vm.text(vm.property(found, "detail")) };
  }, options);
  if (!checked.ok)
    return { kind: "unusable", detail: `could not validate: ${checked.reason}: ${checked.message}` };
  const { kind, detail } = checked.value;
  if (kind === "valid" || kind === "invalid" || kind === "not-json") return { kind, detail };
  return { kind: "unusable", detail: `the schema cannot be used: ${detail}` };
}
