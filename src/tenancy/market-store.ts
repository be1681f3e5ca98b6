/** The market room's tables and the statements over them. No decisions here. */
import { OUTBOX_SCHEMA } from "../durable/outbox.ts";
import { TIMER_SCHEMA } from "../durable/timers.ts";
import type { Schema, SchemaSteps } from "../durable/schema.ts";
import type { Agent } from "../market/agent.ts";
import type { HistoryRow } from "../market/history-row.ts";
import type { AgentId, AuctionId, TaskId, TenantId } from "../market/ids.ts";
import type { Lease } from "../market/lease.ts";
import { asMicros, type Micros } from "../market/money.ts";
import type { CalibratedAuction, Policy } from "../market/policy.ts";
import type { SpentCall } from "../market/report.ts";
import type { TaskEnd, TaskState } from "../market/task.ts";
import { GroundStore } from "./ground-store.ts";
import { CALIBRATION_SCHEMA } from "./calibration-store.ts";
import type { ApiKey, Ordering, PolicyWeights } from "./market-room-api.ts";
import { WINDOW_SCHEMA } from "./memory-window.ts";

const STEPS: SchemaSteps = [
  `
CREATE TABLE tenant (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
CREATE TABLE keys (hash TEXT PRIMARY KEY, key_id TEXT NOT NULL, name TEXT NOT NULL, created_at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tasks (task_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX tasks_sequence ON tasks (sequence);
CREATE TABLE charges (call_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, micros INTEGER NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX charges_task ON charges (task_id);
CREATE TABLE idempotency (key TEXT PRIMARY KEY, body_hash TEXT NOT NULL, task_id TEXT NOT NULL, expires_at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at_ms);
CREATE TABLE history (id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT, row TEXT NOT NULL, parked TEXT);
CREATE INDEX history_task ON history (task_id);
CREATE TABLE memory (
  auction_id TEXT PRIMARY KEY, task_id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
  vector BLOB NOT NULL, recent INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX memory_task ON memory (task_id);
CREATE INDEX memory_recent ON memory (auction_id) WHERE recent = 1;
${TIMER_SCHEMA}
${OUTBOX_SCHEMA}
`,
  // What changes with every admission stands apart from the tenant's document, and what never changes of a task apart
  // from what does: a transition writes a few hundred bytes, whatever the size of the pool.
  `
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters SELECT 'sequence', json_extract(body, '$.lastSequence') FROM tenant;
INSERT INTO counters SELECT 'tenant-row', json_extract(body, '$.rowVersion') FROM tenant;
CREATE TABLE terms (task_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO terms SELECT task_id, json_object('auctionId', json_extract(body, '$.auctionId'),
  'pool', json_extract(body, '$.pool'), 'policy', json_extract(body, '$.policy'), 'seed', json_extract(body, '$.seed'))
  FROM tasks;
CREATE INDEX tasks_open ON tasks (sequence) WHERE state NOT IN ('finished', 'failed', 'cancelled');
ALTER TABLE history ADD COLUMN kind TEXT NOT NULL DEFAULT '';
`,
  // The recent window becomes a table of its own: searching it reads vectors only.
  `
${WINDOW_SCHEMA}
INSERT INTO memory_window (auction_id, version, written, written_at_ms, claim, held_until_ms, due_at_ms, tries, next_at_ms, shown_at_ms, vector)
SELECT auction_id, version, 0, 0, 0, 0, 0, 0, 0, NULL, vector FROM memory WHERE recent = 1;
DROP INDEX memory_recent;
ALTER TABLE memory DROP COLUMN recent;
`,
  CALIBRATION_SCHEMA,
  // Tasks of one pool and policy share them, and hold what of the terms is their own: an admission writes little.
  `
CREATE TABLE grounds (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
ALTER TABLE tasks ADD COLUMN ground INTEGER;
ALTER TABLE tasks ADD COLUMN terms TEXT;
DROP INDEX tasks_sequence;
INSERT INTO counters SELECT 'tenant-open', EXISTS
  (SELECT 1 FROM tasks WHERE state NOT IN ('finished', 'failed', 'cancelled')) FROM tenant;
`,
];

