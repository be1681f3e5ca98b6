/**
 * Rows for the outcome history that wait in the market room for the consumer that carries them away.
 *
 * A task's own row says where the task stands when the row is carried away; until then it is the task's id alone. So a
 * transition does not write down again what the task's record says.
 *
 * A consumer holds the numbers of the rows that it carries and reports them later, perhaps after another one did: so a
 * number is never given twice. Numbers are reserved by the block, in the transaction that uses the first of it; what is
 * left of a block when the object dies is nobody's.
 */
import type { HistoryRow, TaskRow } from "../market/history-row.ts";
import type { TaskId } from "../market/ids.ts";

export const HISTORY_SCHEMA = `
CREATE TABLE history (id INTEGER PRIMARY KEY, kind TEXT NOT NULL DEFAULT '', row TEXT NOT NULL, parked TEXT);
CREATE INDEX history_tenants ON history (id) WHERE kind = 'tenants';
`;

const BLOCK = 1_000;
/** Rows that one statement inserts. */
const MAX_TOGETHER = 8;

/**
 * A task's own row that a newer one has taken the place of. It stays where it is until the rows around it go: to take it
 * away in the transition that outdates it would move its neighbours about.
 */
const OUTDATED = `(kind = 'task' AND NOT EXISTS
  (SELECT 1 FROM tasks WHERE tasks.task_id = history.row AND tasks.last_row = history.id))`;

/** A row as it waits: of a task that is to be told, its id; else the row as JSON. */
interface Waiting {
  readonly kind: HistoryRow["table"] | "task";
  readonly row: string;
}

/** A task's row as it is carried away; null: the room does not hold the task. */
type Tell = (taskId: TaskId) => TaskRow | null;

export class HistoryStore {
  readonly #sql: SqlStorage;
  /** Newest number that was given, and the last one that is reserved. */
  #newest = 0;
  #reserved = 0;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** Adds rows in this order. */
  add(rows: readonly HistoryRow[]): void {
    this.#add(rows.map((row) => ({ kind: row.table, row: JSON.stringify(row) })));
  }

  /** Adds a task's own row, after others of it. Returns its number. */
  addTask(taskId: TaskId, others: readonly HistoryRow[]): number {
    const before = others.map((row): Waiting => ({ kind: row.table, row: JSON.stringify(row) }));
    this.#add([...before, { kind: "task", row: taskId }]);
    return this.#newest;
  }

  #add(rows: readonly Waiting[]): void {
    for (let at = 0; at < rows.length; at += MAX_TOGETHER) {
      const some = rows.slice(at, at + MAX_TOGETHER);
      const values = some.map(() => "(?, ?, ?)").join(", ");
      const bindings = some.flatMap(({ kind, row }) => [this.#nextId(), kind, row]);
      this.#sql.exec(`INSERT INTO history (id, kind, row) VALUES ${values}`, ...bindings);
    }
  }

  #nextId(): number {
    if (this.#newest === this.#reserved) {
      this.#reserved = this.#sql
        .exec<{ value: number }>(
          `INSERT INTO counters (name, value) VALUES ('history-row', ?1)
           ON CONFLICT (name) DO UPDATE SET value = value + ?1 RETURNING value`,
          BLOCK,
        )
        .one().value;
      this.#newest = this.#reserved - BLOCK;
    }
    this.#newest += 1;
    return this.#newest;
  }

  /** The tenant's rows that a newer one takes the place of, unless D1 refused them. */
  replaceTenant(): void {
    this.#sql.exec("DELETE FROM history WHERE kind = 'tenants' AND parked IS NULL");
  }

  /** Oldest first. */
  batch(limit: number, tell: Tell): { readonly id: number; readonly row: HistoryRow }[] {
    return this.#sql
      .exec<{ id: number; kind: string; row: string }>(
        `SELECT id, kind, row FROM history WHERE parked IS NULL AND NOT ${OUTDATED} ORDER BY id LIMIT ?`,
        limit,
      )
      .toArray()
      .flatMap(({ id, kind, row: stored }) => {
        const row = kind === "task" ? tell(stored as TaskId) : (JSON.parse(stored) as HistoryRow);
        return row === null ? [] : [{ id, row }];
      });
  }

  /** Number of the oldest row that waits; null: none does. Where an outdated one does, a newer one does too. */
  oldest(): number | null {
    const query = "SELECT id FROM history WHERE parked IS NULL ORDER BY id LIMIT 1";
    return this.#sql.exec<{ id: number }>(query).toArray()[0]?.id ?? null;
  }

  /** When the oldest row is due to be carried away: at once; null: none waits. */
  dueAtMs(): 0 | null {
    return this.oldest() === null ? null : 0;
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) this.#sql.exec("DELETE FROM history WHERE id = ?", id);
  }

  /** Takes away the outdated rows before one that was carried away or parked. */
  removeOutdated(before: number): void {
    this.#sql.exec(`DELETE FROM history WHERE id < ? AND parked IS NULL AND ${OUTDATED}`, before);
  }

  /** A row that D1 refuses is kept aside, as it was, with its reason, and blocks nobody. */
  park(id: number, error: string, tell: Tell): void {
    const query = "SELECT row FROM history WHERE id = ? AND kind = 'task'";
    const task = this.#sql.exec<{ row: string }>(query, id).toArray()[0];
    const row = task === undefined ? null : tell(task.row as TaskId);
    this.#sql.exec(
      "UPDATE history SET parked = ?, row = coalesce(?, row) WHERE id = ?",
      error.slice(0, 500),
      row === null ? null : JSON.stringify(row),
      id,
    );
  }

  /** How many rows are kept aside; null: none. */
  parked(): { readonly rows: number } | null {
    const query = "SELECT count(*) AS rows FROM history WHERE parked IS NOT NULL";
    const { rows } = this.#sql.exec<{ rows: number }>(query).one();
    return rows === 0 ? null : { rows };
  }

  /** What was remembered in a transaction that did not stand. */
  forget(): void {
    this.#newest = 0;
    this.#reserved = 0;
  }
}
