/** One line for one event, for output that is not a terminal. Pure; null for events that only fill the live view. */
import type { TaskEvent } from "../../src/market/event.ts";
import { agentLabel, plural, usd } from "./format.ts";
import { bidderOf, type TaskView } from "./task-view.ts";

/** @param view the task after the event */
export function eventLine(view: TaskView, event: TaskEvent): string | null {
  const text = eventText(view, event);
  return text === null ? null : `${view.label}: ${text}`;
}

type EndEvent = Extract<
  TaskEvent,
  { type: "task-finished" | "task-failed" | "task-cancelled" | "task-not-sold" }
>;

function endText(event: EndEvent): string {
  switch (event.type) {
    case "task-finished":
      return `finished: ${event.outcome}`;
    case "task-failed":
      return `FAILED: ${event.reason}`;
    case "task-cancelled":
      return "cancelled";
    case "task-not-sold":
      return `not sold: ${event.reason}`;
  }
}

function eventText(view: TaskView, event: TaskEvent): string | null {
  switch (event.type) {
    case "auction-opened":
      return `auction opened among ${plural(event.bidders.length, "agent")}`;
    case "auction-resumed":
      return `auction resumed with ${plural(event.bids, "bid")} and ${plural(event.verdicts, "verdict")}`;
    case "bid-abstained":
      return `${agentLabel(bidderOf(view, event.agentId))} does not bid: ${event.reason}`;
    case "juror-left":
      return `${agentLabel(bidderOf(view, event.jurorId))} leaves the jury: ${event.reason}`;
    case "refinement-opened":
      return `${plural(event.asked.length, "cheaper agent")} may refine against ${agentLabel(bidderOf(view, event.provisionalWinner))}`;
    case "auction-cleared":
      return `${plural(view.bids, "bid")}, ${plural(view.verdicts, "juror")}; won by ${agentLabel(bidderOf(view, event.winner))}${event.round === 2 ? " with its refined bid" : ""}`;
    case "calibration-opened":
      return `calibration run of ${event.calibrates.taskId} by ${agentLabel(bidderOf(view, event.agentId))}`;
    case "task-escalated":
      return `attempt ${event.attempt} failed; next is ${agentLabel(bidderOf(view, event.nextAgentId))}`;
    case "trace-handed-over":
    case "trace-queued":
    case "trace-taken-up":
      return holderText(view, event);
    case "call-failed":
      return `a call for step ${event.step} failed: ${event.reason}${event.retryInMs === null ? "" : ", asked again"}`;
    case "task-redriven":
      return `goes on after ${plural(event.stepsSoFar, "step")}: its operator has seen to it`;
    case "context-compacted":
    case "wrap-up-asked":
    case "cancel-requested":
    case "deadline-passed":
      return limitText(event);
    case "trace-ended":
      return `${plural(event.steps, "step")}, ${plural(view.toolCalls, "tool call")}${view.toolErrors > 0 ? `, ${view.toolErrors} of them with an error` : ""}`;
    case "verification-waits":
    case "judge-left":
    case "ruling-received":
    case "check-failed":
    case "verification-ended":
      return verificationText(view, event);
    case "task-finished":
    case "task-failed":
    case "task-cancelled":
    case "task-not-sold":
      return `${endText(event)}, ${usd(event.costMicros)}`;
    case "quote-opened":
    case "quote-accepted":
      return quoteText(view, event);
    case "task-admitted":
    case "bid-received":
    case "jury-asked":
    case "verdict-received":
    case "task-awarded":
    case "step-committed":
    case "trace-placed":
    case "trace-lapsed":
      return null;
    default:
      return unknownText(event);
  }
}

/** A newer Worker may tell more than this demo knows. */
function unknownText(_event: never): null {
  return null;
}

type VerificationEvent = Extract<
  TaskEvent,
  { type: "verification-waits" | "judge-left" | "ruling-received" | "check-failed" | "verification-ended" }
>;

function verificationText(view: TaskView, event: VerificationEvent): string {
  switch (event.type) {
    case "verification-waits":
      return `waits for the ${event.for}'s verdict, until ${new Date(event.untilMs).toISOString()}`;
    case "judge-left":
      return `judge ${agentLabel(bidderOf(view, event.agentId))} gave no verdict: ${event.reason}`;
    case "ruling-received":
      return `judge ${agentLabel(bidderOf(view, event.agentId))} says ${event.verdict}`;
    case "check-failed":
      return `the checker gave no verdict: ${event.reason}`;
    case "verification-ended":
      return `${event.verifier} says ${event.outcome}`;
  }
}

function holderText(
  view: TaskView,
  event: Extract<TaskEvent, { type: "trace-handed-over" | "trace-queued" | "trace-taken-up" }>,
): string | null {
  if (event.type === "trace-queued") return "waits for a place for its trace";
  const after = `goes on after ${plural(event.stepsSoFar, "step")}`;
  if (event.type === "trace-taken-up") return event.stepsSoFar === 0 ? null : after;
  return `${agentLabel(bidderOf(view, event.toAgentId))} ${after}: ${event.reason}`;
}

function limitText(
  event: Extract<
    TaskEvent,
    { type: "context-compacted" | "wrap-up-asked" | "cancel-requested" | "deadline-passed" }
  >,
): string {
  switch (event.type) {
    case "context-compacted":
      return `${plural(event.outputs, "answer")} of tools shortened, by ${event.characters} characters`;
    case "wrap-up-asked":
      return `${event.limit} reached, asked to hand in what there is`;
    case "cancel-requested":
      return "cancel requested";
    case "deadline-passed":
      return "its deadline has passed";
  }
}

function quoteText(
  view: TaskView,
  event: Extract<TaskEvent, { type: "quote-opened" | "quote-accepted" }>,
): string {
  return event.type === "quote-opened"
    ? `quote of ${plural(event.offers.length, "bid")}, until ${new Date(event.expiresAtMs).toISOString()}`
    : `accepted: ${agentLabel(bidderOf(view, event.agentId))}`;
}
