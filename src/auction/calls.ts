/** The auction's calls to models: each is recorded as started, at its bound, before it is made. */
import type { Answer, CallLimits } from "../agents/model-port.ts";
import type { Agent } from "../market/agent.ts";
import type { CallKind, EndedCall, StartedCall } from "../market/call.ts";
import { newId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import { AuctionAborted, CallsRefused, type AuctionPlan, type AuctionRun } from "./auction-run.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";

/** What agents are asked for in an auction. */
export type AuctionCallKind = Exclude<CallKind, "embed" | "trace" | "judge">;

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

/** How long the auction waits for a bid or a verdict: as its environment does, or less where its tenant said so. */
export function answerMs({ deps, opening }: AuctionRun, kind: "bid" | "jury"): number {
  const { auctionBidMs, auctionJuryMs } = deps.config;
  const { bidMs, juryMs } = opening.callDeadlines ?? { bidMs: null, juryMs: null };
  return kind === "bid"
    ? Math.min(auctionBidMs, bidMs ?? auctionBidMs)
    : Math.min(auctionJuryMs, juryMs ?? auctionJuryMs);
}

/** Limits of work that begins now and may take so long. */
export function limitsFor({ deps, opening, signal }: AuctionRun, durationMs: number): CallLimits {
  const { source } = deps.config;
  const deadlineAtMs = Math.min(source.now() + durationMs, opening.deadlineAtMs);
  const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - source.now()));
  return { signal: AbortSignal.any([signal, timeout]), deadlineAtMs };
}

/** The call as it is recorded before it is made. */
export function startedCall(
  { deps }: { readonly deps: Pick<AuctionPlan["deps"], "config"> },
  kind: AuctionCallKind,
  { agent, boundMicros }: Pick<PlannedCall<unknown>, "agent" | "boundMicros">,
): StartedCall {
  return { callId: newId("cal", deps.config.source), kind, agentId: agent.id, boundMicros };
}

/**
 * Makes a call that is recorded as started, and records its bill at once: what it brought may be told later, or never.
 *
 * @throws AuctionAborted where it was cut off because the auction is lost or stopped. That says nothing about its
 *   agent: it is not recorded, and whoever goes on asks again. Without a bill its money stays counted at the bound
 */
export async function makeCall<T>(
  run: AuctionRun,
  started: StartedCall,
  { call, limits }: { readonly call: PlannedCall<T>; readonly limits: CallLimits },
): Promise<MadeCall<T>> {
  const answer = await call.ask(limits);
  const ended: EndedCall = { callId: started.callId, bill: answer.bill, ms: answer.ms };
  const abort = !answer.ok && run.signal.aborted ? (run.signal.reason as HeartbeatAbort) : null;
  // Without a bill it stays counted at its bound, and a late one may still replace that.
  if (answer.bill.status !== "unconfirmed")
    run.log.bill(abort === "lost" ? { ...ended, givenUp: true } : ended);
  if (abort !== null) throw new AuctionAborted(abort);
  return { ended, answer };
}

/** A call that may not be started, as one that failed and owes nothing. @throws whatever else became of its record */
export function notMade<T>(started: StartedCall, error: unknown): MadeCall<T> {
  if (!(error instanceof CallsRefused)) throw error;
  const failure = { reason: "unaffordable", message: error.message } as const;
  const bill = { status: "refused" } as const;
  return {
    ended: { callId: started.callId, bill, ms: 0 },
    answer: { ok: false, failure, bill, ms: 0, requests: 0 },
  };
}

/** Waits for all, so that every answer that came is committed, then throws the first failure if there is one. */
export async function settleAll<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}
