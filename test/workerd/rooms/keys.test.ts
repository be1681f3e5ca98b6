/** Keys as the market room knows them: a change holds from the next call on, and use is noted once a minute. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { newId, type KeyId } from "../../../src/market/ids.ts";
import { KEY_SCOPES, type KeyScope } from "../../../src/market/key-scope.ts";
import { NO_RATE_LIMITS } from "../../../src/market/rate-limit.ts";
import type { KeyOrder, KeyView } from "../../../src/tenancy/key-desk.ts";
import { olderMarket } from "../recovery/older-rooms.ts";
import { config, evictRooms, KEY_HASH, openMarket, useStoppedClock, type MarketDay } from "./market-day.ts";
import { ask, booksOf, limited, plannedMicros, refusalOf } from "./money-day.ts";

const OTHER = "cd".repeat(32);
const THIRD = "ef".repeat(32);
const DAY_S = 24 * 60 * 60;

const clock = useStoppedClock();

type Day = Pick<MarketDay, "market">;

async function managed({ market }: Day, order: KeyOrder): Promise<readonly KeyView[]> {
  const answer = await market.manageKeys(order);
  if (!answer.ok) throw new Error(answer.failure.reason);
  return answer.value;
}

const list = async (day: Day) => managed(day, { kind: "list", by: null });

async function firstKey(day: Day): Promise<KeyView> {
  const key = (await list(day)).find(({ name }) => name !== "other");
  if (key === undefined) throw new Error("no key");
  return key;
}

async function add(
  { market }: Day,
  options: { readonly hash?: string; readonly scopes?: readonly KeyScope[]; readonly expiresAtMs?: number },
): Promise<KeyId> {
  const keyId = newId("key", config.source);
  await market.addKey({ keyId, hash: OTHER, name: "other", budget: null, ...options });
  return keyId;
}

const successor = (hash = OTHER) => ({ keyId: newId("key", config.source), hash });
const knows = async ({ market }: Day, hash: string) => (await market.authorize(hash)) !== null;
const admits = async (day: Day, keyHash: string) => {
  const { answer } = await ask(day, {}, { keyHash });
  return answer.ok ? "admitted" : answer.failure.reason;
};

describe("a revoked key", () => {
  test("opens nothing from the next call on, though it has just been used", async () => {
    const day = await openMarket();
    expect([await knows(day, KEY_HASH), await admits(day, KEY_HASH)]).toEqual([true, "admitted"]);
    const { keyId } = await firstKey(day);
    await managed(day, { kind: "revoke", by: null, keyId });
    expect([await knows(day, KEY_HASH), await admits(day, KEY_HASH)]).toEqual([false, "unauthenticated"]);
    await evictRooms(day.market);
    expect([await knows(day, KEY_HASH), await admits(day, KEY_HASH)]).toEqual([false, "unauthenticated"]);
  });

  test("stays revoked since when it was", async () => {
    const day = await openMarket();
    const { keyId } = await firstKey(day);
    const [once] = await managed(day, { kind: "revoke", by: null, keyId });
    clock.pass(1_000);
    expect(await managed(day, { kind: "revoke", by: null, keyId })).toEqual([once]);
    expect(once?.revokedAtMs).toBe(Date.now() - 1_000);
  });

  test("has no successor", async () => {
    const day = await openMarket();
    const { keyId } = await firstKey(day);
    await managed(day, { kind: "revoke", by: null, keyId });
    const order = { kind: "rotate", by: null, keyId, successor: successor(), overlapS: 0 } as const;
    expect(await day.market.manageKeys(order)).toEqual({ ok: false, failure: { reason: "key_inactive" } });
    expect(await list(day)).toHaveLength(1);
  });

  test("leaves its open tasks their budget", async () => {
    const planned = await plannedMicros();
    const day = await openMarket({ keyBudget: limited({ totalMicros: planned }) });
    const { taskId, answer } = await ask(day);
    expect(answer.ok).toBe(true);
    await managed(day, { kind: "revoke", by: null, keyId: (await firstKey(day)).keyId });
    await evictRooms(day.market);
    const { accounts } = await booksOf(day);
    const held = accounts.find((account) => account.taskId === taskId)?.heldMicros ?? 0;
    const more = await day.market.allow(taskId, (held + 1) as Parameters<typeof day.market.allow>[1]);
    expect(more).toMatchObject({ ok: false, failure: { scope: "key", limit: "total", leftMicros: 0 } });
  });
});

test("a key that expires opens to its last millisecond and not beyond, however lately it was used", async () => {
  const day = await openMarket();
  await add(day, { expiresAtMs: Date.now() + 4_000 });
  expect(await knows(day, OTHER)).toBe(true);
  clock.pass(3_999);
  expect([await knows(day, OTHER), await admits(day, OTHER)]).toEqual([true, "admitted"]);
  clock.pass(1);
  expect([await knows(day, OTHER), await admits(day, OTHER)]).toEqual([false, "unauthenticated"]);
  expect(await knows(day, KEY_HASH)).toBe(true);
});

describe("scopes", () => {
  test.each<[readonly KeyScope[], string]>([
    [["tasks"], "admitted"],
    [["tasks", "read"], "admitted"],
    [["read"], "forbidden"],
    [["admin"], "forbidden"],
    [["read", "admin"], "forbidden"],
  ])("%j: a task is %s", async (scopes, end) => {
    const day = await openMarket();
    await add(day, { scopes });
    expect(await day.market.authorize(OTHER)).toMatchObject({ scopes });
    expect(await admits(day, OTHER)).toBe(end);
    expect(await day.market.heldTasks()).toHaveLength(end === "admitted" ? 1 : 0);
  });

  test.each<[readonly KeyScope[], readonly KeyScope[], string]>([
    [["admin"], ["admin"], "made"],
    [["read", "admin"], ["read"], "made"],
    [["admin"], ["read"], "forbidden"],
    [["read", "admin"], ["tasks"], "forbidden"],
    [["tasks", "read"], ["read"], "forbidden"],
  ])("a key that may %j makes one that may %j: %s", async (own, wanted, end) => {
    const day = await openMarket();
    await add(day, { scopes: own });
    const key = { ...successor(THIRD), name: "third", budget: null, scopes: wanted };
    const made = await day.market.manageKeys({ kind: "create", by: OTHER, key });
    expect(made.ok ? "made" : made.failure.reason).toBe(end);
    expect(await knows(day, THIRD)).toBe(end === "made");
  });

  test("are not to be had by rotating a key that may more", async () => {
    const day = await openMarket();
    await add(day, { scopes: ["admin"] });
    const { keyId } = await firstKey(day);
    const order = { kind: "rotate", by: OTHER, keyId, successor: successor(THIRD), overlapS: 60 } as const;
    expect(await day.market.manageKeys(order)).toEqual({ ok: false, failure: { reason: "forbidden" } });
    expect(await firstKey(day)).toMatchObject({ expiresAtMs: null });
    expect(await knows(day, THIRD)).toBe(false);
  });
});

describe("a key with a cap of its own", () => {
  const limits = { ...NO_RATE_LIMITS, tokensPerMinute: 1_000 };
  const capped = [
    { budget: limited({ totalMicros: 1 }), limits: null },
    { budget: null, limits },
  ] as const;

  test.each(capped)("makes no key beside %j", async (caps) => {
    const day = await openMarket();
    const keyId = newId("key", config.source);
    await day.market.addKey({ keyId, hash: OTHER, name: "other", ...caps });
    const { keyId: uncapped } = await firstKey(day);
    const made = { ...successor(THIRD), name: "third", budget: null };
    const rotation = { kind: "rotate", by: OTHER, overlapS: 60, successor: successor(THIRD) } as const;
    for (const order of [
      { kind: "create", by: OTHER, key: made },
      { kind: "create", by: OTHER, key: { ...made, ...caps } },
      { ...rotation, keyId: uncapped },
    ] as const)
      expect(await day.market.manageKeys(order)).toEqual({ ok: false, failure: { reason: "forbidden" } });
    expect(await knows(day, THIRD)).toBe(false);
    // Its successor shares what it has left.
    expect(await managed(day, { ...rotation, keyId })).toMatchObject([{ account: keyId, ...caps }]);
  });
});

describe("a rotated key", () => {
  test("goes on beside its successor for the overlap, and not a millisecond longer", async () => {
    const day = await openMarket();
    const { keyId } = await firstKey(day);
    const [made] = await managed(day, {
      kind: "rotate",
      by: KEY_HASH,
      keyId,
      successor: successor(),
      overlapS: 60,
    });
    expect(made).toMatchObject({ name: "test", scopes: KEY_SCOPES, account: keyId, expiresAtMs: null });
    const seen = async () => [await knows(day, KEY_HASH), await knows(day, OTHER)];
    expect(await seen()).toEqual([true, true]);
    clock.pass(59_999);
    expect(await seen()).toEqual([true, true]);
    clock.pass(1);
    expect(await seen()).toEqual([false, true]);
  });

  test("without an overlap ends at once", async () => {
    const day = await openMarket();
    const { keyId } = await firstKey(day);
    await managed(day, { kind: "rotate", by: null, keyId, successor: successor(), overlapS: 0 });
    expect([await knows(day, KEY_HASH), await knows(day, OTHER)]).toEqual([false, true]);
  });

  test("ends no later than it would have, and its successor with it, unless that is given another end", async () => {
    const day = await openMarket();
    const expiresAtMs = Date.now() + 1_000 * DAY_S;
    const keyId = await add(day, { expiresAtMs });
    const order = { kind: "rotate", by: null, keyId, overlapS: 30 * DAY_S } as const;
    const [same] = await managed(day, { ...order, successor: successor(THIRD) });
    const [later] = await managed(day, {
      ...order,
      successor: successor("12".repeat(32)),
      expiresAtMs: null,
    });
    expect([same?.expiresAtMs, later?.expiresAtMs]).toEqual([expiresAtMs, null]);
    expect((await list(day)).find((key) => key.keyId === keyId)).toMatchObject({ expiresAtMs });
  });

  test("shares one budget with its successors, how often ever it is rotated", async () => {
    const planned = await plannedMicros();
    const day = await openMarket({ keyBudget: limited({ totalMicros: 3 * planned }) });
    const { keyId } = await firstKey(day);
    const second = successor();
    await managed(day, { kind: "rotate", by: null, keyId, successor: second, overlapS: 600 });
    await managed(day, {
      kind: "rotate",
      by: null,
      keyId: second.keyId,
      successor: successor(THIRD),
      overlapS: 600,
    });
    const hashes = [KEY_HASH, OTHER, THIRD];
    for (const keyHash of hashes) expect((await ask(day, {}, { keyHash })).answer.ok).toBe(true);
    await evictRooms(day.market);
    for (const keyHash of hashes) {
      const refusal = refusalOf(await ask(day, {}, { keyHash }));
      expect(refusal).toMatchObject({ scope: "key", limit: "total", leftMicros: 0 });
    }
    const { accounts } = await booksOf(day);
    expect(accounts.map((account) => account.keyId)).toEqual([keyId, keyId, keyId]);
  });
});

describe("the last use of a key", () => {
  test("is known to the minute, and costs a write no more often", async () => {
    const day = await openMarket();
    const written = async () =>
      runInDurableObject(day.market, async (_room, { storage }) => {
        const query = "SELECT last_used_at_ms AS at FROM keys WHERE hash = ?";
        return storage.sql.exec<{ at: number | null }>(query, KEY_HASH).one().at;
      });
    expect(await written()).toBeNull();
    const from = Date.now();
    for (const ms of [0, 1, 59_998]) {
      clock.pass(ms);
      expect(await knows(day, KEY_HASH)).toBe(true);
      expect(await written()).toBe(from);
    }
    // What the object remembered is gone; what it wrote down is not.
    await evictRooms(day.market);
    expect(await knows(day, KEY_HASH)).toBe(true);
    expect(await written()).toBe(from);
    clock.pass(1);
    expect(await admits(day, KEY_HASH)).toBe("admitted");
    expect(await written()).toBe(from + 60_000);
    expect(await firstKey(day)).toMatchObject({ lastUsedAtMs: from + 60_000 });
  });

  test("is not noted of a key that opens nothing", async () => {
    const day = await openMarket();
    const keyId = await add(day, { expiresAtMs: Date.now() + 1 });
    clock.pass(1);
    expect(await knows(day, OTHER)).toBe(false);
    expect((await list(day)).find((key) => key.keyId === keyId)).toMatchObject({ lastUsedAtMs: null });
  });
});

test("a key from before there were scopes may do all, has no end, and is rotated like any other", async () => {
  const day = await olderMarket({});
  const key = await firstKey(day);
  expect(key).toMatchObject({ name: "older", scopes: KEY_SCOPES, account: key.keyId });
  expect(key).toMatchObject({ expiresAtMs: null, revokedAtMs: null, lastUsedAtMs: null, budget: null });
  const { keyId } = key;
  const [made] = await managed(day, {
    kind: "rotate",
    by: KEY_HASH,
    keyId,
    successor: successor(),
    overlapS: 0,
  });
  expect(made).toMatchObject({ account: keyId });
  expect([await admits(day, KEY_HASH), await admits(day, OTHER)]).toEqual(["unauthenticated", "admitted"]);
});
