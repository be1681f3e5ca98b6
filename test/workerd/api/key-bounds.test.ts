/** How many keys a tenant may have, and how they are listed page by page. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { MAX_KEYS } from "../../../src/tenancy/key-desk.ts";
import { useStoppedClock } from "../rooms/market-day.ts";
import { marketStub } from "../stubs.ts";
import { idOf } from "./idempotency-day.ts";
import { call, config, openTenant, OPERATOR, post, problemOf, type Tenant } from "./support.ts";

const clock = useStoppedClock();

/** Keys that nobody has, past the room's own words; returns their ids. */
async function addKeys({ tenantId }: Tenant, count: number, expiresAtMs: number | null = null) {
  const ids = Array.from({ length: count }, () => newId("key", config.source));
  await runInDurableObject(marketStub(tenantId) as DurableObjectStub, async (_room, { storage }) => {
    for (const id of ids) {
      const insert =
        "INSERT INTO keys (hash, key_id, name, created_at_ms, account, expires_at_ms) VALUES (?, ?, 'n', ?, ?, ?)";
      storage.sql.exec(insert, `hash of ${id}`, id, Date.now(), id, expiresAtMs);
    }
  });
  return ids;
}

const make = async ({ auth }: Tenant) => post("/v1/keys", { name: "one more" }, auth);
const rotate = async ({ auth }: Tenant, id: string, overlapS: number) =>
  post(`/v1/keys/${id}/rotate`, { overlapS }, auth);
const TOO_MANY = { status: 409, code: "too_many_keys", paths: [] };

describe("a tenant with as many keys as it may have", () => {
  test("gets no further one, by its own keys or its operator's, until one has ended", async () => {
    const tenant = await openTenant();
    // Beside the first key and those made here, one that ends in an hour.
    await addKeys(tenant, MAX_KEYS - 3);
    await addKeys(tenant, 1, Date.now() + 3_600_000);
    const last = await idOf(await make(tenant));
    expect(await problemOf(await make(tenant))).toEqual(TOO_MANY);
    const operators = await post(`/admin/tenants/${tenant.tenantId}/keys`, { name: "n" }, OPERATOR);
    expect(await problemOf(operators)).toEqual(TOO_MANY);
    await call(`/v1/keys/${last}`, { method: "DELETE", headers: tenant.auth });
    expect((await make(tenant)).status).toBe(201);
    expect(await problemOf(await make(tenant))).toEqual(TOO_MANY);
    clock.pass(3_600_000);
    expect((await make(tenant)).status).toBe(201);
    expect(await problemOf(await make(tenant))).toEqual(TOO_MANY);
  });

  test("rotates one without an overlap, and none with one", async () => {
    const tenant = await openTenant();
    const [id = ""] = await addKeys(tenant, MAX_KEYS - 1);
    expect(await problemOf(await rotate(tenant, id, 60))).toEqual(TOO_MANY);
    const successor = await idOf(await rotate(tenant, id, 0));
    expect(await problemOf(await make(tenant))).toEqual(TOO_MANY);
    expect((await rotate(tenant, successor, 0)).status).toBe(201);
  });

  test("is answered what was made under an Idempotency-Key before", async () => {
    const tenant = await openTenant();
    const submit = async () => post("/v1/keys", { name: "n" }, { ...tenant.auth, "Idempotency-Key": "k" });
    const made = await idOf(await submit());
    await addKeys(tenant, MAX_KEYS);
    expect(await idOf(await submit())).toBe(made);
  });
});

describe("the list of keys", () => {
  interface Page {
    readonly data: readonly { readonly id: string }[];
    readonly nextCursor: string | null;
  }

  test("shows every key once, oldest first, page by page", async () => {
    const tenant = await openTenant();
    const ids: string[] = [];
    for (let turn = 0; turn < 4; turn++) {
      clock.pass(1);
      ids.push(await idOf(await make(tenant)));
    }
    const ways = [
      ["/v1/keys", tenant.auth],
      [`/admin/tenants/${tenant.tenantId}/keys`, OPERATOR],
    ] as const;
    for (const [path, headers] of ways) {
      const seen: string[] = [];
      const sizes: number[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const query: string = cursor === "" ? "?limit=2" : `?limit=2&cursor=${cursor}`;
        const page: Page = await (await call(`${path}${query}`, { headers })).json<Page>();
        seen.push(...page.data.map(({ id }) => id));
        sizes.push(page.data.length);
        cursor = page.nextCursor;
      }
      expect(seen.slice(1)).toEqual(ids);
      expect(sizes).toEqual([2, 2, 1]);
    }
  });

  test("has 100 keys to a page where nothing is asked, and no next page where all are shown", async () => {
    const tenant = await openTenant();
    await addKeys(tenant, 99);
    const page = async (query = "") =>
      (await call(`/v1/keys${query}`, { headers: tenant.auth })).json<Page>();
    expect(await page()).toMatchObject({ data: { length: 100 }, nextCursor: null });
    await addKeys(tenant, 1);
    const first = await page();
    expect(first.data).toHaveLength(100);
    expect(first.nextCursor).toBe(first.data.at(-1)?.id);
    expect((await page(`?cursor=${first.nextCursor}`)).data).toHaveLength(1);
  });

  test.each(["limit=0", "limit=101", "limit=x", "cursor=x", "state=active"])(
    "is not asked for with %s",
    async (query) => {
      const tenant = await openTenant();
      const response = await call(`/v1/keys?${query}`, { headers: tenant.auth });
      expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_parameter" });
    },
  );
});
