/** Who is shown an answer again, and who is not; and that nothing of its secret stands where it is kept. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../../src/api/digest.ts";
import { claimTenant, settleClaim } from "../../../src/history/claim-tenant.ts";
import { newId } from "../../../src/market/ids.ts";
import { sweep } from "../../../src/tenancy/sweep.ts";
import { useStoppedClock } from "../rooms/market-day.ts";
import { marketStub } from "../stubs.ts";
import { idOf } from "./idempotency-day.ts";
import { call, config, failedTask, openTenant, OPERATOR, post, problemOf, type Tenant } from "./support.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

const clock = useStoppedClock();

type Headers = Readonly<Record<string, string>>;
interface Key {
  readonly id: string;
  readonly key: string;
}
const bearer = (key: string): Headers => ({ Authorization: `Bearer ${key}` });
const under = (idempotencyKey: string, headers: Headers) => ({
  ...headers,
  "Idempotency-Key": idempotencyKey,
});
const makeKey = async (idempotencyKey: string, headers: Headers, path = "/v1/keys") =>
  post(path, { name: "n" }, under(idempotencyKey, headers));
const countKeys = async ({ auth }: Tenant) =>
  (await (await call("/v1/keys", { headers: auth })).json<{ data: unknown[] }>()).data.length;

/** Every value of every table of the tenant's market room, as text. */
async function storedOf({ tenantId }: Tenant): Promise<string> {
  return runInDurableObject(marketStub(tenantId) as DurableObjectStub, async (_room, { storage }) => {
    const names = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf_%'")
      .toArray();
    return JSON.stringify(names.map(({ name }) => storage.sql.exec(`SELECT * FROM ${name}`).toArray()));
  });
}

async function sealsOf({ tenantId }: Tenant): Promise<string[]> {
  return runInDurableObject(marketStub(tenantId) as DurableObjectStub, async (_room, { storage }) =>
    Array.from(
      storage.sql.exec<{ sealed: string }>("SELECT sealed FROM replays WHERE sealed IS NOT NULL"),
      ({ sealed }) => sealed,
    ),
  );
}

async function requests(): Promise<Record<string, unknown>[]> {
  return (await env.DB.prepare("SELECT * FROM tenant_requests").all()).results;
}

describe("what is kept of a new key", () => {
  test("is neither the key, nor the Idempotency-Key, nor what it could be opened with", async () => {
    const tenant = await openTenant();
    const idempotencyKey = "a-key-that-is-found-nowhere";
    const ways: readonly (readonly [string, Headers])[] = [
      ["/v1/keys", tenant.auth],
      [`/admin/tenants/${tenant.tenantId}/keys`, OPERATOR],
    ];
    for (const [path, headers] of ways) {
      const made = await (await makeKey(idempotencyKey, headers, path)).json<Key>();
      const stored = await storedOf(tenant);
      expect(stored).toContain(made.id);
      const kept = [stored, ...(await sealsOf(tenant)).map(atob)];
      for (const secret of [made.key, tenant.key])
        expect(kept.filter((text) => text.includes(secret.slice(-48)))).toEqual([]);
      expect(stored).not.toContain(idempotencyKey);
      expect(stored).not.toContain(OPERATOR.Authorization.slice("Bearer ".length));
      const again = await (await makeKey(idempotencyKey, headers, path)).json<Key>();
      expect(again).toEqual(made);
      expect((await call("/v1/agents", { headers: bearer(again.key) })).status).toBe(200);
    }
  });

  test("differs each time, also where it is the same that is kept", async () => {
    const tenant = await openTenant();
    await makeKey("one", tenant.auth);
    await makeKey("two", tenant.auth);
    const nonces = (await sealsOf(tenant)).map((sealed) => sealed.slice(0, 16));
    expect(nonces).toHaveLength(2);
    expect(nonces[0]).not.toBe(nonces[1]);
  });
});

