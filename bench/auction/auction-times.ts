/**
 * What of an auction's wall time is the house's own. Pure.
 *
 * The critical path is the slowest bid and the slowest verdict, and the same again where bids were refined. It is
 * taken twice: by the times that the Worker measured of its calls, which the goal is stated for, and by those that the
 * provider took. The second also counts what a call spends in the Worker before it leaves and after it is answered.
 */
import type { CallRow } from "../../emulators/log/call-row.ts";
import type { TaskEvent, TaskEventType } from "../../src/market/event.ts";
import type { CallView } from "../../src/taskroom/task-room-api.ts";

export interface AuctionFacts {
  /** When the market room admitted the task, ms since 1970. */
  readonly admittedAtMs: number;
  readonly events: readonly TaskEvent[];
  readonly calls: readonly CallView[];
  /** The emulator's rows of this task's chat calls, in the order of their arrival. */
  readonly provider: readonly CallRow[];
}

export interface AuctionTimes {
  readonly refined: boolean;
  /** From the market room's admission to `auction-cleared`, ms. */
  readonly wallMs: number;
  /** Wall time less the critical path by the Worker's clock, ms. */
  readonly overheadMs: number;
  /** Wall time less the critical path by the provider's clock, ms; null where its rows do not match the calls. */
  readonly overProviderMs: number | null;
  /** Most calls in flight when one of the auction's arrived. */
  readonly maxInFlight: number;
  readonly failedCalls: number;
  /** Where the overhead lies, ms; they add up to `overheadMs`. */
  readonly parts: AuctionParts;
  /** From admission until the last bid's call reached the provider, ms. */
  readonly fanOutMs: number | null;
}

export interface AuctionParts {
  /** From admission to the last bid's event, less the slowest bid; the task's room is made meanwhile. */
  readonly bids: number;
  readonly verdicts: number;
  /** The second round: the decision, refined bids, their verdicts. */
  readonly refine: number;
  /** Last answer to `auction-cleared`. */
  readonly clear: number;
}

type AuctionCalls = Record<"bids" | "verdicts" | "refined" | "judgedAgain", readonly CallView[]>;

const PHASES = ["bids", "verdicts", "refined", "judgedAgain"] as const;

/** Null where the auction did not clear, or was resumed: there is no critical path to compare with. */
export function auctionTimes(facts: AuctionFacts): AuctionTimes | null {
  const admitted = facts.admittedAtMs;
  const opened = timeOf(facts.events, "auction-opened");
  const cleared = timeOf(facts.events, "auction-cleared");
  const resumed = timeOf(facts.events, "auction-resumed");
  if (opened === null || cleared === null || resumed !== null) return null;
  const calls = phasesOf(facts.calls);
  const slowest = (phase: keyof AuctionCalls) => Math.max(0, ...calls[phase].map((call) => call.ms ?? 0));
  const critical = PHASES.reduce((sum, phase) => sum + slowest(phase), 0);
  const bidsIn = lastOf(facts.events, ["bid-received", "bid-abstained"], 1) ?? opened;
  const verdictsIn = lastOf(facts.events, ["verdict-received", "juror-left"], 1) ?? bidsIn;
  const answersIn = lastOf(facts.events, ["verdict-received", "juror-left"], 2) ?? verdictsIn;
  const provider = providerPhases(facts.provider, calls);
  const arrivals = (provider?.[0] ?? []).map((row) => Date.parse(row.at));
  return {
    refined: calls.refined.length > 0,
    wallMs: cleared - admitted,
    overheadMs: cleared - admitted - critical,
    overProviderMs: provider === null ? null : cleared - admitted - slowestSum(provider),
    maxInFlight: Math.max(0, ...(provider ?? [facts.provider]).flat().map((row) => row.inFlight)),
    failedCalls: PHASES.flatMap((phase) => calls[phase]).filter((call) => call.status !== "billed").length,
    parts: {
      bids: bidsIn - admitted - slowest("bids"),
      verdicts: verdictsIn - bidsIn - slowest("verdicts"),
      refine: answersIn - verdictsIn - slowest("refined") - slowest("judgedAgain"),
      clear: cleared - answersIn,
    },
    fanOutMs: arrivals.length === 0 ? null : Math.max(...arrivals) - admitted,
  };
}

/** Ids sort by the time they were made, and phases lie further apart than their ids' clock. */
function phasesOf(calls: readonly CallView[]): AuctionCalls {
  const refined = calls.filter((call) => call.kind === "refine");
  const jury = calls.filter((call) => call.kind === "jury");
  const second = refined.map((call) => call.callId).toSorted()[0];
  const isSecond = (call: CallView) => second !== undefined && call.callId > second;
  return {
    bids: calls.filter((call) => call.kind === "bid"),
    verdicts: jury.filter((call) => !isSecond(call)),
    refined,
    judgedAgain: jury.filter(isSecond),
  };
}

/** The provider's rows by phase: they arrive phase by phase. Null where a call was retried or never arrived. */
function providerPhases(rows: readonly CallRow[], calls: AuctionCalls): CallRow[][] | null {
  const needed = PHASES.reduce((sum, phase) => sum + calls[phase].length, 0);
  if (rows.length < needed || rows.slice(0, needed).some((row) => row.status !== "ok")) return null;
  let from = 0;
  return PHASES.map((phase) => rows.slice(from, (from += calls[phase].length)));
}

function slowestSum(phases: readonly (readonly CallRow[])[]): number {
  return phases.reduce((sum, rows) => sum + Math.max(0, ...rows.map((row) => row.ms ?? 0)), 0);
}

function timeOf(events: readonly TaskEvent[], type: TaskEventType): number | null {
  return events.find((event) => event.type === type)?.atMs ?? null;
}

function lastOf(events: readonly TaskEvent[], types: readonly TaskEventType[], round: number): number | null {
  const ours = events.filter(
    (event) => types.includes(event.type) && "round" in event && event.round === round,
  );
  return ours.at(-1)?.atMs ?? null;
}
