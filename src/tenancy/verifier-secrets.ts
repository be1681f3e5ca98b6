/**
 * The secret that a tenant's checkers know the house by: of the tenant, not of a task, because what stands in a task
 * stands in its journal and its opening too. Made when it is first wanted; read and rotated by keys of scope `admin`.
 */
import { fail, ok, type Result } from "../market/result.ts";
import { rotateSecret, signingSecrets, type WebhookSecret } from "../market/webhook.ts";
import type { IdempotencyConflict, IdempotentRequest, NamedRequest, Replay } from "./idempotency.ts";
import type { MarketParts } from "./market-parts.ts";
import type { TenantDoc } from "./market-store.ts";

const MS_PER_S = 1_000;

/** `by`: SHA-256 of the key that asks. `secret`: a new one, for where one is to be made. */
export type VerifierSecretOrder = { readonly by: string; readonly secret: string } & (
  | { readonly kind: "read" }
  | { readonly kind: "rotate"; readonly overlapS: number; readonly idempotency: IdempotentRequest | null }
);

export interface VerifierSecretView {
  /** The newest, which signs. Null in a replay: it is sealed beside it. */
  readonly secret: string | null;
  /** Until when an older one signs beside it; null: none does. */
  readonly overlapUntilMs: number | null;
  readonly replay: Replay | null;
}

export type VerifierSecretAnswer = Result<
  VerifierSecretView,
  { readonly reason: "unauthenticated" | "forbidden" } | IdempotencyConflict
>;

export interface VerifierSecretApi {
  manageVerifierSecret(order: VerifierSecretOrder): Promise<VerifierSecretAnswer>;
  /** Those that sign now, newest first. @param secret a new one, where there is none yet. Null: there is no such tenant */
  verifierSecrets(secret: string): Promise<readonly string[] | null>;
}

/** @param request the order's Idempotency-Key, completed; null: it has none */
export function manageVerifierSecret(
  parts: MarketParts,
  order: VerifierSecretOrder,
  request: NamedRequest | null,
): VerifierSecretAnswer {
  const held = parts.keyHolder(order.by);
  if (held === null) return fail({ reason: "unauthenticated" });
  if (!held.key.scopes.includes("admin")) return fail({ reason: "forbidden" });
  if (order.kind === "read") {
    const secrets = secretsOf(parts, order.secret);
    return ok({ secret: newest(secrets), overlapUntilMs: overlapOf(secrets), replay: null });
  }
  const once = parts.replays.once(
    { request, scope: held.key.account },
    {
      make: (): Result<number | null, never> => ok(overlapOf(rotate(parts, order))),
      keep: (untilMs) => untilMs,
      again: (untilMs: number | null) => untilMs,
    },
  );
  if (!once.ok) return once;
  const { value: overlapUntilMs, replay = null } = once.value;
  return ok({ secret: replay === null ? order.secret : null, overlapUntilMs, replay });
}

/** Those that sign now; the first is made where there is none. */
export function verifierSecrets(parts: MarketParts, fresh: string): readonly string[] {
  return signingSecrets({ secrets: secretsOf(parts, fresh) }, parts.desk.now());
}

function secretsOf(parts: MarketParts, fresh: string): readonly WebhookSecret[] {
  const { verifierSecrets: known = [], ...tenant } = parts.desk.mustTenant();
  if (known.length > 0) return known;
  return keep(parts, tenant, [{ secret: fresh, untilMs: null }]);
}

function rotate(
  parts: MarketParts,
  { secret, overlapS }: Extract<VerifierSecretOrder, { readonly kind: "rotate" }>,
): readonly WebhookSecret[] {
  const nowMs = parts.desk.now();
  const { verifierSecrets: secrets = [], ...tenant } = parts.desk.mustTenant();
  const times = { nowMs, untilMs: nowMs + overlapS * MS_PER_S };
  return keep(parts, tenant, rotateSecret({ secrets }, secret, times).secrets);
}

function keep(
  parts: MarketParts,
  tenant: TenantDoc,
  secrets: readonly WebhookSecret[],
): readonly WebhookSecret[] {
  parts.store.putTenant({ ...tenant, verifierSecrets: secrets });
  return secrets;
}

function newest([first]: readonly WebhookSecret[]): string {
  if (first === undefined) throw new Error("a tenant without a secret");
  return first.secret;
}

function overlapOf(secrets: readonly WebhookSecret[]): number | null {
  const ends = secrets.map(({ untilMs }) => untilMs).filter((untilMs) => untilMs !== null);
  return ends.length === 0 ? null : Math.max(...ends);
}