describe("an answer is shown again", () => {
  test("to nobody whose key may not ask for it, or opens nothing any more", async () => {
    const tenant = await openTenant();
    const asks = async (body: object) =>
      (await post("/v1/keys", { name: "asks", ...body }, tenant.auth)).json<Key>();
    const [reader, admin] = [await asks({ scopes: ["read"] }), await asks({})];
    expect((await makeKey("k", bearer(admin.key))).status).toBe(201);
    const refused = await makeKey("k", bearer(reader.key));
    expect(await problemOf(refused)).toMatchObject({ status: 403, code: "forbidden" });
    await call(`/v1/keys/${admin.id}`, { method: "DELETE", headers: tenant.auth });
    const revoked = await makeKey("k", bearer(admin.key));
    expect(await problemOf(revoked)).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  test("to no other key of the tenant, whose Idempotency-Keys are its own; nor to its operator", async () => {
    const tenant = await openTenant();
    const { key } = await (await post("/v1/keys", { name: "other" }, tenant.auth)).json<Key>();
    const operators = `/admin/tenants/${tenant.tenantId}/keys`;
    const made = [
      await makeKey("k", tenant.auth),
      await makeKey("k", bearer(key)),
      await makeKey("k", OPERATOR, operators),
    ];
    expect(made.map((response) => response.headers.get("Idempotency-Replayed"))).toEqual([null, null, null]);
    const ids = await Promise.all(made.map(idOf));
    expect(new Set(ids).size).toBe(3);
    expect(await idOf(await makeKey("k", tenant.auth))).toBe(ids[0]);
  });

  test("not with its secret to the caller's successor; what was made stands, and is not made again", async () => {
    const tenant = await openTenant();
    const old = await (await post("/v1/keys", { name: "old" }, tenant.auth)).json<Key>();
    const rotation = await post(`/v1/keys/${old.id}/rotate`, { overlapS: 60 }, tenant.auth);
    const successor = await rotation.json<Key>();
    const made = await idOf(await makeKey("k", bearer(old.key)));
    const keys = await countKeys(tenant);
    const asked = await makeKey("k", bearer(successor.key));
    expect(await problemOf(asked)).toMatchObject({ status: 409, code: "idempotent_secret_sealed" });
    expect(await countKeys(tenant)).toBe(keys);
    expect(await idOf(await makeKey("k", bearer(old.key)))).toBe(made);
    // A task's answer has no secret: the successor is given it.
    const submit = async (by: Key) => post("/v1/tasks", { prompt: "p" }, under("t", bearer(by.key)));
    expect(await idOf(await submit(successor))).toBe(await idOf(await submit(old)));
  });

  test("also where the key that was made or rotated has ended since, as it was when it was made", async () => {
    const tenant = await openTenant();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const make = async () => post("/v1/keys", { name: "n", expiresAt }, under("k", tenant.auth));
    const made = await (await make()).text();
    const old = await (await post("/v1/keys", { name: "old" }, tenant.auth)).json<Key>();
    const rotate = async () => post(`/v1/keys/${old.id}/rotate`, { overlapS: 0 }, under("r", tenant.auth));
    const rotated = await (await rotate()).text();
    clock.pass(2 * 3_600_000);
    expect(await (await make()).text()).toBe(made);
    expect(await (await rotate()).text()).toBe(rotated);
  });

  test("also of a suspended tenant's task, of which nothing new is taken", async () => {
    const tenant = await openTenant();
    const submit = async (key: string) =>
      post("/v1/tasks", { prompt: "p" }, under(key, { ...tenant.auth, Prefer: "wait=30" }));
    const first = await (await submit("k")).text();
    await post(`/admin/tenants/${tenant.tenantId}/suspend`, {}, OPERATOR);
    const again = await submit("k");
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    expect(await again.text()).toBe(first);
    expect(await problemOf(await submit("l"))).toMatchObject({ status: 403, code: "tenant_suspended" });
  });
});

test("a key of one route is a conflict on another, and on another id of the same", async () => {
  const tenant = await openTenant();
  const [one, other] = [await makeKey("1", tenant.auth), await makeKey("2", tenant.auth)];
  const rotate = async (id: string, key: string) =>
    post(`/v1/keys/${id}/rotate`, { overlapS: 60 }, under(key, tenant.auth));
  const [first, second] = [await idOf(one), await idOf(other)];
  expect((await rotate(first, "k")).status).toBe(201);
  const keys = await countKeys(tenant);
  for (const response of [
    await rotate(second, "k"),
    await makeKey("k", tenant.auth),
    await post("/v1/tasks", { prompt: "p" }, under("k", tenant.auth)),
  ]) {
    expect(await problemOf(response)).toMatchObject({ status: 409, code: "idempotency_conflict" });
  }
  expect(await countKeys(tenant)).toBe(keys);
});

test("a refusal leaves the key free", async () => {
  const tenant = await openTenant();
  const id = newId("key", config.source);
  const rotate = await post(`/v1/keys/${id}/rotate`, { overlapS: 60 }, under("k", tenant.auth));
  expect(rotate.status).toBe(404);
  expect((await makeKey("k", tenant.auth)).status).toBe(201);
});

test("what has expired goes, a part with every request, and without one with rows for the history", async () => {
  const tenant = await openTenant();
  const room = marketStub(tenant.tenantId) as DurableObjectStub;
  const count = async () =>
    runInDurableObject(
      room,
      async (_room, { storage }) =>
        storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM replays").one().n,
    );
  await makeKey("k", tenant.auth);
  await runInDurableObject(room, async (_room, { storage }) => {
    for (let at = 0; at < 149; at++) {
      storage.sql.exec(
        `INSERT INTO replays SELECT scope, ?, route, body_hash, answer, sealed, expires_at_ms FROM replays LIMIT 1`,
        `more-${at}`,
      );
    }
  });
  expect(await count()).toBe(150);
  clock.pass(DAY_MS);
  await makeKey("l", tenant.auth);
  expect(await count()).toBe(51);
  await failedTask(tenant);
  await tenant.market.historyWritten([], []);
  expect(await count()).toBe(1);
});

describe("a new tenant's key", () => {
  const body = { name: "t" };
  const ask = async (idempotencyKey: string) => post("/admin/tenants", body, under(idempotencyKey, OPERATOR));
  const exists = async (id: string) =>
    (await call(`/admin/tenants/${id}`, { headers: OPERATOR })).status === 200;

  test("that was claimed by a request that died sets up the claimed tenant when it comes again", async () => {
    const tenantId = newId("ten", config.source);
    const claim = {
      keyHash: await sha256Hex("died"),
      bodyHash: await sha256Hex(JSON.stringify(body)),
      tenantId,
      expiresAtMs: Date.now() + DAY_MS,
    };
    await claimTenant(config.db, claim, Date.now());
    expect(await exists(tenantId)).toBe(false);
    expect(await idOf(await ask("died"))).toBe(tenantId);
    expect(await exists(tenantId)).toBe(true);
  });

  test("that was claimed anew since its tenant was erased is not settled by the request before", async () => {
    const [first, second] = [newId("ten", config.source), newId("ten", config.source)];
    const claim = { keyHash: await sha256Hex("late"), bodyHash: "b", expiresAtMs: Date.now() + DAY_MS };
    await claimTenant(config.db, { ...claim, tenantId: first }, Date.now());
    await env.DB.prepare("DELETE FROM tenant_requests WHERE tenant_id = ?").bind(first).run();
    await claimTenant(config.db, { ...claim, tenantId: second }, Date.now());
    await settleClaim(config.db, { ...claim, tenantId: first });
    const third = { ...claim, tenantId: newId("ten", config.source) };
    expect(await claimTenant(config.db, third, Date.now())).toMatchObject({
      value: { tenantId: second, isSetUp: false },
    });
    await settleClaim(config.db, { ...claim, tenantId: second });
    expect(await claimTenant(config.db, third, Date.now())).toMatchObject({ value: { isSetUp: true } });
  });

  test("is stored as its hash, and goes with the cron sweep once it has expired", async () => {
    await ask("swept");
    expect(JSON.stringify(await requests())).not.toContain("swept");
    clock.pass(DAY_MS);
    await sweep(config);
    expect(await requests()).toEqual([]);
  });

  test("makes no tenant again while one that it has made is there, nor that one once it is erased", async () => {
    const id = await idOf(await ask("erased"));
    const erased = await call(`/admin/tenants/${id}`, { method: "DELETE", headers: OPERATOR });
    expect(await erased.json()).toMatchObject({ deleted: true, before: { rows: { tenant_requests: 1 } } });
    expect((await requests()).map((row) => row["tenant_id"])).not.toContain(id);
    const next = await idOf(await ask("erased"));
    expect(next).not.toBe(id);
    expect([await exists(id), await exists(next)]).toEqual([false, true]);
  });
});
