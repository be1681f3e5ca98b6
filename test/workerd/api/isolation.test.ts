/**
 * A tenant meets nothing of another's: every route of the API, every id of the other, by any key of one's own.
 *
 * The routes come from the API's own list, so that a new one is tried without being named here.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { METHODS } from "../../../src/api/app.ts";
import { newId } from "../../../src/market/ids.ts";
import { A_TOOL, idOf } from "./idempotency-day.ts";
import {
  call,
  carryHistory,
  config,
  failedTask,
  fingerprint,
  holdTask,
  openTenant,
  OPERATOR,
  post,
  type Tenant,
} from "./support.ts";

/** Routes of tenants that name something of theirs by an id. Versions are numbers, which every tenant has its own of. */
const NAMING = METHODS.filter(
  ([path]) => path.startsWith("/v1/") && path.includes("/:") && !path.includes(":version"),
).flatMap(([path, methods]) => methods.split(", ").map((method) => ({ path, method })));
/** Routes of tenants that show what they have. */
const SHOWING = METHODS.filter(
  ([path, methods]) => path.startsWith("/v1/") && !path.includes("/:") && methods.includes("GET"),
).map(([path]) => path);

/** Routes of the operator that name something of a tenant's, whose id stands before it. */
const OPERATORS = METHODS.filter(
  ([path]) => /^\/admin\/tenants\/:id\/.*:/.test(path) && !path.includes(":version"),
).flatMap(([path, methods]) => methods.split(", ").map((method) => ({ path, method })));

/** What a route needs beside the id to be understood. */
function bodyOf(path: string): string {
  if (path.startsWith("/v1/tools/")) return JSON.stringify(A_TOOL);
  return path.endsWith("/rotate") ? '{"overlapS": 0}' : "{}";
}

interface World {
  readonly tenants: readonly Tenant[];
  /** Ids of each tenant's keys. */
  readonly keys: readonly (readonly string[])[];
  /** Ids of each tenant's tasks: open ones, settled ones that its room holds, and one that is in the history alone. */
  readonly ids: readonly (readonly string[])[];
  /** Ids of each tenant's quotes. */
  readonly quotes: readonly (readonly string[])[];
  /** Each tenant's webhook, and a delivery to it. */
  /** Each tenant's own tool. */
  readonly tools: readonly string[];
  readonly webhooks: readonly { readonly webhookId: string; readonly deliveryId: string }[];
}

let world: World;

beforeAll(async () => {
  const tenants = await Promise.all([openTenant(), openTenant(), openTenant()]);
  const ids: string[][] = [];
  const keys: string[][] = [];
  const quotes: string[][] = [];
  const webhooks: World["webhooks"][number][] = [];
  const tools: string[] = [];
  for (const tenant of tenants) {
    const inHistory = await failedTask(tenant);
    await carryHistory(tenant);
    const { data } = await (await ask(tenant, "GET", "/v1/keys")).json<{ data: { id: string }[] }>();
    keys.push(data.map(({ id }) => id));
    const quoted = await post("/v1/quotes", { prompt: "p", policy: "cheapest" }, tenant.auth);
    quotes.push([(await quoted.json<{ id: string }>()).id]);
    webhooks.push(await aDelivery(tenant));
    tools.push(await idOf(await post("/v1/tools", A_TOOL, tenant.auth)));
    ids.push([inHistory, await failedTask(tenant), await holdTask(tenant)]);
  }
  world = { tenants, keys, ids, quotes, webhooks, tools };
});

async function aDelivery(tenant: Tenant): Promise<World["webhooks"][number]> {
  const headers = { ...tenant.auth, "Content-Type": "application/json" };
  const body = JSON.stringify({ url: "https://hooks.example.com/" });
  const webhook = await (
    await call("/v1/webhooks", { method: "POST", body, headers })
  ).json<{ id: string }>();
  const tested = await call(`/v1/webhooks/${webhook.id}/test`, { method: "POST", headers });
  return { webhookId: webhook.id, deliveryId: (await tested.json<{ id: string }>()).id };
}

async function ask(tenant: Tenant, method: string, path: string): Promise<Response> {
  const body =
    method === "GET" ? {} : { body: bodyOf(path), headers: { "Content-Type": "application/json" } };
  return call(path, {
    method,
    ...body,
    headers: { ...tenant.auth, ...("headers" in body ? body.headers : {}) },
  });
}