export const MARKET_SCHEMA: Schema = { steps: STEPS, fresh: null };

/** What the room knows of its tenant. */
export interface TenantDoc extends PolicyWeights {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly ordering: Ordering;
  /** Null: the environment's pool. */
  readonly pool: readonly Agent[] | null;
  readonly createdAtMs: number;
  readonly policyVersion: number;
  /** Name of the policy for tasks that name none. */
  readonly policyName: string;
}

/** What an auction is cleared under: frozen when it opened. */
export interface TaskTerms extends Ground {
  readonly auctionId: AuctionId;
  readonly seed: number;
}

type OwnTerms = Omit<TaskTerms, keyof Ground>;

/** What of it many auctions share. */
export interface Ground {
  readonly pool: readonly Agent[];
  readonly policy: Policy;
}

/** Where an open task stands, and a settled one until the history has it. */
export interface MarketTask {
  readonly taskId: TaskId;
  readonly sequence: number;
  readonly state: TaskState;
  readonly verifier: string | null;
  readonly promptChars: number;
  /** Null: the auction waits for its turn (`ordering: strict`), or is over. */
  readonly lease: Lease | null;
  readonly attempt: number;
  readonly agentId: AgentId | null;
  /** Of a calibration run: the past auction that it adds an outcome to. */
  readonly calibrates: CalibratedAuction | null;
  /** The tenant asked to stop; the task's room ends it and reports. */
  readonly stopping: boolean;
  readonly admittedAtMs: number;
  readonly end: TaskEnd | null;
  readonly endedAtMs: number | null;
  readonly rowVersion: number;
}

const OPEN = "state NOT IN ('finished', 'failed', 'cancelled')";

/** `sequence`: number of the latest admission. `tenant-row`: version of the tenant's row in the history. */
export type Counter = "sequence" | "tenant-row";

/** What documents from before the fit to the mean lack. */
const NO_MEAN_FIT = { meanWeights: null, meanFit: null };

