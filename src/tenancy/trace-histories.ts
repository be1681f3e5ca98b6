/** What the tenant's traces of each agent came to, summed: forecasts rest on it. No decisions here. */
import type { AgentId } from "../market/ids.ts";
import { asMicros } from "../market/money.ts";
import type { EndReport } from "../market/report.ts";
import { NO_TRACES, type TraceHistory } from "../market/sale/forecast.ts";
import type { FailureReason } from "../market/task.ts";

/** Of traces from before, the sums of costs alone are known. */
export const TRACE_HISTORY_SCHEMA = `
ALTER TABLE trace_costs ADD COLUMN logged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trace_costs ADD COLUMN ln_micros REAL NOT NULL DEFAULT 0;
ALTER TABLE trace_costs ADD COLUMN ln_micros_squared REAL NOT NULL DEFAULT 0;
ALTER TABLE trace_costs ADD COLUMN ln_ms REAL NOT NULL DEFAULT 0;
ALTER TABLE trace_costs ADD COLUMN ln_steps REAL NOT NULL DEFAULT 0;
ALTER TABLE trace_costs ADD COLUMN passes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trace_costs ADD COLUMN fails INTEGER NOT NULL DEFAULT 0;
`;

interface HistoryRow extends Record<string, SqlStorageValue> {
  agent_id: string;
  runs: number;
  micros: number;
  logged: number;
  ln_micros: number;
  ln_micros_squared: number;
  ln_ms: number;
  ln_steps: number;
  passes: number;
  fails: number;
}

export class TraceHistories {
  readonly #sql: SqlStorage;
  /** As stored; undefined: to be read. */
  #known: Map<AgentId, TraceHistory> | undefined = undefined;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#known = undefined;
  }

  of(agentId: AgentId): TraceHistory {
    this.#known ??= new Map(
      this.#sql
        .exec<HistoryRow>("SELECT * FROM trace_costs")
        .toArray()
        .map((row) => [row.agent_id as AgentId, historyOf(row)]),
    );
    return this.#known.get(agentId) ?? NO_TRACES;
  }

  /**
   * Counts a trace that ended. One that was never begun says nothing; nor, of costs, one that its tenant ended, that
   * reached what may be spent or was given up, or that is a part of one, because its agent left it or took it over: it would
   * teach that traces are cheap.
   */
  add({ end, trace, handsOn = false, continues = false, redrivenAtMs }: EndReport): void {
    if (trace === null || trace.steps === 0 || isCutShort(end)) return;
    if (handsOn || continues || redrivenAtMs !== undefined) return;
    const { agentId, costMicros, awardedAtMs, endedAtMs, steps } = trace;
    const before = this.of(agentId);
    const lnMicros = Math.log(Math.max(1, costMicros));
    const outcome = end.state === "finished" ? end.outcome : "unknown";
    this.#put(agentId, {
      runs: before.runs + 1,
      micros: asMicros(before.micros + costMicros),
      logged: before.logged + 1,
      lnMicros: before.lnMicros + lnMicros,
      lnMicrosSquared: before.lnMicrosSquared + lnMicros ** 2,
      lnMs: before.lnMs + Math.log(Math.max(1, endedAtMs - awardedAtMs)),
      lnSteps: before.lnSteps + Math.log(steps),
      passes: before.passes + Number(outcome === "pass"),
      fails: before.fails + Number(outcome === "fail"),
    });
  }

  #put(agentId: AgentId, history: TraceHistory): void {
    this.#sql.exec(
      `INSERT OR REPLACE INTO trace_costs
         (agent_id, runs, micros, logged, ln_micros, ln_micros_squared, ln_ms, ln_steps, passes, fails)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      agentId,
      history.runs,
      history.micros,
      history.logged,
      history.lnMicros,
      history.lnMicrosSquared,
      history.lnMs,
      history.lnSteps,
      history.passes,
      history.fails,
    );
    this.#known?.set(agentId, history);
  }
}

const CUT_SHORT: ReadonlySet<FailureReason> = new Set([
  "cost_limit",
  "budget",
  "trace_abandoned",
  "dead_lettered",
]);

function isCutShort(end: EndReport["end"]): boolean {
  if (end.state === "cancelled") return true;
  return end.state === "failed" && CUT_SHORT.has(end.reason);
}

function historyOf(row: HistoryRow): TraceHistory {
  return {
    runs: row.runs,
    micros: asMicros(row.micros),
    logged: row.logged,
    lnMicros: row.ln_micros,
    lnMicrosSquared: row.ln_micros_squared,
    lnMs: row.ln_ms,
    lnSteps: row.ln_steps,
    passes: row.passes,
    fails: row.fails,
  };
}
