/** A tenant's policy: as its keys see it, and the operator's side: what weights can be fitted to, and new versions. */
import { Hono } from "hono";
import { z } from "zod";
import { MAX_TRAINING_PAGE, readTraining } from "../history/read-training.ts";
import { AGENT_ID_PATTERN, parseId, type AgentId, type AuctionId, type TenantId } from "../market/ids.ts";
import { ERROR_TABLE } from "../market/error-table.ts";
import { MAX_POLICY_NAME_CHARS } from "../market/policy-name.ts";
import type { MarketRoomApi, PolicyRefusal, TenantPolicy } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, requireOperator } from "./credentials.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";

const weight = z.number().min(0).max(1_000_000);
const weightsSchema = z.strictObject({
  cost: weight,
  entropy: weight,
  jurors: z.record(
    z
      .string()
      .regex(AGENT_ID_PATTERN)
      .transform((id) => id as AgentId),
    weight,
  ),
});
/** Figures of the fit that weights come from; kept beside them. */
const fitSchema = z.record(z.string(), z.unknown());
/** What is absent stays as it is; null takes weights away. */
const policySchema = z.strictObject({
  name: z.string().min(1).max(MAX_POLICY_NAME_CHARS).exactOptional(),
  weights: weightsSchema.nullable().exactOptional(),
  fit: fitSchema.nullable().exactOptional(),
  meanWeights: weightsSchema.nullable().exactOptional(),
  meanFit: fitSchema.nullable().exactOptional(),
});
const auctionId = z.string().transform((text, context): AuctionId => {
  const id = parseId("auc", text);
  if (id !== null) return id;
  context.addIssue("not the id of an auction");
  return z.NEVER;
});
const trainingQuerySchema = z.strictObject({
  cursor: auctionId.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_TRAINING_PAGE).default(MAX_TRAINING_PAGE),
});

export function policyRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/:id/training", async (c) => {
      await requireOperator(c, config);
      const tenantId = tenantOf(c.req.param("id"));
      const query = readQuery(c, trainingQuerySchema);
      const { policy } = known(await config.marketRoom<MarketRoomApi>(tenantId).readPolicy());
      const page = await readTraining(config.db, { tenantId, ...query });
      return c.json({ ...page, weights: policy.weights });
    })
    .get("/:id/policy", async (c) => {
      await requireOperator(c, config);
      const tenantId = tenantOf(c.req.param("id"));
      return c.json(policyJson(await config.marketRoom<MarketRoomApi>(tenantId).readPolicy()));
    })
    .put("/:id/policy", async (c) => {
      await requireOperator(c, config);
      const { value } = await readBody(c, policySchema);
      const tenantId = tenantOf(c.req.param("id"));
      const set = await config.marketRoom<MarketRoomApi>(tenantId).setPolicy(value);
      if (set.ok) return c.json(policyJson(set.value));
      if (set.failure.reason === "unknown_tenant") throw new Problem("tenant_not_found");
      throw policyProblem(set.failure, "name");
    });
}

/** `/v1/policy`: what the caller's next auction runs under, unless its task names another policy. */
export function ownPolicyRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().get("/", async (c) => {
    const { tenantId } = await authorizedCaller(c, config, "read");
    return c.json(policyJson(await config.marketRoom<MarketRoomApi>(tenantId).readPolicy()));
  });
}

/** A policy's name that means nothing here; `path` is where the client wrote it. */
export function policyProblem(refusal: PolicyRefusal, path: string): Problem {
  const message = refusal.reason === "unknown_policy" ? refusal.issue : ERROR_TABLE[refusal.reason].message;
  return new Problem(refusal.reason, { issues: [{ path, message }] });
}

function known(found: TenantPolicy | null): TenantPolicy {
  if (found === null) throw new Problem("tenant_not_found");
  return found;
}

function policyJson(found: TenantPolicy | null): object {
  const { policy, weights, fit, meanWeights, meanFit } = known(found);
  return {
    object: "policy",
    ...policy,
    fitted: weights === null ? null : { weights, fit },
    fittedToMean: meanWeights === null ? null : { weights: meanWeights, fit: meanFit },
  };
}

function tenantOf(text: string): TenantId {
  const tenantId = parseId("ten", text);
  if (tenantId === null) throw new Problem("tenant_not_found");
  return tenantId;
}
