/** Decides about a trace's result: by the task's verifier, or `unknown` without one. */
import type { Verdict } from "../market/report.ts";
import type { TraceDesk } from "../taskroom/task-room-api.ts";
import type { Sandbox } from "./sandbox/index.ts";
import { verify } from "./verifiers/index.ts";

export function createVerify(deps: {
  readonly sandbox: Sandbox;
  readonly nowMs: () => number;
}): (desk: TraceDesk, result: string, signal: AbortSignal) => Promise<Verdict> {
  return async (desk, result, signal) => {
    if (desk.verifier === null) {
      return { outcome: "unknown", verifier: "none", evidence: "The task has no verifier." };
    }
    // Seeded by the attempt: verifying again, after a crash, decides alike.
    const seed = `${desk.taskId}/${desk.attempt}`;
    return verify(desk.verifier, result, { sandbox: deps.sandbox, seed, nowMs: deps.nowMs(), signal });
  };
}
