/**
 * One phase of an auction: several agents are asked at once, under one deadline.
 *
 * Each call is recorded as started before it is made. A commit that answers `stop` or `lost` ends the phase.
 */
import type { Answer, CallLimits } from "../agents/model-port.ts";
import type { Agent } from "../market/agent.ts";
import type { CallKind, EndedCall, StartedCall } from "../market/call.ts";
import { newId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import { AuctionAborted, type AuctionRun } from "./auction-run.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";

export type AuctionCallKind = Exclude<CallKind, "trace">;

/** A call that is about to be made. */
export interface PlannedCall<T> {
  readonly agent: Agent;
  readonly boundMicros: Micros;
  ask(limits: CallLimits): Promise<Answer<T>>;
}

/** A call with its answer, as it is committed. */
export interface MadeCall<T> {
  readonly ended: EndedCall;
  readonly answer: Answer<T>;
}

/** Limits of a phase that begins now. */
export function phaseLimits(run: AuctionRun, durationMs: number): CallLimits {
  const { source } = run.deps.config;
  const deadlineAtMs = Math.min(source.now() + durationMs, run.desk.opening.deadlineAtMs);
  const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - source.now()));
  return { signal: AbortSignal.any([run.signal, timeout]), deadlineAtMs };
}

/**
 * Records the calls as started and makes them in parallel; each answer goes to `commit` as it arrives.
 *
 * @throws AuctionAborted once every answer that came is committed
 */
export async function makeCalls<T>(
  run: AuctionRun,
  phase: {
    readonly kind: AuctionCallKind;
    readonly limits: CallLimits;
    readonly calls: readonly PlannedCall<T>[];
    commit(call: PlannedCall<T>, made: MadeCall<T>): Promise<DeskAnswer>;
  },
): Promise<void> {
  if (phase.calls.length === 0) return;
  const started = phase.calls.map(({ agent, boundMicros }): StartedCall => {
    const callId = newId("cal", run.deps.config.source);
    return { callId, kind: phase.kind, agentId: agent.id, boundMicros };
  });
  goOn(await run.task.startAuctionCalls(run.generation, started));
  const answers = await Promise.allSettled(
    phase.calls.map(async (call, index): Promise<DeskAnswer> => {
      const answer = await call.ask(phase.limits);
      // A call that was cut off because the auction is lost or stopped says nothing about its agent: it is not
      // recorded, and whoever goes on asks again. Its money stays counted at the bound.
      if (!answer.ok && run.signal.aborted) return run.signal.reason as HeartbeatAbort;
      const { callId } = started[index] as StartedCall;
      return phase.commit(call, { ended: { callId, bill: answer.bill, ms: answer.ms }, answer });
    }),
  );
  // Every answer that came is committed before the first failure ends the phase.
  for (const answer of answers) {
    if (answer.status === "rejected") throw answer.reason;
    goOn(answer.value);
  }
  if (run.signal.aborted) throw new AuctionAborted(run.signal.reason as HeartbeatAbort);
}

/** @throws AuctionAborted where a commit says so */
export function goOn(answer: DeskAnswer): void {
  if (answer !== "continue") throw new AuctionAborted(answer);
}
