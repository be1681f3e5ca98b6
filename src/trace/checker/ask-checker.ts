/**
 * A result on its way to its tenant's own checker. The try is committed before it is sent, and what came of it after:
 * whatever dies between, the checker is asked again under the same id, a bounded number of times.
 */
import { raceAbort } from "../../async/race-abort.ts";
import type { HeartbeatAbort } from "../../auction/heartbeat.ts";
import type { VerifierSpec } from "../../market/verifier-spec.ts";
import type { VerifierSecretApi } from "../../tenancy/verifier-secrets.ts";
import { newSigningSecret } from "../../tenancy/webhooks/signing-secret.ts";
import { mayGoOn } from "../may-go-on.ts";
import { newOutcomeToken } from "./outcome-token.ts";
import type { TraceRun } from "../trace-run.ts";

type HttpSpec = Extract<VerifierSpec, { readonly type: "http" }>;

export async function askChecker(trace: TraceRun, verifier: HttpSpec, result: string): Promise<void> {
  const { deps, desk, room, generation, heartbeat } = trace;
  const market = deps.config.marketRoom<VerifierSecretApi>(desk.tenantId);
  const secrets = await market.verifierSecrets(newSigningSecret());
  // The tenant is being erased: whatever waits ends with it.
  if (secrets === null) return;
  const { token, hash } = await newOutcomeToken(desk.tenantId);
  const begun = await room.beginCheck(generation, hash);
  if (!begun.ok) {
    await mayGoOn(trace, null, begun.failure.answer);
    return;
  }
  const { sinceMs, untilMs, metadata } = begun.value;
  const { taskId, attempt, agent, prompt } = desk;
  const payload = JSON.stringify({
    type: "verification.requested",
    timestamp: new Date(sinceMs).toISOString(),
    data: {
      taskId,
      attempt,
      agentId: agent.id,
      prompt,
      result,
      metadata,
      respondBy: new Date(untilMs).toISOString(),
      callback: { path: `/v1/tasks/${taskId}/outcome`, token },
    },
  });
  const check = { url: verifier.url, id: `${taskId}-${attempt}`, payload, secrets };
  const { signal } = heartbeat;
  const answer = await raceAbort(deps.check(check, signal), signal).catch(() => null);
  if (answer === null || signal.aborted) await mayGoOn(trace, null, signal.reason as HeartbeatAbort);
  else await room.commitCheck(generation, answer);
}