/** What a route's parameters name of a tenant's; `id`: which of several. */
function naming(path: string, at: number, id: number): string {
  const { webhookId, deliveryId } = pick(world.webhooks, at);
  const named: Record<string, string> = {
    key: pick(pick(world.keys, at), id),
    id: pick(pick(world.ids, at), id),
    quote: pick(pick(world.quotes, at), id),
    webhook: webhookId,
    delivery: deliveryId,
    tool: pick(world.tools, at),
  };
  return path.replaceAll(/:(\w+)/g, (_, name: string) => named[name] ?? "");
}

/** As `naming`, by ids that nobody has. */
function namingNothing(path: string): string {
  const prefixes = {
    key: "key",
    id: "tsk",
    quote: "quo",
    webhook: "whk",
    delivery: "dlv",
    tool: "tol",
  } as const;
  return path.replaceAll(/:(\w+)/g, (_, name: keyof typeof prefixes) => newId(prefixes[name], config.source));
}

const pair = fc
  .record({ caller: fc.nat(2), other: fc.nat(2), id: fc.nat(2) })
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

  test.each(NAMING)(
    "at $method $path reads, byte for byte, as one that never was",
    async ({ method, path }) => {
      await fc.assert(
        fc.asyncProperty(pair, async ({ caller, other, id }) => {
          const tenant = pick(world.tenants, caller);
          const foreign = await ask(tenant, method, naming(path, other, id));
          const unknown = await ask(tenant, method, namingNothing(path));
          expect(foreign.status).toBe(404);
          expect(await fingerprint(foreign)).toEqual(await fingerprint(unknown));
        }),
        { numRuns: 12 },
      );
    },
  );

  test("of a delivery leads nowhere under one's own webhook either", async () => {
    const caller = pick(world.tenants, 0);
    const { webhookId } = pick(world.webhooks, 0);
    const redeliver = async (deliveryId: string) =>
      ask(caller, "POST", `/v1/webhooks/${webhookId}/deliveries/${deliveryId}/redeliver`);
    const foreign = await redeliver(pick(world.webhooks, 1).deliveryId);
    expect(foreign.status).toBe(404);
    expect(await fingerprint(foreign)).toEqual(
      await fingerprint(await redeliver(newId("dlv", config.source))),
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

describe("under a tenant's id", () => {
  test.each(OPERATORS)("$method $path finds the operator nothing of another's", async ({ path, method }) => {
    const [{ tenantId }, owner] = [pick(world.tenants, 0), pick(world.tenants, 1)];
    const calibrations = await post(`/admin/tenants/${owner.tenantId}/calibrations`, { tasks: 1 }, OPERATOR);
    const { id: calibration } = await calibrations.json<{ id: string }>();
    const at = async (tenant: string, key: string, calibrated: string) => {
      const named = path.replace(":id", tenant).replace(":key", key).replace(":calibration", calibrated);
      return call(named, {
        method,
        headers: { ...OPERATOR, "Content-Type": "application/json" },
        ...(method !== "GET" && { body: bodyOf(path) }),
      });
    };
    const [key = ""] = pick(world.keys, 1);
    const foreign = await at(tenantId, key, calibration);
    expect(foreign.status).toBe(404);
    const unknown = await at(tenantId, newId("key", config.source), newId("clb", config.source));
    expect(await fingerprint(foreign)).toEqual(await fingerprint(unknown));
    const ofOwner = `/admin/tenants/${owner.tenantId}`;
    const { data } = await (
      await call(`${ofOwner}/keys`, { headers: OPERATOR })
    ).json<{ data: { id: string; state: string }[] }>();
    expect(data.filter(({ state }) => state === "active").map(({ id }) => id)).toEqual([key]);
    expect(
      await (await call(`${ofOwner}/calibrations/${calibration}`, { headers: OPERATOR })).json(),
    ).toMatchObject({ id: calibration, state: "quoted" });
  });
});

describe("what a tenant is shown", () => {
  test.each(SHOWING)("%s names nothing of another's", async (path) => {
    const caller = pick(world.tenants, 0);
    const text = await (await ask(caller, "GET", path)).text();
    const foreign = [1, 2].flatMap((at) => [
      ...pick(world.ids, at),
      ...pick(world.keys, at),
      ...pick(world.quotes, at),
      ...Object.values(pick(world.webhooks, at)),
      pick(world.tools, at),
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
      const quoted = pick(world.quotes, 0).map((id) => id.replace("quo_", "tsk_"));
      expect([...pick(world.ids, 0), ...quoted]).toEqual(
        expect.arrayContaining(page.data.map(({ id }) => id)),
      );
    }
  });
});
