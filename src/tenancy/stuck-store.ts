/** Work of the tenant that was given up, until its operator has done something about it. No decisions here. */
import type { StuckState } from "../market/dead-letter.ts";
import type { StuckRow } from "../market/history-row.ts";
import type { StuckId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";

export const STUCK_SCHEMA = `
CREATE TABLE stuck (
  stuck_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, state TEXT NOT NULL, since_ms INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX stuck_open ON stuck (task_id) WHERE state = 'open';
`;

export interface StuckWork {
  readonly row: StuckRow;
  /** What was still held for it when it was given up: an auction that goes on needs as much. */
  readonly heldMicros: Micros;
}

export class StuckStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  find(stuckId: StuckId): StuckWork | null {
    return this.#read("SELECT body FROM stuck WHERE stuck_id = ?", stuckId)[0] ?? null;
  }

  put(work: StuckWork): void {
    const { stuckId, taskId, state, sinceAtMs } = work.row;
    this.#sql.exec(
      "INSERT OR REPLACE INTO stuck (stuck_id, task_id, state, since_ms, body) VALUES (?, ?, ?, ?, ?)",
      stuckId,
      taskId,
      state,
      sinceAtMs,
      JSON.stringify(work),
    );
  }

  /** Open ones from before this time, and those that come after so many, newest first. */
  surplus(beforeMs: number, kept: number): StuckWork[] {
    return this.#read(
      `SELECT body FROM stuck WHERE state = 'open' AND (since_ms <= ?1 OR stuck_id NOT IN
         (SELECT stuck_id FROM stuck WHERE state = 'open' ORDER BY stuck_id DESC LIMIT ?2))`,
      beforeMs,
      kept,
    );
  }

  /** Of those that something was done about, the ones from before this time go. */
  removeSettled(beforeMs: number): void {
    const open: StuckState = "open";
    this.#sql.exec("DELETE FROM stuck WHERE state <> ? AND since_ms <= ?", open, beforeMs);
  }

  hasAny(): boolean {
    return this.#sql.exec("SELECT 1 FROM stuck LIMIT 1").toArray().length > 0;
  }

  #read(query: string, ...bindings: (string | number)[]): StuckWork[] {
    return this.#sql
      .exec<{ body: string }>(query, ...bindings)
      .toArray()
      .map(({ body }) => JSON.parse(body) as StuckWork);
  }
}
