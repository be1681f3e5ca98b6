/** Changes of a pool and a policy over HTTP: who may what, and what is refused and why. */
import { beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import {
  done,
  issuesOf,
  LARGE,
  MIDDLE,
  openPolicyWorld,
  OWN,
  SMALL,
  type Headers,
  type Json,
  type PolicyWorld,
} from "./policy-world.ts";
import { call, config, OPERATOR, post, problemOf, put } from "./support.ts";

let world: PolicyWorld;
beforeEach(async () => {
  world = await openPolicyWorld();
});

async function keyWith(scopes: readonly string[]): Promise<Headers> {
  const made = await done(await post("/v1/keys", { name: "some", scopes }, world.tenant.auth));
  return { Authorization: `Bearer ${String(made["key"])}` };
}
describe("a tenant", () => {
  const RULES = {
    name: "sale:memory=off",
    disabled: [SMALL],
    maxShares: { [LARGE]: 0.6 },
    deny: [],
    allow: [LARGE, MIDDLE, SMALL],
    providers: { allow: ["openai-compatible", "workers-ai"], deny: ["google"] },
    deadlines: { bidMs: 900, juryMs: null, taskDefaultS: 60, taskMaxS: 120 },
    escalation: { mode: "verified", maxAttempts: 3 },
  };

  test("sets whatever is its own, and sees the whole of it", async () => {
    const response = await world.byTenant(RULES);
    expect(response.headers.get("ETag")).toBe('"2"');
    const body = await done(response);
    expect(body).toMatchObject({
      name: "sale:memory=off",
      version: 2,
      document: { ...RULES, allow: RULES.allow.toSorted(), weights: null, regions: null },
      admitted: [MIDDLE, LARGE],
      ignored: [],
      problem: null,
    });
    expect(body["leftOut"]).toContainEqual({ agentId: SMALL, reasons: ["disabled"] });
    expect(await world.read("/v1/policy")).toEqual(body);
    const agents = await world.read("/v1/agents");
    expect((agents["agents"] as { id: string }[]).map(({ id }) => id)).toEqual([MIDDLE, LARGE]);
    expect(agents["leftOut"]).toEqual(body["leftOut"]);
  });

  test.each([
    ["agents", [OWN]],
    ["prices", { [SMALL]: { input: 0, output: 0 } }],
    ["fit", { gap: 0 }],
    ["meanFit", {}],
  ])("may not set %s: that is the operator's", async (field, value) => {
    const response = await world.byTenant({ [field]: value });
    expect(await issuesOf(response.clone())).toEqual([
      { path: field, message: "is the operator's alone to set" },
    ]);
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_body" });
    expect((await world.read("/v1/policy"))["version"]).toBe(1);
  });

  test("may not set them in the room either, whatever the API lets through", async () => {
    const order = { by: world.tenant.keyHash, ifVersion: null, change: { agents: [] } };
    expect(await world.tenant.market.changePolicy(order)).toEqual({
      ok: false,
      failure: { reason: "forbidden" },
    });
  });

  test("sees nothing of what names secrets and addresses, in the document and in the trail", async () => {
    await done(await world.byOperator({ agents: [OWN] }));
    for (const path of ["/v1/policy", "/v1/policy/versions", "/v1/policy/versions/2", "/v1/agents"]) {
      const text = JSON.stringify(await world.read(path));
      expect(text).toContain("agt_own");
      expect(text).not.toContain("OWN_KEY");
      expect(text).not.toContain("models.example");
    }
    expect(await world.read(world.operators, OPERATOR)).toMatchObject({
      document: { agents: [{ ...OWN, usdPerMtok: { input: 1, output: 2 } }] },
    });
  });
});

describe("whose key", () => {
  test("has not the scope may read, and change or trace nothing", async () => {
    const reader = await keyWith(["read"]);
    const tasks = await keyWith(["tasks"]);
    expect((await call("/v1/policy", { headers: reader })).status).toBe(200);
    expect((await call("/v1/policy", { headers: tasks })).status).toBe(403);
    for (const auth of [reader, tasks]) {
      const tried = [
        await put("/v1/policy", { disabled: [SMALL] }, auth),
        await call("/v1/policy/versions", { headers: auth }),
        await call("/v1/policy/versions/1", { headers: auth }),
      ];
      for (const response of tried) {
        expect(await problemOf(response)).toMatchObject({ status: 403, code: "forbidden" });
      }
    }
    expect(await world.read("/v1/agents", reader)).not.toHaveProperty("leftOut");
    expect((await world.read("/v1/policy"))["version"]).toBe(1);
  });

  test("is none, or revoked, changes nothing; nor does a tenant's at the operator's door", async () => {
    const other = await keyWith(["admin"]);
    const { data } = (await world.read("/v1/keys")) as { data: { id: string; scopes: string[] }[] };
    const id = data.find(({ scopes }) => scopes.length === 1)?.id ?? "";
    await call(`/v1/keys/${id}`, { method: "DELETE", headers: world.tenant.auth });
    const tried = [
      await put("/v1/policy", {}, {}),
      await put("/v1/policy", {}, other),
      await put(world.operators, {}, world.tenant.auth),
      await call(`${world.operators}/versions`, { headers: world.tenant.auth }),
      await call(`${world.operators}/versions/1`, { headers: world.tenant.auth }),
    ];
    for (const response of tried) expect(await problemOf(response)).toMatchObject({ status: 401 });
  });
});

describe("the operator", () => {
  test("adds agents and prices, and all that the tenant may", async () => {
    const set = await done(
      await world.byOperator({
        agents: [OWN],
        prices: { [LARGE]: { input: 0.5, output: 1.5, source: "contract 7" } },
        disabled: [SMALL],
        regions: null,
      }),
    );
    expect(set).toMatchObject({ version: 2, document: { disabled: [SMALL] } });
    const { agents } = (await world.read("/v1/agents")) as { agents: Json[] };
    expect(agents.map(({ id }) => id)).not.toContain(SMALL);
    expect(agents.find(({ id }) => id === LARGE)).toMatchObject({
      usdPerMtok: { input: 0.5, cachedInput: 0.5, cacheWrite: 0.5, output: 1.5 },
      priceSource: "contract 7",
    });
    expect(agents.at(-1)).toMatchObject({ id: "agt_own", regions: ["eu"] });
  });

  test("keeps a tenant in its region: whoever does not state one is out", async () => {
    await done(await world.byOperator({ agents: [OWN] }));
    const set = await done(await world.byTenant({ regions: ["eu"] }));
    expect(set["admitted"]).toEqual(["agt_own"]);
    expect(set["leftOut"]).toContainEqual({ agentId: LARGE, reasons: ["region_unknown"] });
  });

  test.each<[string, Json, string[]]>([
    [
      "an agent without its secret's name",
      { agents: [{ ...OWN, provider: "google", apiKeySecret: undefined }] },
      ["agents[0].apiKeySecret"],
    ],
    ["an id that is taken", { agents: [{ ...OWN, id: SMALL }] }, ["agents[0].id"]],
    ["two of one id", { agents: [OWN, OWN] }, ["agents"]],
    ["a price below nothing", { prices: { [SMALL]: { input: -1, output: 1 } } }, [`prices.${SMALL}.input`]],
    ["a price of nobody", { prices: { agt_nobody: { input: 1, output: 1 } } }, ["prices.agt_nobody"]],
  ])("is told of %s", async (_what, body, paths) => {
    expect(await problemOf(await world.byOperator(body))).toEqual({
      status: 400,
      code: "invalid_body",
      paths,
    });
  });

  test("of no such tenant gets nothing", async () => {
    for (const id of [newId("ten", config.source), "ten_x"]) {
      const path = `/admin/tenants/${id}/policy`;
      const tried = [
        await put(path, {}, OPERATOR),
        await call(path, { headers: OPERATOR }),
        await call(`${path}/versions`, { headers: OPERATOR }),
        await call(`${path}/versions/1`, { headers: OPERATOR }),
      ];
      for (const response of tried) {
        expect(await problemOf(response)).toMatchObject({ status: 404, code: "tenant_not_found" });
      }
    }
  });
});

describe("a change is refused", () => {
  test.each<[Json, string[]]>([
    [{ disabled: ["agt_nobody"] }, ["disabled[0]"]],
    [{ disabled: ["nobody"] }, ["disabled[0]"]],
    [{ maxShares: { [SMALL]: 0 } }, [`maxShares.${SMALL}`]],
    [{ maxShares: { [SMALL]: 1.1 } }, [`maxShares.${SMALL}`]],
    [{ providers: { allow: ["acme"] } }, ["providers.allow[0]"]],
    [{ regions: ["Europe"] }, ["regions[0]"]],
    [{ escalation: { mode: "verified" } }, ["escalation.maxAttempts"]],
    [{ escalation: { mode: "verified", maxAttempts: 9 } }, ["escalation.maxAttempts"]],
    [{ escalation: { mode: "often" } }, ["escalation.mode"]],
    [{ escalation: null }, ["escalation"]],
    [{ deadlines: { bidMs: 99 } }, ["deadlines.bidMs"]],
    [{ deadlines: { bidMs: config.auctionBidMs + 1 } }, ["deadlines.bidMs"]],
    [{ deadlines: { taskDefaultS: 90_000 } }, ["deadlines.taskDefaultS"]],
    [{ deadlines: { taskDefaultS: 60, taskMaxS: 30 } }, ["deadlines.taskDefaultS"]],
    [{ weights: { cost: 1, entropy: 1, jurors: { agt_nobody: 1 } } }, ["weights.jurors.agt_nobody"]],
    [{ escalate: true }, ["escalate"]],
  ])("%j, with where and why", async (body, paths) => {
    expect(await problemOf(await world.byTenant(body))).toEqual({ status: 400, code: "invalid_body", paths });
    expect((await world.read("/v1/policy"))["version"]).toBe(1);
  });

  test("where nobody would be left, with each one's reasons", async () => {
    const response = await world.byTenant({ regions: ["eu"], disabled: [SMALL] });
    const issues = await issuesOf(response.clone());
    expect(issues).toHaveLength(config.pool.length);
    expect(issues[0]).toEqual({ path: SMALL, message: "disabled, region_unknown" });
    expect(await problemOf(response)).toMatchObject({ status: 409, code: "no_agents_left" });
  });

  test("where the policy's name needs whom it leaves out", async () => {
    await done(await world.byTenant({ name: `always:${SMALL}` }));
    expect(await problemOf(await world.byTenant({ disabled: [SMALL] }))).toEqual({
      status: 400,
      code: "unknown_policy",
      paths: ["name"],
    });
    const task = { prompt: "p", policy: `always:${MIDDLE}` };
    await done(await world.byTenant({ name: "sale", disabled: [MIDDLE] }));
    expect(await problemOf(await post("/v1/tasks", task, world.tenant.auth))).toMatchObject({
      code: "unknown_policy",
      paths: ["policy"],
    });
  });
});
