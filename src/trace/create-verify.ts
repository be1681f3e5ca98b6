/** Decides about a trace's result where it runs: by the task's verifier, or `unknown` without one. */
import type { Verdict } from "../market/report.ts";
import type { Sandbox } from "./sandbox/index.ts";
import type { TraceDeps } from "./trace-run.ts";
import { verify } from "./verifiers/index.ts";

export function createVerify(deps: {
  readonly sandbox: Sandbox;
  readonly nowMs: () => number;
}): TraceDeps["verify"] {
  return async (desk, result, signal): Promise<Verdict> => {
    if (desk.verifier === null) {
      return { outcome: "unknown", verifier: "none", evidence: "The task has no verifier." };
    }
    // Seeded by the attempt: verifying again, after a crash, decides alike.
    const seed = `${desk.taskId}/${desk.attempt}`;
    return verify(desk.verifier, result, { sandbox: deps.sandbox, seed, nowMs: deps.nowMs(), signal });
  };
}
