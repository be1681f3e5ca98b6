/** Calibrations and their runs in the market room: tables and statements. No decisions here. */
import type { SchemaSteps } from "../durable/schema.ts";
import type { CalibrationQuote, QuotedRun, RunState, SkipReason } from "../market/calibration/calibration.ts";
import type { RunKey } from "../market/calibration/suitable.ts";
import type { AgentId, AuctionId, CalibrationId, TaskId } from "../market/ids.ts";
import type { TaskEnd } from "../market/task.ts";

/**
 * `taken`: under way, or ended and conclusive. The unique index is what keeps a run from being carried out twice,
 * however many quotes hold it and however often each is accepted.
 */
export const CALIBRATION_SCHEMA: SchemaSteps[number] = `
CREATE TABLE calibrations (
  calibration_id TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL, accepted_at_ms INTEGER, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE calibration_runs (
  calibration_id TEXT NOT NULL, position INTEGER NOT NULL, auction_id TEXT NOT NULL, agent_id TEXT NOT NULL,
  status TEXT NOT NULL, taken INTEGER NOT NULL, failures INTEGER NOT NULL, run_task_id TEXT, body TEXT NOT NULL,
  PRIMARY KEY (calibration_id, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX calibration_runs_taken ON calibration_runs (auction_id, agent_id) WHERE taken = 1;
CREATE INDEX calibration_runs_status ON calibration_runs (status, calibration_id, position);
CREATE INDEX calibration_runs_task ON calibration_runs (run_task_id) WHERE run_task_id IS NOT NULL;
`;

/** A run's place in the store. */
export interface RunPlace {
  readonly calibrationId: CalibrationId;
  readonly position: number;
}

export type StoredRun = RunPlace & QuotedRun & RunState;

export interface StoredCalibration {
  readonly quote: CalibrationQuote;
  readonly acceptedAtMs: number | null;
}

interface RunRow extends Record<string, SqlStorageValue> {
  calibration_id: string;
  position: number;
  status: string;
  run_task_id: string | null;
  body: string;
}

/** What stands in a run's body beside its columns. */
interface RunBody {
  readonly quoted: QuotedRun;
  readonly end?: TaskEnd;
  readonly reason?: SkipReason;
}

const RUN = "SELECT calibration_id, position, status, run_task_id, body FROM calibration_runs";
const AT = "WHERE calibration_id = ? AND position = ?";

