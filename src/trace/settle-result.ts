/** What becomes of a trace's result: a verdict here and now, or somebody outside who is asked for one. */
import { askChecker } from "./checker/ask-checker.ts";
import { holdPanel } from "./panel/hold-panel.ts";
import type { TraceRun } from "./trace-run.ts";
import { verifyResult } from "./verify-result.ts";

export async function settleResult(trace: TraceRun, result: string): Promise<void> {
  const { desk, room, generation } = trace;
  const { verifier } = desk;
  if (verifier?.type === "user") return room.waitForUser(generation);
  if (verifier?.type === "judge") return holdPanel(trace, result);
  if (verifier?.type === "http") return askChecker(trace, verifier, result);
  const verdict = await verifyResult(trace, verifier, result);
  if (verdict !== null) await room.commitVerdict(generation, verdict);
}