export class MarketStore {
  readonly #sql: SqlStorage;
  /** The tenant as stored; undefined: to be read. Every call asks for it, and it holds the pool. */
  #tenant: TenantDoc | null | undefined = undefined;
  /** What the newest row of the tenant says; undefined: to be read. */
  #toldOpen: boolean | undefined = undefined;
  readonly #grounds: GroundStore;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#grounds = new GroundStore(storage);
  }

  tenant(): TenantDoc | null {
    this.#tenant ??= this.#readTenant();
    return this.#tenant;
  }

  #readTenant(): TenantDoc | null {
    const stored = this.#one<TenantDoc>("SELECT body FROM tenant WHERE id = 1");
    return stored === null ? null : { ...NO_MEAN_FIT, ...stored };
  }

  putTenant(tenant: TenantDoc): void {
    // Read again when it is wanted: the transaction that this belongs to may not stand.
    this.#tenant = undefined;
    this.#sql.exec("INSERT OR REPLACE INTO tenant (id, body) VALUES (1, ?)", JSON.stringify(tenant));
  }

  /** Work of one transaction: what it read before it threw did not stand, and is read again. */
  reading<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#tenant = undefined;
      this.#toldOpen = undefined;
      this.#grounds.forget();
      throw error;
    }
  }

  /** The counter's next value, from 1. */
  count(counter: Counter): number {
    return this.#sql
      .exec<{ value: number }>(
        `INSERT INTO counters (name, value) VALUES (?, 1)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
        counter,
      )
      .one().value;
  }

  /** True where the newest row of the tenant says that it has open tasks. */
  toldOpen(): boolean {
    const query = "SELECT 1 FROM counters WHERE name = 'tenant-open' AND value = 1";
    this.#toldOpen ??= this.#sql.exec(query).toArray().length > 0;
    return this.#toldOpen;
  }

  putToldOpen(open: boolean): void {
    this.#sql.exec("INSERT OR REPLACE INTO counters (name, value) VALUES ('tenant-open', ?)", Number(open));
    this.#toldOpen = open;
  }

  addKey(key: ApiKey, nowMs: number): void {
    this.#sql.exec(
      "INSERT OR IGNORE INTO keys (hash, key_id, name, created_at_ms) VALUES (?, ?, ?, ?)",
      key.hash,
      key.keyId,
      key.name,
      nowMs,
    );
  }

  hasKey(hash: string): boolean {
    return this.#sql.exec("SELECT 1 FROM keys WHERE hash = ?", hash).toArray().length > 0;
  }

  task(taskId: TaskId): MarketTask | null {
    return this.#one<MarketTask>("SELECT body FROM tasks WHERE task_id = ?", taskId);
  }

  terms(taskId: TaskId): TaskTerms {
    const row = this.#sql
      .exec<{ ground: number; terms: string }>(
        "SELECT ground, terms FROM tasks WHERE task_id = ? AND ground IS NOT NULL",
        taskId,
      )
      .toArray()[0];
    if (row !== undefined)
      return { ...(JSON.parse(row.terms) as OwnTerms), ...this.#grounds.read(row.ground) };
    // Of a task from before grounds were shared.
    const terms = this.#one<TaskTerms>("SELECT body FROM terms WHERE task_id = ?", taskId);
    if (terms === null) throw new Error(`no terms of ${taskId}`);
    return terms;
  }

  addTask(task: MarketTask, { auctionId, seed, ...ground }: TaskTerms): void {
    this.#sql.exec(
      "INSERT INTO tasks (task_id, sequence, state, body, ground, terms) VALUES (?, ?, ?, ?, ?, ?)",
      task.taskId,
      task.sequence,
      task.state,
      JSON.stringify(task),
      this.#grounds.put(ground),
      JSON.stringify({ auctionId, seed } satisfies OwnTerms),
    );
  }

  putTask(task: MarketTask): void {
    const update = "UPDATE tasks SET state = ?, body = ? WHERE task_id = ?";
    this.#sql.exec(update, task.state, JSON.stringify(task), task.taskId);
  }

  /** Every task that the room still holds, newest first. */
  tasks(): MarketTask[] {
    return this.#sql
      .exec<{ body: string }>("SELECT body FROM tasks ORDER BY sequence DESC")
      .toArray()
      .map((row) => JSON.parse(row.body) as MarketTask);
  }

  countOpen(): number {
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM tasks WHERE ${OPEN}`).one().n;
  }

  hasOpen(): boolean {
    return this.#sql.exec(`SELECT 1 FROM tasks WHERE ${OPEN} LIMIT 1`).toArray().length > 0;
  }

  /** The oldest admitted task whose auction nobody has been given yet. */
  nextWaiting(): MarketTask | null {
    return this.#one<MarketTask>(
      `SELECT body FROM tasks WHERE ${OPEN} AND state = 'admitted' AND json_extract(body, '$.lease') IS NULL
       AND NOT json_extract(body, '$.stopping') ORDER BY sequence LIMIT 1`,
    );
  }

  hasActiveAuction(): boolean {
    const query = `SELECT 1 FROM tasks WHERE ${OPEN} AND state = 'bidding' LIMIT 1`;
    return this.#sql.exec(query).toArray().length > 0;
  }

  /** A charge is applied once, whatever is reported how often; only a bound may be replaced by the bill. */
  addCharge(taskId: TaskId, call: SpentCall): void {
    this.#sql.exec(
      `INSERT INTO charges (call_id, task_id, micros, body) VALUES (?, ?, ?, ?)
       ON CONFLICT (call_id) DO UPDATE SET micros = excluded.micros, body = excluded.body
       WHERE json_extract(charges.body, '$.status') = 'unconfirmed'`,
      call.callId,
      taskId,
      call.micros,
      JSON.stringify(call),
    );
  }

  charged(taskId: TaskId): Micros {
    const row = this.#sql
      .exec<{ total: number | null }>("SELECT sum(micros) AS total FROM charges WHERE task_id = ?", taskId)
      .one();
    return asMicros(row.total ?? 0);
  }

  idempotent(key: string, nowMs: number): { readonly bodyHash: string; readonly taskId: TaskId } | null {
    this.#sql.exec("DELETE FROM idempotency WHERE expires_at_ms <= ?", nowMs);
    const row = this.#sql
      .exec<{ body_hash: string; task_id: string }>(
        "SELECT body_hash, task_id FROM idempotency WHERE key = ?",
        key,
      )
      .toArray()[0];
    return row === undefined ? null : { bodyHash: row.body_hash, taskId: row.task_id as TaskId };
  }

  rememberKey(key: string, bodyHash: string, taskId: TaskId, expiresAtMs: number): void {
    this.#sql.exec(
      "INSERT INTO idempotency (key, body_hash, task_id, expires_at_ms) VALUES (?, ?, ?, ?)",
      key,
      bodyHash,
      taskId,
      expiresAtMs,
    );
  }

  /** A task's or the tenant's row takes the place of an older one that nobody has carried away yet. */
  addHistory(row: HistoryRow): void {
    const taskId = row.table === "tenants" ? null : row.taskId;
    if ((row.table === "tasks" || row.table === "tenants") && row.version > 1) {
      const older = "DELETE FROM history WHERE task_id IS ? AND kind = ? AND parked IS NULL";
      this.#sql.exec(older, taskId, row.table);
    }
    this.#sql.exec(
      "INSERT INTO history (task_id, kind, row) VALUES (?, ?, ?)",
      taskId,
      row.table,
      JSON.stringify(row),
    );
  }

  historyBatch(limit: number): { readonly id: number; readonly row: HistoryRow }[] {
    return this.#sql
      .exec<{ id: number; row: string }>(
        "SELECT id, row FROM history WHERE parked IS NULL ORDER BY id LIMIT ?",
        limit,
      )
      .toArray()
      .map(({ id, row }) => ({ id, row: JSON.parse(row) as HistoryRow }));
  }

  hasHistory(): boolean {
    return this.#sql.exec("SELECT 1 FROM history WHERE parked IS NULL LIMIT 1").toArray().length > 0;
  }

  removeHistory(ids: readonly number[]): void {
    for (const id of ids) this.#sql.exec("DELETE FROM history WHERE id = ?", id);
  }

  /** A row that D1 refuses is kept aside with its reason and blocks nobody. */
  parkHistory(id: number, error: string): void {
    this.#sql.exec("UPDATE history SET parked = ? WHERE id = ?", error.slice(0, 500), id);
  }

  /** Settled tasks whose every row the history has leave the room. Their charges stay: they are the ledger. */
  forgetSettled(): void {
    const forgotten = this.#sql
      .exec<{ task_id: string }>(
        `DELETE FROM tasks WHERE state IN ('finished', 'failed', 'cancelled') AND NOT EXISTS
         (SELECT 1 FROM history WHERE history.task_id = tasks.task_id AND parked IS NULL) RETURNING task_id`,
      )
      .toArray();
    for (const { task_id } of forgotten) this.#sql.exec("DELETE FROM terms WHERE task_id = ?", task_id);
  }

  #one<T>(query: string, ...bindings: string[]): T | null {
    const row = this.#sql.exec<{ body: string }>(query, ...bindings).toArray()[0];
    return row === undefined ? null : (JSON.parse(row.body) as T);
  }
}
