/** `/v1/verifier-secret`: what a tenant's checkers verify the house's requests with. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Config } from "../config.ts";
import { MAX_OVERLAP_S } from "../market/key-scope.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type {
  VerifierSecretAnswer,
  VerifierSecretOrder,
  VerifierSecretView,
} from "../tenancy/verifier-secrets.ts";
import { newSigningSecret } from "../tenancy/webhooks/signing-secret.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, parsedOf, unauthenticated } from "./credentials.ts";
import { sha256Hex } from "./digest.ts";
import { idempotencyOf, markReplayed, secretOf, withSecret } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { readBody } from "./request-body.ts";

const DEFAULT_OVERLAP_S = 24 * 60 * 60;
/** Of a secret's digest: enough to tell two of a tenant's apart. */
const ID_CHARS = 16;

const rotationSchema = z.strictObject({
  /** How long the old secret signs beside the new one. */
  overlapS: z.int().min(0).max(MAX_OVERLAP_S).default(DEFAULT_OVERLAP_S),
});

export function verifierSecretRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/", async (c) => {
      const { secret, overlapUntilMs } = await managed(c, config, {
        kind: "read",
        secret: newSigningSecret(),
      });
      return c.json(await shown(secret ?? "", overlapUntilMs));
    })
    .post("/rotate", async (c) => rotate(c, config));
}

async function rotate(c: Context<ApiEnv>, config: Config): Promise<Response> {
  const made = newSigningSecret();
  const { value, idempotency } = await parsedOf(c, { config, scope: "admin" }, async () => {
    const { value: rotation, text } = await readBody(c, rotationSchema);
    return { value: rotation, idempotency: await withSecret(c, await idempotencyOf(c, text), made) };
  });
  const order = { kind: "rotate", secret: made, ...value, idempotency } as const;
  const { overlapUntilMs, replay } = await managed(c, config, order);
  if (replay !== null) markReplayed(c);
  return c.json(await shown(await secretOf(c, idempotency, { made, replay }), overlapUntilMs));
}

async function shown(secret: string, overlapUntilMs: number | null): Promise<object> {
  const id = (await sha256Hex(secret)).slice(0, ID_CHARS);
  const overlapUntil = overlapUntilMs === null ? null : new Date(overlapUntilMs).toISOString();
  return { object: "verifier_secret", id, secret, overlapUntil };
}

type Unsigned<O> = O extends VerifierSecretOrder ? Omit<O, "by"> : never;

/** @throws Problem where the room refuses */
async function managed(
  c: Context<ApiEnv>,
  config: Config,
  order: Unsigned<VerifierSecretOrder>,
): Promise<VerifierSecretView> {
  const { tenantId, keyHash } = await authorizedCaller(c, config, "admin");
  const room = config.marketRoom<MarketRoomApi>(tenantId);
  const answer: VerifierSecretAnswer = await room.manageVerifierSecret({ ...order, by: keyHash });
  if (answer.ok) return answer.value;
  const { reason } = answer.failure;
  throw reason === "unauthenticated" ? unauthenticated() : new Problem(reason);
}
