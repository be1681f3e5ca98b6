/**
 * `regex`: some part of the result matches a pattern.
 *
 * The pattern is tenant text and may backtrack for ever, so it is matched inside the sandbox, never by the host.
 */
import type { VerifierSpec } from "../../market/verifier-spec.ts";
import { verdict } from "./verdict.ts";
import type { Verdict, VerifierDeps } from "./verdict.ts";

/** A function inside: "match", "no match", or what is wrong with the pattern. */
const MATCH = `(pattern, flags, text) => {
  let regex;
  try { regex = new RegExp(pattern, flags); } catch (error) { return String(error); }
  return regex.test(text) ? "match" : "no match";
}`;

/** `unknown` when the pattern is none, or takes longer than the budget. */
export async function verifyRegex(
  spec: Extract<VerifierSpec, { type: "regex" }>,
  result: string,
  deps: VerifierDeps,
): Promise<Verdict> {
  const shown = `/${spec.pattern}/${spec.flags}`;
  const matched = await deps.sandbox.drive(
    (vm) =>
      vm.text(
        vm.call(
          vm.evaluateExpression(MATCH, "regex.js"),
          vm.newText(spec.pattern),
          vm.newText(spec.flags),
          vm.newText(result),
        ),
      ),
    deps,
  );
  if (!matched.ok)
    return verdict("regex", "unknown", `could not match ${shown}: ${matched.reason}: ${matched.message}`);
  if (matched.value === "match") return verdict("regex", "pass", `the result matches ${shown}`);
  if (matched.value === "no match") return verdict("regex", "fail", `no part of the result matches ${shown}`);
  return verdict("regex", "unknown", `${shown} is no regular expression: ${matched.value}`);
}
