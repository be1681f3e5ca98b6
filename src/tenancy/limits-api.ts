/** What the market room tells of its tenant's rate limits, and how they are set. */
import type { RateLimits, TenantLimits } from "../market/rate-limit.ts";
import type { MarketParts } from "./market-parts.ts";

/** Limits, and what they leave. */
export interface LimitsUse<Limits extends RateLimits = RateLimits> {
  readonly limits: Limits;
  /** Requests and tokens that are left; null: no limit. Tokens are below 0 while more was spent than refilled. */
  readonly left: { readonly requests: number | null; readonly tokens: number | null };
  /** Tasks whose auction or trace is under way. */
  readonly running: number;
  /** Tasks that wait for their auction. */
  readonly waiting: number;
}

export interface LimitsView {
  readonly tenant: LimitsUse<TenantLimits> & {
    /** Places that hold now: its own, or as many as the deployment allows a tenant. */
    readonly tracePlaces: number;
    readonly traces: number;
    /** Awarded tasks whose trace waits for a place. */
    readonly tracesWaiting: number;
  };
  /** Of the key that asks; null: the operator does, or it has none of its own. */
  readonly key: LimitsUse | null;
}

export interface LimitsApi {
  /**
   * Null where there is no such tenant, or no such key.
   *
   * @param keyHash of the key that asks; null: the operator does
   */
  readLimits(keyHash: string | null): Promise<LimitsView | null>;
  /** Effective at once, also for what waits; what is under way goes on. False where there is no such tenant. */
  setLimits(limits: TenantLimits): Promise<boolean>;
}

export function readLimits(parts: MarketParts, keyHash: string | null): LimitsView | null {
  const tenant = parts.tenant();
  if (tenant === null) return null;
  const key = keyHash === null ? null : parts.keyHolder(keyHash)?.key;
  if (key === undefined) return null;
  const { open } = parts.store.tasks;
  const keyUse = () => {
    if (key === null || key.limits === null) return null;
    const { account, limits } = key;
    const waiting = open.countOf("waiting", account);
    return { limits, left: parts.rates.left(account), running: open.runningOf(account), waiting };
  };
  return {
    tenant: {
      limits: tenant.limits,
      left: parts.rates.left(null),
      running: open.running(),
      waiting: open.count("waiting"),
      tracePlaces: parts.desk.turns.maxTraces(),
      traces: open.count("tracing"),
      tracesWaiting: open.count("held-back"),
    },
    key: keyUse(),
  };
}
