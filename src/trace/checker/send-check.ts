/**
 * Asks a tenant's own checker about a result: one signed request, and what came of it. Public addresses only, as for
 * webhooks; redirects are not followed, and of the answer no more is read than a verdict takes.
 */
import { Webhook as Signer } from "standardwebhooks";
import { z } from "zod";
import { verdictOutcomeSchema } from "../../market/verifier-spec.ts";
import type { CheckResult } from "../../taskroom/waiting.ts";
import type { Resolve } from "../../tenancy/resolve-host.ts";
import { forbiddenNow } from "../../tenancy/webhooks/webhook-address.ts";
import { boundText } from "../tools/bound-text.ts";
import { readBytes } from "../tools/read-bytes.ts";

/** For the whole exchange. Whoever needs longer answers 202, and tells the outcome later. */
export const CHECK_MS = 30_000;
export const MAX_ANSWER_BYTES = 65_536;
const MAX_EVIDENCE_BYTES = 4_096;

export interface CheckerDeps {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly resolve: Resolve;
  /** Origins that need not be public. */
  readonly allow: readonly string[];
  readonly now: () => number;
  /** Default: `CHECK_MS`. */
  readonly timeoutMs?: number;
}

export interface Check {
  readonly url: string;
  /** The same with every try. */
  readonly id: string;
  readonly payload: string;
  /** Newest first; each signs. */
  readonly secrets: readonly string[];
}

const answerSchema = z.object({ outcome: verdictOutcomeSchema, evidence: z.string().nullish() });

/** Never rejects. @param signal ends the exchange when it aborts */
export async function sendCheck(deps: CheckerDeps, check: Check, signal: AbortSignal): Promise<CheckResult> {
  const forbidden = await forbiddenNow(check.url, deps).catch(() => "unresolved" as const);
  if (forbidden !== null) return failed(FORBIDDEN[forbidden]);
  const timeout = AbortSignal.timeout(deps.timeoutMs ?? CHECK_MS);
  try {
    const response = await deps.fetch(check.url, {
      method: "POST",
      headers: headersOf(check, deps.now()),
      body: check.payload,
      redirect: "manual",
      signal: AbortSignal.any([timeout, signal]),
    });
    return await answerOf(response);
  } catch {
    return failed(
      timeout.aborted
        ? `it did not answer within ${(deps.timeoutMs ?? CHECK_MS) / 1_000} s`
        : "it could not be reached, or broke off",
    );
  }
}

const FORBIDDEN = {
  not_public: "its address is not the public internet's",
  unresolved: "its name has no address, or nobody could be asked",
} as const;

function headersOf({ id, payload, secrets }: Check, atMs: number): Record<string, string> {
  return {
    "Content-Type": "application/json",
    Accept: "application/json",
    "User-Agent": "Saleroom-Verifier/1",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(atMs / 1_000)),
    "webhook-signature": secrets
      .map((secret) => new Signer(secret).sign(id, new Date(atMs), payload))
      .join(" "),
  };
}

async function answerOf(response: Response): Promise<CheckResult> {
  const { status } = response;
  if (status !== 200) {
    await response.body?.cancel().catch(() => undefined);
    if (status === 202) return { kind: "accepted" };
    const isRedirect = status >= 300 && status < 400;
    return failed(`it answered ${status}${isRedirect ? ", and redirects are not followed" : ""}`);
  }
  const { bytes, cut } = await readBytes(response, MAX_ANSWER_BYTES);
  if (cut) return failed(`its answer was longer than ${MAX_ANSWER_BYTES} bytes`);
  const parsed = answerSchema.safeParse(jsonOf(bytes));
  if (!parsed.success) return failed('its answer was not JSON with an "outcome" of pass, fail or unknown');
  const { outcome, evidence } = parsed.data;
  const said = evidence ?? "";
  return {
    kind: "decided",
    outcome,
    evidence: said === "" ? "told by the checker" : boundText(said, MAX_EVIDENCE_BYTES, "\n[cut at 4 KiB]"),
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}

function failed(reason: string): CheckResult {
  return { kind: "failed", reason };
}
