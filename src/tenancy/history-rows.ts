/** From what the market room knows to rows of the outcome history. Pure. */
import type { BidRecord, VerdictRecord } from "../market/auction-record.ts";
import { outputPrice } from "../market/agent.ts";
import type { Clearing } from "../market/clear.ts";
import type { AuctionRow, BidRow, HistoryRow, TaskRow, VerdictRow } from "../market/history-row.ts";
import { sumMicros, totalTokens, type Micros } from "../market/money.ts";
import type { EndReport } from "../market/report.ts";
import type { TenantId } from "../market/ids.ts";
import type { LeanTask, MarketTask, TaskTerms } from "./task-store.ts";

const MAX_EVIDENCE_CHARS = 500;

export function taskRow(tenantId: TenantId, task: LeanTask, costMicros: Micros): TaskRow {
  return {
    table: "tasks",
    tenantId,
    taskId: task.taskId,
    sequence: task.sequence,
    state: task.state,
    outcome: task.end?.state === "finished" ? task.end.outcome : null,
    failureReason: reasonOf(task.end),
    verifier: task.verifier,
    promptChars: task.promptChars,
    agentId: task.agentId,
    attempts: task.attempt,
    costMicros,
    calibratesTaskId: task.calibrates?.taskId ?? null,
    calibratesAuctionId: task.calibrates?.auctionId ?? null,
    admittedAtMs: task.admittedAtMs,
    endedAtMs: task.endedAtMs,
    version: task.rowVersion,
  };
}

function reasonOf(end: MarketTask["end"]): string | null {
  return end?.state === "failed" || end?.state === "no_sale" ? end.reason : null;
}

export interface AuctionFigures {
  readonly tenantId: TenantId;
  readonly task: MarketTask;
  readonly terms: TaskTerms;
  readonly bids: readonly BidRecord[];
  readonly verdicts: readonly VerdictRecord[];
  /** Null: there was no valid bid. */
  readonly clearing: Clearing | null;
  readonly clearedAtMs: number;
}

/** The auction with its bids and verdicts, as they were cleared. */
export function auctionRows(figures: AuctionFigures): HistoryRow[] {
  const bids = figures.bids.map((bid) => bidRow(figures, bid));
  const verdicts = figures.verdicts.map((verdict) => verdictRow(figures, verdict));
  return [auctionRow(figures), ...bids, ...verdicts];
}

function auctionRow(figures: AuctionFigures): AuctionRow {
  const { tenantId, task, terms, bids, verdicts, clearing, clearedAtMs } = figures;
  const calls = [...bids, ...verdicts];
  return {
    table: "auctions",
    tenantId,
    taskId: task.taskId,
    auctionId: terms.auctionId,
    policy: terms.policy.name,
    policyVersion: terms.policy.version,
    weights: terms.policy.weights,
    seed: terms.seed,
    poolSize: terms.pool.length,
    validBids: bids.filter((bid) => bid.round === 1 && bid.status === "valid").length,
    jurors: clearing?.first?.terms.jurors.length ?? 0,
    entropyUsed: clearing?.first?.terms.entropyUsed ?? false,
    winner: clearing?.winner ?? null,
    provisionalWinner: clearing?.provisionalWinner ?? null,
    winnerRound: clearing?.round ?? null,
    margin: clearing?.margin ?? null,
    tokens: calls.reduce((sum, call) => sum + (call.usage === null ? 0 : totalTokens(call.usage)), 0),
    costMicros: sumMicros(calls.map((call) => call.costMicros)),
    openedAtMs: task.admittedAtMs,
    clearedAtMs,
  };
}

function bidRow({ tenantId, task, terms, clearing }: AuctionFigures, bid: BidRecord): BidRow {
  const agent = terms.pool.find((candidate) => candidate.id === bid.agentId);
  return {
    table: "bids",
    tenantId,
    taskId: task.taskId,
    auctionId: terms.auctionId,
    bidId: bid.bidId,
    agentId: bid.agentId,
    round: bid.round,
    status: bid.status,
    reason: bid.status === "abstained" ? bid.reason : null,
    price: agent === undefined ? 0 : outputPrice(agent),
    visibleTokens: bid.status === "valid" ? bid.visibleTokens : null,
    entropy: bid.status === "valid" ? bid.entropy : null,
    score: scoreOf(clearing, bid),
    usage: bid.usage,
    costMicros: bid.costMicros,
    ms: bid.ms,
  };
}

function verdictRow({ tenantId, task, terms }: AuctionFigures, verdict: VerdictRecord): VerdictRow {
  return {
    table: "verdicts",
    tenantId,
    taskId: task.taskId,
    auctionId: terms.auctionId,
    jurorId: verdict.jurorId,
    round: verdict.round,
    status: verdict.status,
    reason: verdict.status === "left" ? verdict.reason : null,
    scores: verdict.status === "scored" ? verdict.scores : null,
    usage: verdict.usage,
    costMicros: verdict.costMicros,
    ms: verdict.ms,
  };
}

/** The attempt's trace and outcome, where there was an award. */
export function endRows(tenantId: TenantId, report: EndReport, nowMs: number): HistoryRow[] {
  if (report.trace === null) return [];
  const { taskId, trace, verdict, continues = false } = report;
  return [
    { table: "traces", tenantId, taskId, ...trace },
    {
      table: "outcomes",
      tenantId,
      taskId,
      attempt: trace.attempt,
      agentId: trace.agentId,
      // Who finished what another began has neither passed nor failed by itself: nobody is to learn from it.
      outcome: continues ? "unknown" : (verdict?.outcome ?? "unknown"),
      verifier: verdict?.verifier ?? null,
      evidence: (verdict?.evidence ?? "").slice(0, MAX_EVIDENCE_CHARS),
      decidedAtMs: nowMs,
    },
  ];
}

/** A bid's score in its own round; null where it was not scored. */
function scoreOf(clearing: Clearing | null, bid: BidRecord): number | null {
  const ranked = bid.round === 1 ? clearing?.first : clearing?.refined;
  return ranked?.ranking.find((scored) => scored.agentId === bid.agentId)?.score ?? null;
}
