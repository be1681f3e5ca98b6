/** Has the result of a trace checked, for as long as the trace may go on. */
import { raceAbort } from "../async/race-abort.ts";
import type { HeartbeatAbort } from "../auction/heartbeat.ts";
import type { Verdict } from "../market/report.ts";
import { mayGoOn } from "./may-go-on.ts";
import type { SandboxedDesk, TraceRun } from "./trace-run.ts";

/**
 * Null where the trace was stopped or lost meanwhile. A verifier hears of it by its signal, and one that does not listen
 * is not waited for: what it finds then decides nothing.
 */
export async function verifyResult(
  trace: TraceRun,
  verifier: SandboxedDesk["verifier"],
  result: string,
): Promise<Verdict | null> {
  const { deps, desk, heartbeat } = trace;
  const { signal } = heartbeat;
  try {
    const verdict = await raceAbort(deps.verify({ ...desk, verifier }, result, signal), signal);
    if (!signal.aborted) return verdict;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  await mayGoOn(trace, null, signal.reason as HeartbeatAbort);
  return null;
}
