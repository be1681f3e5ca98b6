/**
 * A tenant's pool and policy: `/v1/policy` for its own keys, those of scope `admin` to change it and to see who did, and
 * any tenant's for the operator, with what weights can be fitted to. A version is an entity tag: `If-Match` holds.
 */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Config } from "../config.ts";
import { MAX_TRAINING_PAGE, readTraining } from "../history/read-training.ts";
import { parseId, type AuctionId, type TenantId } from "../market/ids.ts";
import type { PolicyChange } from "../market/policy-document.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { PolicyApi, TenantPolicy } from "../tenancy/policy-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, requireOperator } from "./credentials.ts";
import { operatorPolicySchema, tenantPolicySchema } from "./policy-body.ts";
import { changeProblem, policyJson, policyProblem, versionJson, type Viewer } from "./policy-json.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";
import { ifMatchVersion } from "./request-headers.ts";

const MAX_PAGE = 50;
const DEFAULT_PAGE = 20;
const VERSION = /^[1-9]\d{0,8}$/;

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
const versionsQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: z.string().regex(VERSION, "the number of a version").transform(Number).optional(),
});

/** Whose policy is read, and by whom. */
interface Reader {
  readonly tenantId: TenantId;
  readonly viewer: Viewer;
}

/** Below `/admin/tenants`. */
export function policyRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const asked = async (c: Context<ApiEnv>): Promise<Reader> => {
    await requireOperator(c, config);
    const tenantId = parseId("ten", c.req.param("id") ?? "");
    if (tenantId === null) throw new Problem("tenant_not_found");
    return { tenantId, viewer: "operator" };
  };
  return new Hono<ApiEnv>()
    .get("/:id/training", async (c) => {
      const { tenantId } = await asked(c);
      const query = readQuery(c, trainingQuerySchema);
      const { policy, standing } = known(await config.marketRoom<MarketRoomApi>(tenantId).readPolicy());
      if (policy === null)
        throw standing?.refusal == null ? new Problem("internal") : policyProblem(standing.refusal, "name");
      const page = await readTraining(config.db, { tenantId, ...query });
      return c.json({ ...page, weights: policy.weights });
    })
    .get("/:id/policy", async (c) => read(c, config, await asked(c)))
    .put("/:id/policy", async (c) => {
      const reader = await asked(c);
      const { value: change } = await readBody(c, operatorPolicySchema);
      return put(c, config, { ...reader, by: null, change });
    })
    .get("/:id/policy/versions", async (c) => versions(c, config, await asked(c)))
    .get("/:id/policy/versions/:version", async (c) => version(c, config, await asked(c)));
}

/** Below `/v1/policy`: what the caller's next auction runs under, unless its task names another policy. */
export function ownPolicyRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const reader = async (c: Context<ApiEnv>, scope: "read" | "admin"): Promise<Reader> => {
    const { tenantId } = await authorizedCaller(c, config, scope);
    return { tenantId, viewer: "tenant" };
  };
  return new Hono<ApiEnv>()
    .get("/", async (c) => read(c, config, await reader(c, "read")))
    .put("/", async (c) => {
      const { tenantId, keyHash: by } = await authorizedCaller(c, config, "admin");
      const { value: change } = await readBody(c, tenantPolicySchema);
      return put(c, config, { tenantId, viewer: "tenant", by, change });
    })
    .get("/versions", async (c) => versions(c, config, await reader(c, "admin")))
    .get("/versions/:version", async (c) => version(c, config, await reader(c, "admin")));
}

async function read(c: Context<ApiEnv>, config: Config, { tenantId, viewer }: Reader): Promise<Response> {
  return shown(c, known(await config.marketRoom<PolicyApi>(tenantId).readPolicy()), viewer);
}

async function put(
  c: Context<ApiEnv>,
  config: Config,
  order: Reader & { readonly by: string | null; readonly change: PolicyChange },
): Promise<Response> {
  const { tenantId, viewer, by, change } = order;
  const ifVersion = ifMatchVersion(c);
  const set = await config.marketRoom<PolicyApi>(tenantId).changePolicy({ by, ifVersion, change });
  if (!set.ok) throw changeProblem(set.failure);
  return shown(c, set.value, viewer);
}

function shown(c: Context<ApiEnv>, policy: TenantPolicy, viewer: Viewer): Response {
  if (policy.standing !== undefined) c.header("ETag", `"${policy.standing.version}"`);
  return c.json(policyJson(policy, viewer));
}

async function versions(c: Context<ApiEnv>, config: Config, { tenantId, viewer }: Reader): Promise<Response> {
  const { limit, cursor = null } = readQuery(c, versionsQuerySchema);
  const page = await config.marketRoom<PolicyApi>(tenantId).policyVersions({ below: cursor, limit });
  if (page === null) throw new Problem("tenant_not_found");
  return c.json({
    object: "list",
    data: page.versions.map((one) => versionJson(one, viewer)),
    nextCursor: page.below === null ? null : String(page.below),
  });
}

async function version(c: Context<ApiEnv>, config: Config, { tenantId, viewer }: Reader): Promise<Response> {
  const text = c.req.param("version") ?? "";
  const room = config.marketRoom<PolicyApi>(tenantId);
  const found = VERSION.test(text) ? await room.policyVersion(Number(text)) : null;
  if (found !== null) return c.json(versionJson(found, viewer));
  const isTenant = viewer === "tenant" || (await room.readPolicy()) !== null;
  throw new Problem(isTenant ? "policy_version_not_found" : "tenant_not_found");
}

function known(found: TenantPolicy | null): TenantPolicy {
  if (found === null) throw new Problem("tenant_not_found");
  return found;
}
