/** Rate limits as clients write and read them; null for no limit. */
import { z } from "zod";
import { DEFAULT_TENANT_LIMITS, type RateLimits } from "../market/rate-limit.ts";
import type { LimitsUse, LimitsView } from "../tenancy/limits-api.ts";

const MAX_REQUESTS = 10_000_000;
const MAX_TOKENS = 1_000_000_000;
const MAX_TASKS = 10_000;

const limit = (max: number) => z.int().min(1).max(max).nullable().default(null);
const rates = {
  requestsPerMinute: limit(MAX_REQUESTS),
  concurrentTasks: limit(MAX_TASKS),
  tokensPerMinute: limit(MAX_TOKENS),
};

/** What is absent is not limited. */
export const keyLimitsSchema = z.strictObject(rates);
/** As a whole: what is absent is as it was before anything was set. */
export const tenantLimitsSchema = z.strictObject({
  ...rates,
  maxQueued: z.int().min(0).max(MAX_TASKS).default(DEFAULT_TENANT_LIMITS.maxQueued),
  maxTraces: limit(MAX_TASKS),
});

export function limitsUseJson({ tenant, key }: LimitsView) {
  const { traces, tracesWaiting, tracePlaces } = tenant;
  return {
    object: "limits",
    tenant: { ...useJson(tenant), maxTraces: tracePlaces, traces, tracesWaiting },
    key: key === null ? null : useJson(key),
  };
}

function useJson<Limits extends RateLimits>({ limits, left, running, waiting }: LimitsUse<Limits>) {
  return { ...limits, left, running, waiting };
}
