/** A policy as its tenant and its operator meet it over HTTP. */
import { beforeEach, describe, expect, test } from "vitest";
import { call, openTenant, OPERATOR, post, problemOf, put, type Tenant } from "./support.ts";

const WEIGHTS = { cost: 0.001, entropy: 0.2, jurors: { "agt_house-4b": 0.1, "agt_house-32b": 0.3 } };
const FIT = { aggregation: "mean", gap: 0 };

let tenant: Tenant;
beforeEach(async () => {
  tenant = await openTenant();
});

const operatorPath = () => `/admin/tenants/${tenant.tenantId}/policy`;

test("the operator and the tenant see the same policy, its version, and both fits; the operator's fields are its own", async () => {
  const set = await put(operatorPath(), { meanWeights: WEIGHTS, meanFit: FIT });
  const body = await set.json<{ document: Record<string, unknown> }>();
  expect(body).toMatchObject({
    object: "policy",
    name: "sale",
    version: 2,
    rules: { kind: "auction" },
    weights: { entropy: 0.1 },
    fitted: null,
    fittedToMean: { weights: WEIGHTS, fit: FIT },
  });
  expect(await (await call(operatorPath(), { headers: OPERATOR })).json()).toEqual(body);
  const { agents, prices, fit, meanFit, ...document } = body.document;
  expect({ agents, prices, fit, meanFit }).toEqual({ agents: [], prices: {}, fit: null, meanFit: FIT });
  const seen = await (await call("/v1/policy", { headers: tenant.auth })).json();
  expect(seen).toEqual({ ...body, document });
});

test("is shown to nobody else", async () => {
  expect((await call("/v1/policy")).status).toBe(401);
  expect((await call(operatorPath(), { headers: tenant.auth })).status).toBe(401);
});

describe("a name that is wrong", () => {
  test.each([
    ["sale:jurors=2", 'no option "jurors"; accepted are jury=batched|pointwise|none, size=1 to'],
    ["sale:size=99", "size takes 1 to"],
    ["static-mix:agt_nobody=1", '"agt_nobody" is no agent of the pool; its agents are agt_house-4b'],
    ["cheap", '"cheap" is no policy; accepted are sale[:option=value,…]'],
  ])("%s is refused in the same words for a task and for the tenant", async (name, words) => {
    const refusals = [
      await post("/v1/tasks", { prompt: "p", policy: name }, tenant.auth),
      await put(operatorPath(), { name }),
    ];
    const issues = await Promise.all(
      refusals.map(async (response) => {
        const seen = await problemOf(response.clone());
        const { error } = await response.json<{ error: { issues: { message: string }[] } }>();
        return { ...seen, message: error.issues[0]?.message };
      }),
    );
    expect(issues.map(({ status, code }) => ({ status, code }))).toEqual([
      { status: 400, code: "unknown_policy" },
      { status: 400, code: "unknown_policy" },
    ]);
    expect(issues.map(({ paths }) => paths)).toEqual([["policy"], ["name"]]);
    expect(issues[0]?.message).toContain(words);
    expect(issues[1]?.message).toBe(issues[0]?.message);
  });
});

test("weights that the tenant does not have are refused with the command that makes them", async () => {
  const refusals = [
    await post("/v1/tasks", { prompt: "p", policy: "sale-mean" }, tenant.auth),
    await put(operatorPath(), { name: "sale:weights=mean" }),
  ];
  for (const response of refusals) {
    expect(await response.clone().text()).toContain("npm run fit -- --tenant T --aggregation mean --store");
    expect(await problemOf(response)).toMatchObject({ status: 409, code: "no_mean_weights" });
  }
});
