/**
 * One phase of an auction: the same question to several agents at once, under one deadline.
 *
 * Each call is recorded as started before it is made. A commit that answers `stop` or `lost` ends the phase.
 */
import type { Agent } from "../market/agent.ts";
import type { EndedCall, StartedCall } from "../market/call.ts";
import type { Micros } from "../market/money.ts";
import { newId } from "../market/ids.ts";
import type { Answer, CallLimits } from "../agents/model-port.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import { AuctionAborted, type AuctionRun } from "./auction-run.ts";

export interface PhaseQuestion<T> {
  readonly kind: "bid" | "jury";
  readonly agents: readonly Agent[];
  readonly durationMs: number;
  bound(agent: Agent): Micros;
  ask(agent: Agent, limits: CallLimits): Promise<Answer<T>>;
  /** Commits what came back, good or bad. */
  commit(agent: Agent, call: EndedCall, answer: Answer<T>): Promise<DeskAnswer>;
}

/** Asks all agents in parallel and commits each answer as it arrives. @throws AuctionAborted */
export async function askAll<T>(run: AuctionRun, question: PhaseQuestion<T>): Promise<void> {
  if (question.agents.length === 0) return;
  const { source } = run.deps.config;
  const calls = question.agents.map((agent): StartedCall => ({
    callId: newId("cal", source),
    kind: question.kind,
    agentId: agent.id,
    boundMicros: question.bound(agent),
  }));
  goOn(await run.task.startAuctionCalls(run.generation, calls));

  const deadlineAtMs = Math.min(source.now() + question.durationMs, run.desk.opening.deadlineAtMs);
  const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - source.now()));
  const limits: CallLimits = { signal: AbortSignal.any([run.signal, timeout]), deadlineAtMs };
  const answers = await Promise.allSettled(
    question.agents.map(async (agent, index): Promise<DeskAnswer> => {
      const answer = await question.ask(agent, limits);
      // A call that was cut off because the auction is lost or stopped says nothing about its agent: it is not
      // recorded, and whoever goes on asks again. Its money stays counted at the bound.
      if (!answer.ok && run.signal.aborted) return run.signal.reason as HeartbeatAbort;
      const { callId } = calls[index] as StartedCall;
      return question.commit(agent, { callId, bill: answer.bill, ms: answer.ms }, answer);
    }),
  );
  // Every answer that came is committed before the first failure ends the phase.
  for (const answer of answers) {
    if (answer.status === "rejected") throw answer.reason;
    goOn(answer.value);
  }
  if (run.signal.aborted) throw new AuctionAborted(run.signal.reason as HeartbeatAbort);
}

function goOn(answer: DeskAnswer): void {
  if (answer !== "continue") throw new AuctionAborted(answer);
}
