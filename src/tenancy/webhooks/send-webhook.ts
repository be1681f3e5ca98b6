/** One attempt at a delivery: signed, sent, and what came of it. Nothing of the answer is kept but its status. */
import { Webhook as Signer } from "standardwebhooks";
import type { Attempt, AttemptError, DeliveryReport } from "../../market/delivery.ts";
import type { Resolve } from "../resolve-host.ts";
import type { ClaimedDeliveries } from "./webhook-api.ts";
import { forbiddenNow } from "./webhook-address.ts";

/** For the connection and the head of the answer. With the name's resolution it stays within `ATTEMPT_MS`. */
export const RESPONSE_MS = 15_000;
/** Statuses with which a receiver says when it wants to be asked again. */
const ASKS_FOR_TIME = new Set([429, 503]);

export interface SendDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly resolve: Resolve;
  /** Origins that need not be public. */
  readonly allow: readonly string[];
  readonly now: () => number;
  /** Default: `RESPONSE_MS`. */
  readonly timeoutMs?: number;
}

/** Sends what was claimed side by side; where the address may not be called, all have failed without being sent. */
export async function sendDeliveries(deps: SendDeps, claimed: ClaimedDeliveries): Promise<DeliveryReport[]> {
  const atMs = deps.now();
  const forbidden = await forbiddenNow(claimed.url, deps).catch(() => "unresolved" as const);
  return Promise.all(
    claimed.deliveries.map(async (delivery) => {
      const { deliveryId, claim, run } = delivery;
      const sent =
        forbidden === null
          ? await send(deps, claimed, delivery)
          : { attempt: { atMs, ms: deps.now() - atMs, status: null, error: forbidden }, retryAfterMs: null };
      return { deliveryId, url: claimed.url, claim, run, ...sent };
    }),
  );
}

type Sent = Pick<DeliveryReport, "attempt" | "retryAfterMs">;

async function send(
  deps: SendDeps,
  { url, secrets }: ClaimedDeliveries,
  { deliveryId, payload }: ClaimedDeliveries["deliveries"][number],
): Promise<Sent> {
  const atMs = deps.now();
  const ended = (status: number | null, error: AttemptError | null): Attempt => ({
    atMs,
    ms: deps.now() - atMs,
    status,
    error,
  });
  const timeout = AbortSignal.timeout(deps.timeoutMs ?? RESPONSE_MS);
  try {
    const response = await deps.fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "User-Agent": "Saleroom-Webhooks/1",
        "webhook-id": deliveryId,
        "webhook-timestamp": String(Math.floor(atMs / 1_000)),
        "webhook-signature": secrets
          .map((secret) => new Signer(secret).sign(deliveryId, new Date(atMs), payload))
          .join(" "),
      },
      body: payload,
      redirect: "manual",
      signal: timeout,
    });
    // It has answered: what becomes of the rest of its answer is nobody's.
    await response.body?.cancel().catch(() => undefined);
    const { status } = response;
    return { attempt: ended(status, errorOf(status)), retryAfterMs: retryAfterMs(response, deps.now()) };
  } catch {
    return { attempt: ended(null, timeout.aborted ? "timeout" : "unreachable"), retryAfterMs: null };
  }
}

function errorOf(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? "redirect" : "status";
}

/** RFC 9110 section 10.2.3: seconds, or a date. Null: nothing that is understood. */
function retryAfterMs({ status, headers }: Response, nowMs: number): number | null {
  const text = headers.get("Retry-After")?.trim() ?? "";
  if (!ASKS_FOR_TIME.has(status) || text === "") return null;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : null;
}
