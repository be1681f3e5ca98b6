/** What is shown of a task: its state, its figures, its steps. Reads the journal, decides nothing. */
import type { CallKind } from "../market/call.ts";
import { calibratedBy } from "../market/policy.ts";
import type { Opening } from "../market/auction-record.ts";
import { makeReceipt, type AwardedBid, type Decided } from "../market/receipt.ts";
import type { Receipt } from "../market/receipt-schema.ts";
import { leftBy } from "../market/submission.ts";
import { addUsage, NO_USAGE, sumMicros, type Micros, type TokenUsage } from "../market/money.ts";
import { quoteOf } from "../market/sale/quote.ts";
import type { EarlierAttempt } from "./earlier-attempts.ts";
import type { AwardDoc, Journal, TaskDoc } from "./journal.ts";
import { lineOf, tookOver } from "./line.ts";
import { paidMicros } from "./paid.ts";
import type { CallView, TaskView } from "./task-room-api.ts";

export function taskView(journal: Journal): TaskView | null {
  const opening = journal.opening();
  const task = journal.task();
  if (opening === null || task === null) return null;
  const calls = journal.calls();
  const attempts = task.award?.attempt ?? 0;
  return {
    id: opening.taskId,
    state: task.state,
    waitsFor: waitsFor(task),
    waitsUntilMs: task.state === "waiting" ? (task.waiting?.untilMs ?? null) : null,
    outcome: task.end?.state === "finished" ? task.end.outcome : null,
    failureReason: task.end?.state === "failed" ? task.end.reason : null,
    noSale: noSaleOf(task),
    quote: quoteOfTask(opening, task),
    sequence: opening.sequence,
    agentId: task.award?.agentId ?? null,
    attempts,
    earlierAttempts: journal.earlierAttempts().map(({ sale: _sale, ...shown }) => shown),
    calibrates: calibratedBy(opening.policy.rules),
    steps: task.award === null ? 0 : journal.countSteps(lineOf(task.award)),
    queueMessages: task.messages,
    result: task.result,
    partialResult: task.end !== null && task.result === null ? partialResult(journal, task.award) : null,
    verdict: task.verdict,
    costMicros: sumMicros(calls.map(paidMicros)),
    costs: {
      embedMicros: costOf(calls, "embed"),
      bidMicros: costOf(calls, "bid"),
      juryMicros: costOf(calls, "jury"),
      refineMicros: costOf(calls, "refine"),
      traceMicros: costOf(calls, "trace"),
      judgeMicros: costOf(calls, "judge"),
    },
    usage: {
      embed: usageOf(calls, "embed"),
      bid: usageOf(calls, "bid"),
      jury: usageOf(calls, "jury"),
      refine: usageOf(calls, "refine"),
      trace: usageOf(calls, "trace"),
      judge: usageOf(calls, "judge"),
    },
    admittedAtMs: opening.admittedAtMs,
    deadlineAtMs: task.award?.deadlineAtMs ?? task.redriven?.deadlineAtMs ?? opening.deadlineAtMs,
    endedAtMs: task.endedAtMs,
    lastEvent: journal.lastEvent(),
    metadata: opening.spec.metadata,
  };
}

function waitsFor({ state, award, lease, report, waiting = null }: TaskDoc): TaskView["waitsFor"] {
  if (report !== null) return null;
  if (state === "waiting") return waiting?.for ?? null;
  if (state === "admitted") return "auction";
  return award !== null && lease === null ? "trace" : null;
}

/** The auction's receipt, once it has cleared or is known to have had no bids. */
export function receiptOf(journal: Journal): Receipt | null {
  const opening = journal.opening();
  const task = journal.task();
  if (opening === null || task === null) return null;
  const decided = decidedOf(task, journal);
  if (decided === null) return null;
  return makeReceipt({
    opening,
    bids: journal.bids(),
    verdicts: journal.verdicts(),
    // An auction that cleared came to the question, and where nothing is recorded nobody was asked.
    refinements:
      journal.refinements() ??
      (opening.policy.rules.kind === "auction" && decided.kind !== "no-bids" ? [] : null),
    decided,
  });
}

/** Null: the auction has not cleared, and may yet. */
function decidedOf(task: TaskDoc, journal: Journal): Decided | null {
  const { award, quoted, unsold, report } = task;
  if (award !== null) return { kind: "award", award: withEscalations(award, journal.earlierAttempts()) };
  if (unsold != null) return { kind: "unsold", unsold };
  if (quoted != null) {
    const { clearing, clearedAtMs } = quoted;
    if (report?.end.state !== "no_sale") return { kind: "quote", clearing, clearedAtMs };
    const { end } = report;
    return { kind: "unsold", unsold: { clearing, passedOver: [], end, decidedAtMs: quoted.expiresAtMs } };
  }
  const withoutBids = report?.end.state === "failed" && report.end.reason === "no_bids";
  return withoutBids ? { kind: "no-bids" } : null;
}

/** The auction's own award is that of the first attempt. */
function withEscalations(award: AwardDoc, earlier: readonly EarlierAttempt[]): AwardedBid {
  const [first, ...more] = [...earlier, asSold(award)];
  if (first === undefined || more.length === 0) return award;
  const { agentId, awardedAtMs, sale } = first;
  const escalations = more.map((later) => {
    const { round = 0, passedOver = [] } = later.sale ?? {};
    if (round === 0) throw new Error("an escalation without a bid");
    const takesOver = later.continuesFrom === undefined ? {} : { takesOver: true as const };
    return { attempt: later.attempt, agentId: later.agentId, round, passedOver, ...takesOver };
  });
  return { agentId, awardedAtMs, sale: sale ?? null, clearing: award.clearing, escalations };
}

/** A redrive is no sale: the receipt has the attempt that the agent was sold, and whether that one took over. */
function asSold({ continuesFrom, ...award }: AwardDoc): AwardDoc {
  const { soldAttempt: attempt = award.attempt } = award;
  const isTakeover = continuesFrom !== undefined && tookOver({ ...award, continuesFrom });
  return { ...award, attempt, ...(isTakeover && { continuesFrom }) };
}

function noSaleOf({ end }: TaskDoc): TaskView["noSale"] {
  return end?.state === "no_sale" ? { reason: end.reason, relaxation: end.relaxation } : null;
}

function quoteOfTask({ quote, taskId }: Opening, task: TaskDoc): TaskView["quote"] {
  if (quote == null) return null;
  const expiresAtMs = task.quoted?.expiresAtMs ?? null;
  return { id: quoteOf(taskId), expiresAtMs, acceptedAtMs: task.award?.awardedAtMs ?? null };
}

function partialResult(journal: Journal, award: AwardDoc | null): string | null {
  if (award === null) return null;
  for (const { answered } of journal.steps(lineOf(award)).toReversed()) {
    const left = leftBy(answered);
    if (left !== null) return left;
  }
  return null;
}

function costOf(calls: readonly CallView[], kind: CallKind): Micros {
  return sumMicros(calls.filter((call) => call.kind === kind).map(paidMicros));
}

function usageOf(calls: readonly CallView[], kind: CallKind): TokenUsage {
  return calls
    .filter((call) => call.kind === kind)
    .reduce((sum, call) => addUsage(sum, call.usage ?? NO_USAGE), NO_USAGE);
}
