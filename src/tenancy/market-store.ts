/** The market room's tables and the statements over them, but for those with files of their own. No decisions here. */
import type { Agent } from "../market/agent.ts";
import type { KeyId, TenantId, TaskId } from "../market/ids.ts";
import { NO_BUDGET, type Budget } from "../market/ledger/budget.ts";
import { HistoryStore } from "./history-store.ts";
import type { ApiKey, Ordering, PolicyWeights } from "./market-room-api.ts";
import { TaskStore } from "./task-store.ts";

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
  readonly budget: Budget;
}

/** What documents from before the fit to the mean lack. */
const NO_MEAN_FIT = { meanWeights: null, meanFit: null };
/** What documents from before there were budgets lack. */
const UNLIMITED = { budget: NO_BUDGET };

interface KnownKey {
  readonly keyId: KeyId;
  readonly budget: Budget | null;
}

export class MarketStore {
  readonly #sql: SqlStorage;
  readonly history: HistoryStore;
  readonly tasks: TaskStore;
  /** The tenant as stored; undefined: to be read. Every call asks for it, and it holds the pool. */
  #tenant: TenantDoc | null | undefined = undefined;
  /** What the newest row of the tenant says; undefined: to be read. */
  #toldOpen: boolean | undefined = undefined;
  /** Keys that are known to stand, by their hashes. */
  readonly #keys = new Map<string, KnownKey>();

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.history = new HistoryStore(storage);
    this.tasks = new TaskStore(storage, this.history);
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#tenant = undefined;
    this.#toldOpen = undefined;
    this.#keys.clear();
    this.tasks.forget();
    this.history.forget();
  }

  tenant(): TenantDoc | null {
    this.#tenant ??= this.#readTenant();
    return this.#tenant;
  }

  #readTenant(): TenantDoc | null {
    const stored = this.#one<TenantDoc>("SELECT body FROM tenant WHERE id = 1");
    return stored === null ? null : { ...NO_MEAN_FIT, ...UNLIMITED, ...stored };
  }

  putTenant(tenant: TenantDoc): void {
    // Read again when it is wanted: the transaction that this belongs to may not stand.
    this.#tenant = undefined;
    this.#sql.exec("INSERT OR REPLACE INTO tenant (id, body) VALUES (1, ?)", JSON.stringify(tenant));
  }

  /** Version of the tenant's next row in the history, from 1. */
  nextTenantVersion(): number {
    return this.#sql
      .exec<{ value: number }>(
        `INSERT INTO counters (name, value) VALUES ('tenant-row', 1)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
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
      "INSERT OR IGNORE INTO keys (hash, key_id, name, created_at_ms, budget) VALUES (?, ?, ?, ?, ?)",
      key.hash,
      key.keyId,
      key.name,
      nowMs,
      key.budget === null ? null : JSON.stringify(key.budget),
    );
  }

  /** The key with this hash; null: there is none. */
  keyId(hash: string): KeyId | null {
    return this.#key(hash)?.keyId ?? null;
  }

  #key(hash: string): KnownKey | null {
    const known = this.#keys.get(hash);
    if (known !== undefined) return known;
    const query = "SELECT key_id, budget FROM keys WHERE hash = ?";
    const row = this.#sql.exec<{ key_id: string; budget: string | null }>(query, hash).toArray()[0];
    if (row === undefined) return null;
    const key: KnownKey = {
      keyId: row.key_id as KeyId,
      budget: row.budget === null ? null : (JSON.parse(row.budget) as Budget),
    };
    this.#keys.set(hash, key);
    return key;
  }

  /** Null: the key has none, or there is no such key. */
  keyBudget(keyId: KeyId): Budget | null {
    for (const key of this.#keys.values()) if (key.keyId === keyId) return key.budget;
    const query = "SELECT hash FROM keys WHERE key_id = ?";
    const hash = this.#sql.exec<{ hash: string }>(query, keyId).toArray()[0]?.hash;
    return hash === undefined ? null : (this.#key(hash)?.budget ?? null);
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

  #one<T>(query: string, ...bindings: string[]): T | null {
    const row = this.#sql.exec<{ body: string }>(query, ...bindings).toArray()[0];
    return row === undefined ? null : (JSON.parse(row.body) as T);
  }
}
