/** The operator's side of a tenant's policy: what its weights can be fitted to, and new versions of it. */
import { Hono } from "hono";
import { z } from "zod";
import { MAX_TRAINING_PAGE, readTraining } from "../history/read-training.ts";
import { AGENT_ID_PATTERN, parseId, type AgentId, type AuctionId, type TenantId } from "../market/ids.ts";
import { POLICY_NAMES } from "../market/policy.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { requireOperator } from "./credentials.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";

const weight = z.number().min(0).max(1_000_000);
const policySchema = z.strictObject({
  name: z.string().min(1).max(100).default("sale"),
  /** Null: the pool's default weights. */
  weights: z
    .strictObject({
      cost: weight,
      entropy: weight,
      jurors: z.record(
        z
          .string()
          .regex(AGENT_ID_PATTERN)
          .transform((id) => id as AgentId),
        weight,
      ),
    })
    .nullable()
    .default(null),
  /** Figures of the fit that the weights come from; kept with the version. */
  fit: z.record(z.string(), z.unknown()).nullable().default(null),
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
      const page = await readTraining(config.db, { tenantId, ...readQuery(c, trainingQuerySchema) });
      const { policy } = await config.marketRoom<MarketRoomApi>(tenantId).agents();
      return c.json({ ...page, weights: policy.weights });
    })
    .put("/:id/policy", async (c) => {
      await requireOperator(c, config);
      const { value } = await readBody(c, policySchema);
      const tenantId = tenantOf(c.req.param("id"));
      const room = config.marketRoom<MarketRoomApi>(tenantId);
      const policy = await room.setPolicy(value);
      if (policy === "unknown_tenant") throw new Problem("tenant_not_found");
      if (policy === "unknown_policy") {
        const message = `none in this pool; there are ${POLICY_NAMES.join(", ")}, and always:<agent id>`;
        throw new Problem("invalid_body", { issues: [{ path: "name", message }] });
      }
      return c.json(policy);
    });
}

function tenantOf(text: string): TenantId {
  const tenantId = parseId("ten", text);
  if (tenantId === null) throw new Problem("tenant_not_found");
  return tenantId;
}