export class CalibrationStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  addQuote(quote: CalibrationQuote, runs: readonly QuotedRun[]): void {
    const { calibrationId, expiresAtMs } = quote;
    this.#sql.exec(
      "INSERT INTO calibrations (calibration_id, expires_at_ms, body) VALUES (?, ?, ?)",
      calibrationId,
      expiresAtMs,
      JSON.stringify(quote),
    );
    for (const [position, quoted] of runs.entries()) {
      this.#sql.exec(
        `INSERT INTO calibration_runs (calibration_id, position, auction_id, agent_id, status, taken, failures, body)
         VALUES (?, ?, ?, ?, 'quoted', 0, 0, ?)`,
        calibrationId,
        position,
        quoted.auctionId,
        quoted.agentId,
        JSON.stringify({ quoted } satisfies RunBody),
      );
    }
  }

  /** Quotes that nobody accepted and that ran out before this moment. */
  forgetQuotes(expiredBeforeMs: number): void {
    const stale = "accepted_at_ms IS NULL AND expires_at_ms < ?";
    this.#sql.exec(
      `DELETE FROM calibration_runs WHERE calibration_id IN (SELECT calibration_id FROM calibrations WHERE ${stale})`,
      expiredBeforeMs,
    );
    this.#sql.exec(`DELETE FROM calibrations WHERE ${stale}`, expiredBeforeMs);
  }

  calibration(id: CalibrationId): StoredCalibration | null {
    const row = this.#sql
      .exec<{ body: string; accepted_at_ms: number | null }>(
        "SELECT body, accepted_at_ms FROM calibrations WHERE calibration_id = ?",
        id,
      )
      .toArray()[0];
    if (row === undefined) return null;
    return { quote: JSON.parse(row.body) as CalibrationQuote, acceptedAtMs: row.accepted_at_ms };
  }

  /** Accepted ones, newest first. */
  accepted(limit: number): CalibrationId[] {
    return this.#sql
      .exec<{ calibration_id: string }>(
        `SELECT calibration_id FROM calibrations WHERE accepted_at_ms IS NOT NULL
         ORDER BY accepted_at_ms DESC LIMIT ?`,
        limit,
      )
      .toArray()
      .map((row) => row.calibration_id as CalibrationId);
  }

  /** Its runs wait from now on, but for those that another calibration has taken. */
  accept(id: CalibrationId, nowMs: number): void {
    this.#sql.exec("UPDATE calibrations SET accepted_at_ms = ? WHERE calibration_id = ?", nowMs, id);
    this.#sql.exec(
      "UPDATE OR IGNORE calibration_runs SET status = 'waiting', taken = 1 WHERE calibration_id = ? AND status = 'quoted'",
      id,
    );
    for (const run of this.runs(id)) if (run.status === "quoted") this.skip(run, "already_run");
  }

  /** Of every calibration. */
  notBegun(): StoredRun[] {
    return this.#sql.exec<RunRow>(`${RUN} WHERE status IN ('quoted', 'waiting')`).toArray().map(storedRun);
  }

  runs(id: CalibrationId): StoredRun[] {
    return this.#sql
      .exec<RunRow>(`${RUN} WHERE calibration_id = ? ORDER BY position`, id)
      .toArray()
      .map(storedRun);
  }

  run({ calibrationId, position }: RunPlace): StoredRun | null {
    const row = this.#sql.exec<RunRow>(`${RUN} ${AT}`, calibrationId, position).toArray()[0];
    return row === undefined ? null : storedRun(row);
  }

  countRunning(): number {
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM calibration_runs WHERE status = 'running'")
      .one().n;
  }

  /** The run that waits longest: of the calibration that was quoted first. */
  nextWaiting(): StoredRun | null {
    const row = this.#sql
      .exec<RunRow>(`${RUN} WHERE status = 'waiting' ORDER BY calibration_id, position LIMIT 1`)
      .toArray()[0];
    return row === undefined ? null : storedRun(row);
  }

  /** Which of these auctions' runs are taken. */
  taken(auctionIds: readonly AuctionId[]): RunKey[] {
    return this.#sql
      .exec<{ auction_id: string; agent_id: string }>(
        `SELECT auction_id, agent_id FROM calibration_runs
         WHERE taken = 1 AND auction_id IN (SELECT value FROM json_each(?))`,
        JSON.stringify(auctionIds),
      )
      .toArray()
      .map((row) => ({ auctionId: row.auction_id as AuctionId, agentId: row.agent_id as AgentId }));
  }

  begin({ calibrationId, position }: RunPlace, runTaskId: TaskId): void {
    this.#sql.exec(
      `UPDATE calibration_runs SET status = 'running', run_task_id = ? ${AT}`,
      runTaskId,
      calibrationId,
      position,
    );
  }

  /** False: the task is no run that is under way. */
  end(runTaskId: TaskId, end: TaskEnd, conclusive: boolean): boolean {
    const ended = this.#sql.exec(
      `UPDATE calibration_runs SET status = 'ended', taken = ?, body = json_set(body, '$.end', json(?))
       WHERE run_task_id = ? AND status = 'running' RETURNING 1`,
      conclusive ? 1 : 0,
      JSON.stringify(end),
      runTaskId,
    );
    return ended.toArray().length > 0;
  }

  skip({ calibrationId, position }: RunPlace, reason: SkipReason): void {
    this.#sql.exec(
      `UPDATE calibration_runs SET status = 'skipped', taken = 0, body = json_set(body, '$.reason', ?) ${AT}`,
      reason,
      calibrationId,
      position,
    );
  }

  /** How often this run could not begin, this time included. */
  countFailure({ calibrationId, position }: RunPlace): number {
    this.#sql.exec(`UPDATE calibration_runs SET failures = failures + 1 ${AT}`, calibrationId, position);
    return this.#sql
      .exec<{ failures: number }>(`SELECT failures FROM calibration_runs ${AT}`, calibrationId, position)
      .one().failures;
  }
}

function storedRun(row: RunRow): StoredRun {
  const { quoted, end, reason } = JSON.parse(row.body) as RunBody;
  const place = { calibrationId: row.calibration_id as CalibrationId, position: row.position };
  return { ...place, ...quoted, ...runState(row, end, reason) };
}

function runState(row: RunRow, end?: TaskEnd, reason?: SkipReason): RunState {
  const runTaskId = row.run_task_id as TaskId | null;
  switch (row.status) {
    case "quoted":
    case "waiting":
      return { status: row.status };
    case "running":
      if (runTaskId !== null) return { status: "running", runTaskId };
      break;
    case "ended":
      if (runTaskId !== null && end !== undefined) return { status: "ended", runTaskId, end };
      break;
    case "skipped":
      if (reason !== undefined) return { status: "skipped", reason };
      break;
  }
  throw new Error(`a calibration run ${row.status} without what belongs to it`);
}
