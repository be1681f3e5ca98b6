/**
 * Rate limits of a tenant and of its keys, and the token buckets that they are measured by. Pure: the clock is passed in.
 *
 * A bucket takes a minute's allowance and fills evenly. What was drawn is kept, not what is left: so a changed limit holds
 * at once, and a bucket that nobody has drawn from for a minute is as one that was never drawn from. Within any time, at
 * most a minute's allowance is drawn beyond what that time refills.
 */

/** Null: no limit. */
export interface RateLimits {
  readonly requestsPerMinute: number | null;
  /** Tasks whose auction or trace is under way. */
  readonly concurrentTasks: number | null;
  /** Input and output tokens of all model calls. */
  readonly tokensPerMinute: number | null;
}

export interface TenantLimits extends RateLimits {
  /** Tasks that may wait: for their auction, or with their award for their trace. */
  readonly maxQueued: number;
  /** Traces that run at a time; null: as many as the deployment allows a tenant. */
  readonly maxTraces: number | null;
}

export const NO_RATE_LIMITS: RateLimits = {
  requestsPerMinute: null,
  concurrentTasks: null,
  tokensPerMinute: null,
};
export const DEFAULT_TENANT_LIMITS: TenantLimits = { ...NO_RATE_LIMITS, maxQueued: 1_000, maxTraces: null };

const MINUTE_MS = 60_000;

/** All whole numbers, so that nothing is lost to rounding. */
export interface Bucket {
  /** Drawn and not yet refilled, in 1/60,000 of a unit: a limit of one per minute refills one of them in a millisecond. */
  readonly owed: number;
  readonly atMs: number;
}

export const FULL_BUCKET: Bucket = { owed: 0, atMs: 0 };

/** The moment at which a bucket is looked at, and how fast it fills. */
export interface BucketTime {
  /** Units, at least 1. */
  readonly perMinute: number;
  readonly nowMs: number;
}

/** What is drawn and not yet refilled, in the bucket's own measure. A clock that was set back refills nothing. */
export function owedAt({ owed, atMs }: Bucket, { perMinute, nowMs }: BucketTime): number {
  return Math.max(0, owed - Math.max(0, nowMs - atMs) * perMinute);
}

/** Takes whole units out, also more than there are: then nothing is left until the debt is refilled. */
export function drawFrom(bucket: Bucket, units: number, time: BucketTime): Bucket {
  return { owed: owedAt(bucket, time) + units * MINUTE_MS, atMs: Math.max(bucket.atMs, time.nowMs) };
}

/** Whole units; below 0 where more was drawn than there was. */
export function leftIn(bucket: Bucket, time: BucketTime): number {
  return Math.floor((time.perMinute * MINUTE_MS - owedAt(bucket, time)) / MINUTE_MS);
}

/** Milliseconds until so many units, at most a minute's, are in the bucket; 0: they are. */
export function waitForMs(bucket: Bucket, units: number, time: BucketTime): number {
  const missing = owedAt(bucket, time) + (units - time.perMinute) * MINUTE_MS;
  return Math.max(0, Math.ceil(missing / time.perMinute));
}
