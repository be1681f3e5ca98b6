/**
 * The tenant's API keys: their hashes, what they may do, and when they end. No decisions here.
 *
 * What the object read of a key is remembered, and is never out of date: every change goes through this object.
 * Whether a key has expired is asked of the clock each time.
 */
import { keyState, type KeyScope, type KeyTimes } from "../market/key-scope.ts";
import type { KeyId } from "../market/ids.ts";
import type { Budget } from "../market/ledger/budget.ts";
import type { RateLimits } from "../market/rate-limit.ts";

export const KEY_SCHEMA = `
ALTER TABLE keys ADD COLUMN scopes TEXT NOT NULL DEFAULT 'tasks read admin';
ALTER TABLE keys ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN expires_at_ms INTEGER;
ALTER TABLE keys ADD COLUMN revoked_at_ms INTEGER;
ALTER TABLE keys ADD COLUMN last_used_at_ms INTEGER;
UPDATE keys SET account = key_id;
`;

/** Keys by their ids, which are in order of time; by their accounts; and those that stand. */
export const KEY_INDEXES = `
CREATE INDEX keys_id ON keys (key_id);
CREATE INDEX keys_account ON keys (account);
CREATE INDEX keys_standing ON keys (expires_at_ms) WHERE revoked_at_ms IS NULL;
`;

/** A key that is used all the time is written down once in so long: a read is not to be a write. */
const NOTE_USE_MS = 60_000;

export interface StoredKey extends KeyTimes {
  readonly keyId: KeyId;
  /** SHA-256, lower-case hexadecimal. */
  readonly hash: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** Whose budget and books its spending stands in: its own, or that of the key that it succeeded. */
  readonly account: KeyId;
  /** Of the account; null: the tenant's alone holds. */
  readonly budget: Budget | null;
  /** Of the account; null: the tenant's alone hold. */
  readonly limits: RateLimits | null;
  readonly createdAtMs: number;
  /** At most a minute behind; null: never. */
  readonly lastUsedAtMs: number | null;
}

export interface KeyPage {
  /** The last key of the page before; empty: from the first one on. */
  readonly after: string;
  readonly limit: number;
}

interface KeyRow extends Record<string, SqlStorageValue> {
  hash: string;
  key_id: string;
  name: string;
  created_at_ms: number;
  budget: string | null;
  limits: string | null;
  scopes: string;
  account: string;
  expires_at_ms: number | null;
  revoked_at_ms: number | null;
  last_used_at_ms: number | null;
}

export class KeyStore {
  readonly #sql: SqlStorage;
  readonly #known = new Map<string, StoredKey>();

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#known.clear();
  }

  /** A hash that is there already stays as it is. */
  add(key: StoredKey): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO keys (hash, key_id, name, created_at_ms, budget, limits, scopes, account, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      key.hash,
      key.keyId,
      key.name,
      key.createdAtMs,
      key.budget === null ? null : JSON.stringify(key.budget),
      key.limits === null ? null : JSON.stringify(key.limits),
      key.scopes.join(" "),
      key.account,
      key.expiresAtMs,
    );
  }

  /** The key with this hash while it stands; null: it opens nothing. Notes that it was used. */
  use(hash: string, nowMs: number): StoredKey | null {
    const key = this.#known.get(hash) ?? this.#read("hash", hash);
    if (key === null || keyState(key, nowMs) !== "active") return null;
    if (key.lastUsedAtMs !== null && nowMs - key.lastUsedAtMs < NOTE_USE_MS) {
      this.#known.set(hash, key);
      return key;
    }
    this.#sql.exec("UPDATE keys SET last_used_at_ms = ? WHERE hash = ?", nowMs, hash);
    const used = { ...key, lastUsedAtMs: nowMs };
    this.#known.set(hash, used);
    return used;
  }

  find(keyId: KeyId): StoredKey | null {
    return this.#read("key_id", keyId);
  }

  /** Oldest first, from after this one on; also those that have ended. */
  page({ after, limit }: KeyPage): StoredKey[] {
    const query = "SELECT * FROM keys WHERE key_id > ? ORDER BY key_id LIMIT ?";
    return this.#sql.exec<KeyRow>(query, after, limit).toArray().map(keyOf);
  }

  /** Keys that have not ended, but at most so many: no more are looked at. */
  countStanding(nowMs: number, most: number): number {
    return this.#sql
      .exec<{ n: number }>(
        // In two parts, so that those that have expired are not looked at either.
        `SELECT count(*) AS n FROM (SELECT 1 FROM keys WHERE revoked_at_ms IS NULL AND expires_at_ms IS NULL
         UNION ALL SELECT 1 FROM keys WHERE revoked_at_ms IS NULL AND expires_at_ms > ? LIMIT ?)`,
        nowMs,
        most,
      )
      .one().n;
  }

  putTimes({ keyId, hash, expiresAtMs, revokedAtMs }: StoredKey): void {
    const update = "UPDATE keys SET expires_at_ms = ?, revoked_at_ms = ? WHERE key_id = ?";
    this.#sql.exec(update, expiresAtMs, revokedAtMs, keyId);
    this.#known.delete(hash);
  }

  /** Null: what is spent in this account has no limit of its own, or there is no such account. */
  budget(account: KeyId): Budget | null {
    return this.#ofAccount(account)?.budget ?? null;
  }

  /** Null: as for the budget. */
  limits(account: KeyId): RateLimits | null {
    return this.#ofAccount(account)?.limits ?? null;
  }

  /** Any key of the account: they share what is the account's. */
  #ofAccount(account: KeyId): StoredKey | null {
    for (const key of this.#known.values()) if (key.account === account) return key;
    return this.#read("account", account);
  }

  #read(column: "hash" | "key_id" | "account", value: string): StoredKey | null {
    const query = `SELECT * FROM keys WHERE ${column} = ? LIMIT 1`;
    const row = this.#sql.exec<KeyRow>(query, value).toArray()[0];
    return row === undefined ? null : keyOf(row);
  }
}

function keyOf(row: KeyRow): StoredKey {
  return {
    keyId: row.key_id as KeyId,
    hash: row.hash,
    name: row.name,
    scopes: row.scopes.split(" ") as KeyScope[],
    account: row.account as KeyId,
    budget: row.budget === null ? null : (JSON.parse(row.budget) as Budget),
    limits: row.limits === null ? null : (JSON.parse(row.limits) as RateLimits),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    revokedAtMs: row.revoked_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
  };
}
