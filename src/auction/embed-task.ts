/**
 * The task's vector for the memory, asked for while the agents bid.
 *
 * A call to a model like any other: recorded as started at its bound before it is made, then with its bill and what it
 * brought, so that whoever resumes neither asks nor pays for it again.
 */
import { logError } from "../log.ts";
import type { StartedCall } from "../market/call.ts";
import { newId } from "../market/ids.ts";
import { AuctionAborted, CallsRefused, type AuctionPlan, type AuctionRun } from "./auction-run.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";

/** The call, to be recorded as started; null where nothing is to be embedded. */
export function planEmbedding({ deps, opening }: AuctionPlan): StartedCall | null {
  const { memory, config } = deps;
  if (memory === null || opening.policy.rules.kind !== "auction") return null;
  const boundMicros = memory.embedBound(opening.spec.prompt);
  return { callId: newId("cal", config.source), kind: "embed", agentId: null, boundMicros };
}

/**
 * The vector, null where there is none: an auction without it is not remembered by its likeness, and nobody refines.
 * Never rejects: where the record cannot be written, the auction's other parts hear of it too.
 *
 * @param begun the call, if it is recorded as started already; a run that may not go on asks for nothing
 */
export async function embedTask(
  run: AuctionRun,
  begun: StartedCall | null,
): Promise<readonly number[] | null> {
  if (run.desk.embedding !== null) return run.desk.embedding.vector;
  if (run.signal.aborted) return null;
  const { deps, opening, log, signal } = run;
  const call = begun ?? planEmbedding(run);
  if (deps.memory === null || call === null) return null;
  try {
    if (begun === null) await log.commit({ started: [call] });
    const askedAtMs = deps.config.source.now();
    const { vector, bill } = await deps.memory.embed(opening.spec.prompt, signal);
    const ended = { callId: call.callId, bill, ms: deps.config.source.now() - askedAtMs };
    // Cut off because the auction is lost or stopped: whoever goes on asks again, and owes for this call all the same.
    if (vector === null && signal.aborted) {
      const isLost = signal.reason === ("lost" satisfies HeartbeatAbort);
      if (bill.status !== "unconfirmed") log.bill(isLost ? { ...ended, givenUp: true } : ended);
      return null;
    }
    await log.commit({ embedding: { vector, call: ended } });
    return vector;
  } catch (error) {
    if (!(error instanceof AuctionAborted || error instanceof CallsRefused))
      logError("embedding-unrecorded", error, { taskId: opening.taskId });
    return null;
  }
}
