/**
 * The buckets of a tenant's rates: of requests and of tokens, one for the tenant and one for each account of its keys.
 *
 * Requests are counted in memory: a read is not to be a write. But the platform puts an object to sleep after ten seconds
 * without a request, and its memory is gone. So a part of a minute's requests is written down before they come: an object
 * that wakes or restarts grants up to that part less, and never more. Tokens are drawn when they were spent already, and
 * may leave a debt of many minutes: they are stored, in the transaction that books them.
 */
import type { KeyId } from "../market/ids.ts";
import {
  drawFrom,
  FULL_BUCKET,
  leftIn,
  owedAt,
  waitForMs,
  type Bucket,
  type BucketTime,
  type RateLimits,
} from "../market/rate-limit.ts";
import { TENANT_SCOPE } from "./spending.ts";

export const BUCKET_SCHEMA = `
CREATE TABLE token_buckets (scope TEXT PRIMARY KEY, owed INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

export const REQUEST_SCHEMA = `
CREATE TABLE request_buckets (scope TEXT PRIMARY KEY, owed INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Whose limit it is. */
export type RateScope = "tenant" | "key";

/** A limit of requests as it stands after one. */
export interface RequestRate {
  readonly scope: RateScope;
  readonly perMinute: number;
  readonly left: number;
  /** Until the next one comes to what is left. */
  readonly nextMs: number;
}

/** What a request is told of its rates. */
export interface RateReport {
  readonly rates: readonly RequestRate[];
  /** Null: it is let through. */
  readonly refusal: { readonly scope: RateScope; readonly retryAfterMs: number } | null;
}

export interface RateGateParts {
  readonly storage: DurableObjectStorage;
  readonly now: () => number;
  /** Null account: the tenant's own. Null: without limits. */
  readonly limits: (account: KeyId | null) => RateLimits | null;
}

/** Of a minute's requests, this part is written down ahead: less than ten seconds refill. */
const AHEAD = 0.1;

/** Beyond so many accounts, those that have nothing drawn are forgotten. */
const MAX_BUCKETS = 1_024;

type Table = "request_buckets" | "token_buckets";

export class RateGate {
  readonly #sql: SqlStorage;
  readonly #parts: RateGateParts;
  readonly #requests = new Map<string, Bucket>();
  /** As they are stored: each owes at least as much as the one that is counted. */
  readonly #written = new Map<string, Bucket>();
  /** As they are stored. */
  readonly #tokens = new Map<string, Bucket>();

  constructor(parts: RateGateParts) {
    this.#sql = parts.storage.sql;
    this.#parts = parts;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#written.clear();
    this.#tokens.clear();
  }

  /**
   * Draws one request from the tenant's bucket and the account's, or from neither.
   *
   * @returns null where neither has a limit
   */
  request(account: KeyId): RateReport | null {
    const limited = this.#limited(account, "requestsPerMinute");
    if (limited.length === 0) return null;
    const waits = limited.map(({ scope, id, time }) => {
      return { scope, retryAfterMs: waitForMs(this.#requestsOf(id), 1, time) };
    });
    const refusal = waits.reduce((a, b) => (b.retryAfterMs > a.retryAfterMs ? b : a));
    const isRefused = refusal.retryAfterMs > 0;
    if (!isRefused) for (const { id, time } of limited) this.#drawRequest(id, time);
    const rates = limited.map(({ scope, id, time }) => this.#rate(scope, this.#requestsOf(id), time));
    return { rates, refusal: isRefused ? refusal : null };
  }

  #rate(scope: RateScope, bucket: Bucket, time: BucketTime): RequestRate {
    const left = Math.max(0, leftIn(bucket, time));
    const more = Math.min(left + 1, time.perMinute);
    return { scope, perMinute: time.perMinute, left, nextMs: waitForMs(bucket, more, time) };
  }

  #drawRequest(id: string, time: BucketTime): void {
    const drawn = drawFrom(this.#requestsOf(id), 1, time);
    if (this.#requests.size >= MAX_BUCKETS) this.#forgetFull(time.nowMs);
    this.#requests.set(id, drawn);
    if (owedAt(this.#writtenOf(id), time) >= owedAt(drawn, time)) return;
    // Beyond what is left, nobody comes.
    const ahead = Math.min(Math.ceil(AHEAD * time.perMinute) - 1, Math.max(0, leftIn(drawn, time)));
    this.#write("request_buckets", id, drawFrom(drawn, ahead, time));
  }

  /** A minute without a draw fills any bucket of requests: it never owes more than a minute's. */
  #forgetFull(nowMs: number): void {
    for (const [id, { atMs }] of this.#requests) {
      if (nowMs - atMs < 60_000) continue;
      this.#requests.delete(id);
      this.#written.delete(id);
    }
  }

  #requestsOf(id: string): Bucket {
    return this.#requests.get(id) ?? this.#writtenOf(id);
  }

  #writtenOf(id: string): Bucket {
    return this.#stored("request_buckets", id);
  }

  /** Call it in the transaction that books the calls. Nothing is written where nothing is limited. */
  drawTokens(account: KeyId | null, tokens: number): void {
    if (tokens === 0) return;
    for (const { id, time } of this.#limited(account, "tokensPerMinute")) {
      this.#write("token_buckets", id, drawFrom(this.#tokensOf(id), tokens, time));
    }
  }

  /** Until the tokens that were spent beyond the limit are refilled; null account: of the tenant alone. */
  debtMs(account: KeyId | null): number {
    const limited = this.#limited(account, "tokensPerMinute");
    return Math.max(0, ...limited.map(({ id, time }) => waitForMs(this.#tokensOf(id), 0, time)));
  }

  #tokensOf(id: string): Bucket {
    return this.#stored("token_buckets", id);
  }

  #stored(table: Table, id: string): Bucket {
    const remembered = this.#rememberedOf(table);
    const known = remembered.get(id);
    if (known !== undefined) return known;
    const query = `SELECT owed, at_ms FROM ${table} WHERE scope = ?`;
    const row = this.#sql.exec<{ owed: number; at_ms: number }>(query, id).toArray()[0];
    const bucket = row === undefined ? FULL_BUCKET : { owed: row.owed, atMs: row.at_ms };
    remembered.set(id, bucket);
    return bucket;
  }

  #write(table: Table, id: string, bucket: Bucket): void {
    const put = `INSERT OR REPLACE INTO ${table} (scope, owed, at_ms) VALUES (?, ?, ?)`;
    this.#sql.exec(put, id, bucket.owed, bucket.atMs);
    this.#rememberedOf(table).set(id, bucket);
  }

  #rememberedOf(table: Table): Map<string, Bucket> {
    return table === "token_buckets" ? this.#tokens : this.#written;
  }

  /** What is left, of the tenant (null) or of an account; null: no limit. Tokens are below 0 while there is a debt. */
  left(account: KeyId | null): { readonly requests: number | null; readonly tokens: number | null } {
    const limits = this.#parts.limits(account);
    const [id, nowMs] = [account ?? TENANT_SCOPE, this.#parts.now()];
    const of = (perMinute: number | null, bucket: Bucket) =>
      perMinute === null ? null : leftIn(bucket, { perMinute, nowMs });
    return {
      requests: of(limits?.requestsPerMinute ?? null, this.#requestsOf(id)),
      tokens: of(limits?.tokensPerMinute ?? null, this.#tokensOf(id)),
    };
  }

  #limited(account: KeyId | null, limit: "requestsPerMinute" | "tokensPerMinute") {
    const nowMs = this.#parts.now();
    return ([null, ...(account === null ? [] : [account])] as const).flatMap((one) => {
      const perMinute = this.#parts.limits(one)?.[limit] ?? null;
      const scope: RateScope = one === null ? "tenant" : "key";
      return perMinute === null ? [] : [{ scope, id: one ?? TENANT_SCOPE, time: { perMinute, nowMs } }];
    });
  }
}
