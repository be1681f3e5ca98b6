/**
 * A tenant meets nothing of another's: every route of the API, every id of the other, by any key of one's own.
 *
 * The routes come from the API's own list, so that a new one is tried without being named here.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { METHODS } from "../../../src/api/app.ts";
import { newId } from "../../../src/market/ids.ts";
import {
  call,
  carryHistory,
  config,
  failedTask,
  fingerprint,
  holdTask,
  openTenant,
  type Tenant,
} from "./support.ts";

/** Routes of tenants that name something of theirs. */
const NAMING = METHODS.filter(([path]) => path.startsWith("/v1/") && path.includes("/:")).flatMap(
  ([path, methods]) => methods.split(", ").map((method) => ({ path, method })),
);
/** Routes of tenants that show what they have. */
const SHOWING = METHODS.filter(
  ([path, methods]) => path.startsWith("/v1/") && !path.includes("/:") && methods.includes("GET"),
).map(([path]) => path);

/** What a route needs beside the id to be understood. */
const bodyOf = (path: string) => (path.endsWith("/rotate") ? '{"overlapS": 0}' : "{}");

interface World {
  readonly tenants: readonly Tenant[];
  /** Ids of each tenant's keys. */
  readonly keys: readonly (readonly string[])[];
  /** Ids of each tenant's tasks: open ones, settled ones that its room holds, and one that is in the history alone. */
  readonly ids: readonly (readonly string[])[];
}

let world: World;

beforeAll(async () => {
  const tenants = await Promise.all([openTenant(), openTenant(), openTenant()]);
  const ids: string[][] = [];
  const keys: string[][] = [];
  for (const tenant of tenants) {
    const inHistory = await failedTask(tenant);
    await carryHistory(tenant);
    const { data } = await (await ask(tenant, "GET", "/v1/keys")).json<{ data: { id: string }[] }>();
    keys.push(data.map(({ id }) => id));
    ids.push([inHistory, await failedTask(tenant), await holdTask(tenant)]);
  }
  world = { tenants, keys, ids };
});

async function ask(tenant: Tenant, method: string, path: string): Promise<Response> {
  const body =
    method === "GET" ? {} : { body: bodyOf(path), headers: { "Content-Type": "application/json" } };
  return call(path, {
    method,
    ...body,
    headers: { ...tenant.auth, ...("headers" in body ? body.headers : {}) },
  });
}

function naming(path: string, id: string): string {
  return path.replaceAll(/:\w+/g, id);
}

const pair = fc
  .record({ caller: fc.nat(2), other: fc.nat(2), id: fc.nat(2), route: fc.nat(NAMING.length - 1) })
  .filter(({ caller, other }) => caller !== other);

function pick<T>(list: readonly T[], at: number): T {
  const found = list[at % list.length];
  if (found === undefined) throw new Error("an empty list");
  return found;
}

describe("another tenant's id", () => {
  test("there are routes that name things", () => {
    expect(NAMING.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining(["GET /v1/tasks/:id", "GET /v1/tasks/:id/receipt", "POST /v1/tasks/:id/cancel"]),
    );
  });

  test("reads, byte for byte, as one that never was", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(pair, async ({ caller, other, id, route }) => {
        const { method, path } = pick(NAMING, route);
        const tenant = pick(world.tenants, caller);
        const named = path.includes(":key") ? world.keys : world.ids;
        const unknownId = newId(path.includes(":key") ? "key" : "tsk", config.source);
        const foreign = await ask(tenant, method, naming(path, pick(pick(named, other), id)));
        const unknown = await ask(tenant, method, naming(path, unknownId));
        expect(foreign.status).toBe(404);
        expect(await fingerprint(foreign)).toEqual(await fingerprint(unknown));
      }),
      { numRuns: 60 },
    );
  });

  test("is nothing to ask for in a query either", async () => {
    const [caller, other] = [pick(world.tenants, 0), pick(world.ids, 1)];
    for (const id of other) {
      const foreign = await ask(caller, "GET", `/v1/usage?task=${id}`);
      const unknown = await ask(caller, "GET", `/v1/usage?task=${newId("tsk", config.source)}`);
      expect(foreign.status).toBe(404);
      expect(await fingerprint(foreign)).toEqual(await fingerprint(unknown));
    }
  });

  test("of a policy's version, which only the other has, reads as one that nobody has", async () => {
    const [caller, owner] = [pick(world.tenants, 0), pick(world.tenants, 1)];
    await owner.market.setPolicy({ disabled: [pick(config.pool, 0).id] });
    expect((await ask(owner, "GET", "/v1/policy/versions/2")).status).toBe(200);
    const foreign = await ask(caller, "GET", "/v1/policy/versions/2");
    expect(foreign.status).toBe(404);
    const unknown = await ask(caller, "GET", "/v1/policy/versions/999");
    expect(await fingerprint(foreign)).toEqual(await fingerprint(unknown));
  });

  test("is not touched by what was tried on it", async () => {
    const [caller, owner] = [pick(world.tenants, 0), pick(world.tenants, 1)];
    const id = pick(pick(world.ids, 1), 2);
    const before = await (await ask(owner, "GET", `/v1/tasks/${id}`)).json();
    await ask(caller, "POST", `/v1/tasks/${id}/cancel`);
    expect(await (await ask(owner, "GET", `/v1/tasks/${id}`)).json()).toEqual(before);
  });
});

describe("what a tenant is shown", () => {
  test.each(SHOWING)("%s names nothing of another's", async (path) => {
    const caller = pick(world.tenants, 0);
    const text = await (await ask(caller, "GET", path)).text();
    const foreign = [1, 2].flatMap((at) => [
      ...pick(world.ids, at),
      ...pick(world.keys, at),
      pick(world.tenants, at).tenantId,
      pick(world.tenants, at).keyHash,
    ]);
    expect(foreign.filter((id) => text.includes(id))).toEqual([]);
  });

  test("lists its own tasks, wherever a cursor of another's points", async () => {
    const caller = pick(world.tenants, 0);
    for (const cursor of pick(world.ids, 2)) {
      const page = await (
        await ask(caller, "GET", `/v1/tasks?cursor=${cursor}`)
      ).json<{
        data: { id: string }[];
      }>();
      expect(pick(world.ids, 0)).toEqual(expect.arrayContaining(page.data.map(({ id }) => id)));
    }
  });
});
