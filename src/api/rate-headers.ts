/**
 * Rates of requests as clients are told of them: `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-11
 * has them, and `Retry-After`.
 *
 * Policies are named by whose they are, `tenant` and `key`. Only requests stand in them: running tasks and tokens refuse no
 * request, they make its task wait, and the draft has no unit for them.
 */
import type { Context } from "hono";
import type { RateReport } from "../tenancy/rate-gate.ts";
import type { QueueRefusal } from "../tenancy/turns.ts";
import type { ApiEnv } from "./api-env.ts";
import { Problem } from "./problem.ts";

/** Seconds that the allowance of a policy is for. */
const WINDOW_S = 60;

/**
 * Tells the caller what its rates leave.
 *
 * @param rate absent: no limit holds, or a market room of the version before was asked
 * @throws Problem rate_limited
 */
export function meter(c: Context<ApiEnv>, rate: RateReport | undefined): void {
  if (rate === undefined) return;
  const { rates, refusal } = rate;
  const policies = rates.map(({ scope, perMinute }) => `"${scope}";q=${perMinute};w=${WINDOW_S}`);
  c.header("RateLimit-Policy", policies.join(", "));
  c.header(
    "RateLimit",
    rates.map(({ scope, left, nextMs }) => `"${scope}";r=${left};t=${seconds(nextMs)}`).join(", "),
  );
  if (refusal === null) return;
  throw new Problem("rate_limited", {
    headers: { "Retry-After": String(seconds(refusal.retryAfterMs)) },
    details: { scope: refusal.scope },
  });
}

export function queueProblem({ queued, retryAfterMs }: QueueRefusal): Problem {
  const headers = { "Retry-After": String(seconds(retryAfterMs)) };
  return new Problem("queue_full", { headers, details: { queued } });
}

/** Never too early: rounded up. */
const seconds = (ms: number): number => Math.ceil(ms / 1_000);
