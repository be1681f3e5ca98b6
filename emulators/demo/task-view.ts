/**
 * What is known of one task while it runs, as its events tell it. Pure: `(view, event) → view`.
 *
 * The costs here add up as events arrive; the final figures come from the API (see `task-figures.ts`).
 */
import type { TaskEvent } from "../../src/market/event.ts";
import { FINAL_STATES } from "../../src/market/task.ts";

export type Phase =
  | "queued"
  | "submitted"
  | "bidding"
  | "judging"
  | "refining"
  | "quoted"
  | "awarded"
  | "running"
  | "verifying"
  | "finished"
  | "failed"
  | "cancelled"
  | "no_sale";

export interface Bidder {
  readonly agentId: string;
  readonly name: string;
  readonly emulated: boolean;
}

export interface TaskView {
  readonly label: string;
  readonly bin: number | null;
  readonly taskId: string | null;
  readonly phase: Phase;
  readonly bidders: readonly Bidder[];
  readonly bids: number;
  readonly abstained: number;
  readonly verdicts: number;
  readonly jurorsLeft: number;
  readonly winner: Bidder | null;
  readonly steps: number;
  readonly toolCalls: number;
  readonly toolErrors: number;
  readonly outcome: "pass" | "fail" | "unknown" | null;
  readonly failureReason: string | null;
  readonly costMicros: number;
  /** Number of the last event; events count from 1. */
  readonly lastSeq: number;
  /** What is wrong with the numbers of the events. */
  readonly gaps: readonly string[];
}

export function queuedTask(label: string, bin: number | null): TaskView {
  return {
    label,
    bin,
    taskId: null,
    phase: "queued",
    bidders: [],
    bids: 0,
    abstained: 0,
    verdicts: 0,
    jurorsLeft: 0,
    winner: null,
    steps: 0,
    toolCalls: 0,
    toolErrors: 0,
    outcome: null,
    failureReason: null,
    costMicros: 0,
    lastSeq: 0,
    gaps: [],
  };
}

export function submitted(view: TaskView, taskId: string): TaskView {
  return { ...view, taskId, phase: "submitted" };
}

/** The bidder with this id, or one that is named by its id: an event never waits for another to be shown. */
export function bidderOf(view: TaskView, agentId: string): Bidder {
  return (
    view.bidders.find((bidder) => bidder.agentId === agentId) ?? { agentId, name: agentId, emulated: false }
  );
}

/** The view after one more event. An event that came before changes nothing. */
export function afterEvent(view: TaskView, event: TaskEvent): TaskView {
  if (event.seq <= view.lastSeq) return view;
  const gaps =
    event.seq === view.lastSeq + 1
      ? view.gaps
      : [...view.gaps, `event ${event.seq} came after event ${view.lastSeq}`];
  return { ...view, ...change(view, event), lastSeq: event.seq, gaps };
}

function afterStep(
  view: TaskView,
  { tools, costMicros }: Extract<TaskEvent, { readonly type: "step-committed" }>,
): Partial<TaskView> {
  return {
    phase: "running",
    steps: view.steps + 1,
    toolCalls: view.toolCalls + tools.length,
    toolErrors: view.toolErrors + tools.filter((tool) => !tool.ok).length,
    costMicros: view.costMicros + costMicros,
  };
}

function afterRuling(
  view: TaskView,
  event: Extract<TaskEvent, { type: "ruling-received" | "verification-ended" }>,
): Partial<TaskView> {
  if (event.type === "verification-ended") return { outcome: event.outcome };
  return { costMicros: view.costMicros + event.costMicros };
}

/** Refined bids are in the cost; the columns count who bid at all. */
function afterBidder(
  view: TaskView,
  event: Extract<TaskEvent, { type: "bid-received" | "bid-abstained" }>,
): Partial<TaskView> {
  const one = Number(event.round === 1);
  if (event.type === "bid-abstained") return { abstained: view.abstained + one };
  return { bids: view.bids + one, costMicros: view.costMicros + event.costMicros };
}

function afterJuror(
  view: TaskView,
  event: Extract<TaskEvent, { type: "jury-asked" | "verdict-received" | "juror-left" }>,
): Partial<TaskView> {
  if (event.type === "jury-asked") return {};
  const one = Number(event.round === 1);
  if (event.type === "juror-left") return { jurorsLeft: view.jurorsLeft + one };
  return { verdicts: view.verdicts + one, costMicros: view.costMicros + event.costMicros };
}

type EndEvent = Extract<
  TaskEvent,
  { type: "task-finished" | "task-failed" | "task-cancelled" | "task-not-sold" }
>;

function afterEnd(event: EndEvent): Partial<TaskView> {
  const { costMicros } = event;
  switch (event.type) {
    case "task-finished":
      return { phase: "finished", outcome: event.outcome, costMicros };
    case "task-failed":
      return { phase: "failed", failureReason: event.reason, costMicros };
    case "task-cancelled":
      return { phase: "cancelled", costMicros };
    case "task-not-sold":
      return { phase: "no_sale", failureReason: event.reason, costMicros };
  }
}

/** A newer Worker may tell more than this demo knows: then nothing changes. */
function change(view: TaskView, event: TaskEvent): Partial<TaskView> {
  switch (event.type) {
    case "task-admitted":
      return { phase: "submitted", taskId: event.taskId };
    case "auction-opened":
      return { phase: "bidding", bidders: event.bidders };
    case "bid-received":
    case "bid-abstained":
      return afterBidder(view, event);
    case "jury-asked":
    case "verdict-received":
    case "juror-left":
      return { phase: "judging", ...afterJuror(view, event) };
    case "refinement-opened":
      return { phase: "refining" };
    case "auction-cleared":
      return { winner: bidderOf(view, event.winner) };
    case "calibration-opened":
      return { winner: bidderOf(view, event.agentId) };
    case "task-awarded":
      return { phase: "awarded", winner: bidderOf(view, event.agentId) };
    case "task-escalated":
      return { outcome: null, winner: bidderOf(view, event.nextAgentId) };
    case "trace-handed-over":
      return { winner: bidderOf(view, event.toAgentId) };
    case "task-redriven":
    case "trace-taken-up":
      return { phase: "running", failureReason: null };
    case "step-committed":
      return afterStep(view, event);
    case "trace-ended":
    case "verification-waits":
      return { phase: "verifying" };
    case "ruling-received":
    case "verification-ended":
      return afterRuling(view, event);
    case "task-finished":
    case "task-failed":
    case "task-cancelled":
    case "task-not-sold":
      return afterEnd(event);
    case "quote-opened":
      return { phase: "quoted" };
    case "trace-queued":
    case "trace-placed":
    case "deadline-passed":
    case "auction-resumed":
    case "call-failed":
    case "wrap-up-asked":
    case "context-compacted":
    case "trace-lapsed":
    case "quote-accepted":
    case "judge-left":
    case "check-failed":
    case "cancel-requested":
      return {};
    default:
      return unknown(event);
  }
}

function unknown(_event: never): Partial<TaskView> {
  return {};
}

/** True once nothing more will come. */
export function isDone({ phase }: TaskView): boolean {
  return (FINAL_STATES as readonly string[]).includes(phase);
}
