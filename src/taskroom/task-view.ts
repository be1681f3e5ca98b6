/** What is shown of a task: its state, its figures, its steps. Reads the journal, decides nothing. */
import type { CallKind } from "../market/call.ts";
import { calibratedBy } from "../market/policy.ts";
import { makeReceipt } from "../market/receipt.ts";
import type { Receipt } from "../market/receipt-schema.ts";
import { toStep } from "../market/step.ts";
import { addUsage, NO_USAGE, sumMicros, type Micros, type TokenUsage } from "../market/money.ts";
import type { Journal, TaskDoc } from "./journal.ts";
import { paidMicros } from "./paid.ts";
import type { CallView, TaskView, TraceView } from "./task-room-api.ts";

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
    outcome: task.end?.state === "finished" ? task.end.outcome : null,
    failureReason: task.end?.state === "failed" ? task.end.reason : null,
    sequence: opening.sequence,
    agentId: task.award?.agentId ?? null,
    attempts,
    calibrates: calibratedBy(opening.policy.rules),
    steps: journal.countSteps(attempts),
    queueMessages: task.messages,
    result: task.result,
    partialResult: task.end !== null && task.result === null ? partialResult(journal, attempts) : null,
    verdict: task.verdict,
    costMicros: sumMicros(calls.map(paidMicros)),
    costs: {
      embedMicros: costOf(calls, "embed"),
      bidMicros: costOf(calls, "bid"),
      juryMicros: costOf(calls, "jury"),
      refineMicros: costOf(calls, "refine"),
      traceMicros: costOf(calls, "trace"),
    },
    usage: {
      embed: usageOf(calls, "embed"),
      bid: usageOf(calls, "bid"),
      jury: usageOf(calls, "jury"),
      refine: usageOf(calls, "refine"),
      trace: usageOf(calls, "trace"),
    },
    admittedAtMs: opening.admittedAtMs,
    deadlineAtMs: opening.deadlineAtMs,
    endedAtMs: task.endedAtMs,
    lastEvent: journal.lastEvent(),
    metadata: opening.spec.metadata,
  };
}

function waitsFor({ state, award, lease, report }: TaskDoc): TaskView["waitsFor"] {
  if (report !== null) return null;
  if (state === "admitted") return "auction";
  return award !== null && lease === null ? "trace" : null;
}

export function traceView(journal: Journal): TraceView | null {
  const task = journal.task();
  if (task === null) return null;
  const attempts = Array.from({ length: task.award?.attempt ?? 0 }, (_, index) => index + 1);
  return {
    steps: attempts.flatMap((attempt) =>
      journal.steps(attempt).flatMap(({ answered, outcomes }) => {
        if (outcomes === null) return [];
        const { assistant: _opaque, ...step } = toStep(answered, outcomes);
        return [{ attempt, ...step }];
      }),
    ),
    calls: journal.calls(),
  };
}

/** The auction's receipt, once it has cleared or is known to have had no bids. */
export function receiptOf(journal: Journal): Receipt | null {
  const opening = journal.opening();
  const task = journal.task();
  if (opening === null || task === null) return null;
  const withoutBids = task.report?.end.state === "failed" && task.report.end.reason === "no_bids";
  if (task.award === null && !withoutBids) return null;
  return makeReceipt({
    opening,
    bids: journal.bids(),
    verdicts: journal.verdicts(),
    // An auction that cleared came to the question, and where nothing is recorded nobody was asked.
    refinements:
      journal.refinements() ?? (opening.policy.rules.kind === "auction" && task.award !== null ? [] : null),
    award:
      task.award === null ? null : { clearing: task.award.clearing, awardedAtMs: task.award.awardedAtMs },
  });
}

function partialResult(journal: Journal, attempt: number): string | null {
  const texts = journal.steps(attempt).map(({ answered }) => answered.text);
  return texts.findLast((text) => text.trim() !== "") ?? null;
}

function costOf(calls: readonly CallView[], kind: CallKind): Micros {
  return sumMicros(calls.filter((call) => call.kind === kind).map(paidMicros));
}

function usageOf(calls: readonly CallView[], kind: CallKind): TokenUsage {
  return calls
    .filter((call) => call.kind === kind)
    .reduce((sum, call) => addUsage(sum, call.usage ?? NO_USAGE), NO_USAGE);
}
