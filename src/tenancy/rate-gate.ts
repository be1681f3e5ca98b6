/**
 * The buckets of a tenant's rates: of requests and of tokens, one for the tenant and one for each account of its keys.
 *
 * Requests are counted in memory alone: a read is not to be a write. An object that restarts grants a minute's requests
 * anew; one that the platform puts to sleep has seen none for longer than its buckets take to fill. Tokens are drawn when
 * they were spent already, and may leave a debt of many minutes: they are stored, in the transaction that books them.
 */
import type { KeyId } from "../market/ids.ts";
import {
  drawFrom,
  FULL_BUCKET,
  leftIn,
  waitForMs,
  type Bucket,
  type BucketTime,
  type RateLimits,
} from "../market/rate-limit.ts";
import { TENANT_SCOPE } from "./spending.ts";

export const BUCKET_SCHEMA = `
CREATE TABLE token_buckets (scope TEXT PRIMARY KEY, owed INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
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

/** Beyond so many accounts, those that have nothing drawn are forgotten. */
const MAX_BUCKETS = 1_024;

export class RateGate {
  readonly #sql: SqlStorage;
  readonly #parts: RateGateParts;
  readonly #requests = new Map<string, Bucket>();
  /** As they are stored. */
  readonly #tokens = new Map<string, Bucket>();

  constructor(parts: RateGateParts) {
    this.#sql = parts.storage.sql;
    this.#parts = parts;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
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
  }

  /** A minute without a draw fills any bucket of requests: it never owes more than a minute's. */
  #forgetFull(nowMs: number): void {
    for (const [id, { atMs }] of this.#requests) if (nowMs - atMs >= 60_000) this.#requests.delete(id);
  }

  #requestsOf(id: string): Bucket {
    return this.#requests.get(id) ?? FULL_BUCKET;
  }

  /** Call it in the transaction that books the calls. Nothing is written where nothing is limited. */
  drawTokens(account: KeyId | null, tokens: number): void {
    if (tokens === 0) return;
    for (const { id, time } of this.#limited(account, "tokensPerMinute")) {
      const drawn = drawFrom(this.#tokensOf(id), tokens, time);
      this.#sql.exec(
        "INSERT OR REPLACE INTO token_buckets (scope, owed, at_ms) VALUES (?, ?, ?)",
        id,
        drawn.owed,
        drawn.atMs,
      );
      this.#tokens.set(id, drawn);
    }
  }

  /** Until the tokens that were spent beyond the limit are refilled; null account: of the tenant alone. */
  debtMs(account: KeyId | null): number {
    const limited = this.#limited(account, "tokensPerMinute");
    return Math.max(0, ...limited.map(({ id, time }) => waitForMs(this.#tokensOf(id), 0, time)));
  }

  #tokensOf(id: string): Bucket {
    const known = this.#tokens.get(id);
    if (known !== undefined) return known;
    const query = "SELECT owed, at_ms FROM token_buckets WHERE scope = ?";
    const row = this.#sql.exec<{ owed: number; at_ms: number }>(query, id).toArray()[0];
    const bucket = row === undefined ? FULL_BUCKET : { owed: row.owed, atMs: row.at_ms };
    this.#tokens.set(id, bucket);
    return bucket;
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
