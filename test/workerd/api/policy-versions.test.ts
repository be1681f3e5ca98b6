/** Versions of a policy over HTTP: held to by If-Match, traced, and taken back; and deadlines that a policy sets. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  done,
  issuesOf,
  LARGE,
  MIDDLE,
  openPolicyWorld,
  OWN,
  SMALL,
  type Json,
  type PolicyWorld,
} from "./policy-world.ts";
import { call, config, OPERATOR, post, problemOf, taskOf } from "./support.ts";

let world: PolicyWorld;
beforeEach(async () => {
  world = await openPolicyWorld();
});

describe("If-Match", () => {
  test("holds a change to the version that it was made from", async () => {
    const version = async () =>
      (await call("/v1/policy", { headers: world.tenant.auth })).headers.get("ETag") ?? "";
    expect(await version()).toBe('"1"');
    await done(await world.byTenant({ disabled: [SMALL] }, { "If-Match": await version() }));
    for (const change of [world.byTenant, world.byOperator]) {
      const late = await change({ disabled: [] }, { "If-Match": '"1"' });
      expect(late.headers.get("ETag")).toBe('"2"');
      const body = await late.clone().json<{ error: Json }>();
      expect(body.error["details"]).toEqual({ version: 2 });
      expect(await problemOf(late)).toMatchObject({ status: 412, code: "policy_changed" });
    }
    expect(await done(await world.byOperator({ disabled: [] }, { "If-Match": '"2"' }))).toMatchObject({
      version: 3,
    });
    expect(await done(await world.byTenant({ disabled: [SMALL] }, { "If-Match": "*" }))).toMatchObject({
      version: 4,
    });
  });

  test.each(["1", "W/1", 'w/"1"', '"one"', '"1", "2"', '"0"'])("%s is no version", async (tag) => {
    expect(await problemOf(await world.byTenant({ disabled: [] }, { "If-Match": tag }))).toEqual({
      status: 400,
      code: "invalid_parameter",
      paths: ["header If-Match"],
    });
  });

  test("takes the tag as whoever compressed the answer left it", async () => {
    const weak = { "If-Match": 'W/"1"' };
    expect(await done(await world.byTenant({ disabled: [SMALL] }, weak))).toMatchObject({ version: 2 });
    expect(await problemOf(await world.byTenant({ disabled: [] }, weak))).toMatchObject({ status: 412 });
  });

  test("of two that change the same version one is told so", async () => {
    const both = await Promise.all([
      world.byTenant({ disabled: [SMALL] }, { "If-Match": '"1"' }),
      world.byTenant({ disabled: [LARGE] }, { "If-Match": '"1"' }),
    ]);
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
  });
});

describe("the trail", () => {
  test("says who made which version, when, and what it changed", async () => {
    await done(await world.byTenant({ disabled: [SMALL] }));
    await done(await world.byOperator({ prices: { [LARGE]: { input: 1, output: 2 } }, deny: [MIDDLE] }));
    const { data, nextCursor } = (await world.read("/v1/policy/versions")) as {
      data: Json[];
      nextCursor: unknown;
    };
    const { data: keys } = (await world.read("/v1/keys")) as { data: { id: string }[] };
    const price = { input: 1, cachedInput: 1, cacheWrite: 1, output: 2 };
    const source = "set by the operator for this tenant";
    expect(nextCursor).toBeNull();
    expect(data).toEqual([
      {
        object: "policy_version",
        version: 3,
        createdAt: expect.stringMatching(/^20/),
        by: { type: "operator" },
        changes: [
          { field: "prices", before: {}, after: { [LARGE]: { ...price, source } } },
          { field: "deny", before: [], after: [MIDDLE] },
        ],
      },
      {
        object: "policy_version",
        version: 2,
        createdAt: expect.stringMatching(/^20/),
        by: { type: "key", id: keys[0]?.id },
        changes: [{ field: "disabled", before: [], after: [SMALL] }],
      },
      {
        object: "policy_version",
        version: 1,
        createdAt: expect.stringMatching(/^20/),
        by: { type: "operator" },
        changes: null,
      },
    ]);
    const { document, ...second } = await world.read("/v1/policy/versions/2");
    expect(second).toEqual(data[1]);
    expect(document).toMatchObject({ disabled: [SMALL], deny: [] });
    expect(await world.read(`${world.operators}/versions`, OPERATOR)).toMatchObject({ data });
  });

  test("is there before anything was changed, and pages", async () => {
    expect(await world.read("/v1/policy/versions")).toMatchObject({
      data: [{ version: 1, changes: null }],
      nextCursor: null,
    });
    for (const disabled of [[SMALL], [MIDDLE], [LARGE], []]) await done(await world.byTenant({ disabled }));
    const seen: unknown[] = [];
    let cursor = "";
    do {
      const page = await world.read(`/v1/policy/versions?limit=2${cursor}`);
      const next = page["nextCursor"] as string | null;
      const data = page["data"] as { version: number; changes: { after: unknown }[] | null }[];
      seen.push(...data.map(({ version, changes }) => [version, changes?.[0]?.after ?? null]));
      cursor = next === null ? "" : `&cursor=${next}`;
    } while (cursor !== "");
    expect(seen).toEqual([
      [5, []],
      [4, [LARGE]],
      [3, [MIDDLE]],
      [2, [SMALL]],
      [1, null],
    ]);
  });

  test("grows by nothing where the same is set again, in whatever order it is written", async () => {
    await done(await world.byTenant({ disabled: [SMALL, MIDDLE], name: "sale:size=2,self=on" }));
    const again = await world.byTenant({ disabled: [MIDDLE, SMALL, MIDDLE], name: "sale:size=2" });
    expect(await done(again)).toMatchObject({ version: 2 });
    expect(await done(await world.byOperator({}))).toMatchObject({ version: 2 });
    expect((await world.read("/v1/policy/versions"))["data"]).toHaveLength(2);
  });

  test("takes a policy back: an old version's document is a body that sets it again", async () => {
    await done(await world.byOperator({ agents: [OWN], prices: { [LARGE]: { input: 3, output: 4 } } }));
    await done(
      await world.byTenant({
        name: "cheapest",
        disabled: [SMALL],
        regions: null,
        maxShares: { [LARGE]: 0.5 },
      }),
    );
    const before = (await world.read("/v1/policy"))["document"];
    await done(await world.byTenant({ name: "sale", disabled: [], maxShares: {} }));
    const { document } = await world.read("/v1/policy/versions/3");
    expect(await done(await world.byTenant(document))).toMatchObject({ version: 5, document: before });
    const first = await world.read(`${world.operators}/versions/1`, OPERATOR);
    const back = await done(await world.byOperator(first["document"]));
    expect(back).toMatchObject({ version: 6, document: { agents: [], prices: {}, name: "sale" } });
    expect(back["admitted"]).toEqual(config.pool.map(({ id }) => id));
  });

  test.each(["0", "9", "two", "1.5", "-1"])("has no version %s", async (version) => {
    for (const path of [`/v1/policy/versions/${version}`, `${world.operators}/versions/${version}`]) {
      const headers = path.startsWith("/v1") ? world.tenant.auth : OPERATOR;
      expect(await problemOf(await call(path, { headers }))).toMatchObject({
        status: 404,
        code: "policy_version_not_found",
      });
    }
  });

  test.each([
    ["limit=0", "query limit"],
    ["limit=51", "query limit"],
    ["cursor=x", "query cursor"],
    ["page=2", "query page"],
  ])("does not take ?%s", async (query, path) => {
    const response = await call(`/v1/policy/versions?${query}`, { headers: world.tenant.auth });
    expect(await problemOf(response)).toEqual({ status: 400, code: "invalid_parameter", paths: [path] });
  });
});

describe("a task's deadline", () => {
  const deadlineOf = async (limits: Json) => {
    const task = await taskOf(await post("/v1/tasks", { prompt: "p", limits }, world.tenant.auth));
    const { admittedAt, deadlineAt } = task as unknown as { admittedAt: string; deadlineAt: string };
    return (Date.parse(deadlineAt) - Date.parse(admittedAt)) / 1_000;
  };

  test("is its own up to the policy's maximum, else the policy's default", async () => {
    await done(await world.byTenant({ deadlines: { taskDefaultS: 60, taskMaxS: 120 } }));
    expect(await deadlineOf({})).toBe(60);
    expect(await deadlineOf({ deadlineS: 120 })).toBe(120);
    const refused = await post("/v1/tasks", { prompt: "p", limits: { deadlineS: 121 } }, world.tenant.auth);
    expect(await issuesOf(refused.clone())).toEqual([
      { path: "limits.deadlineS", message: "at most 120 seconds, as the tenant's policy says" },
    ]);
    expect(await problemOf(refused)).toMatchObject({ status: 400, code: "invalid_body" });
  });
});
