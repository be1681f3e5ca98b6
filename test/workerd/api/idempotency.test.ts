/** Whatever makes something makes it once for each Idempotency-Key, and answers the same for 24 h. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { METHODS } from "../../../src/api/app.ts";
import type { TenantId } from "../../../src/market/ids.ts";
import { useStoppedClock } from "../rooms/market-day.ts";
import { marketStub } from "../stubs.ts";
import { CHANGES, CREATES, idOf, MADE_ONCE_FOR_GOOD, prepare } from "./idempotency-day.ts";
import { problemOf } from "./support.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

const clock = useStoppedClock();

/** All that a client sees of an answer, but for what is of the request alone. */
async function seen(response: Response): Promise<object> {
  const own = ["x-request-id", "idempotency-replayed"];
  const headers = [...response.headers].filter(([name]) => !own.includes(name));
  return { status: response.status, headers, text: await response.text() };
}

const isReplay = (response: Response) => response.headers.get("Idempotency-Replayed");

/** The replay is the last that the transaction writes: all else stands by then, if it stands. */
const DEATH = "CREATE TRIGGER death BEFORE INSERT ON replays BEGIN SELECT RAISE(ABORT, 'dead'); END";

async function execute(tenantId: TenantId, sql: string): Promise<void> {
  await runInDurableObject(marketStub(tenantId) as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec(sql);
  });
}

/** What requests make, as the market room holds it. */
async function stored(tenantId: TenantId): Promise<object> {
  return runInDurableObject(marketStub(tenantId) as DurableObjectStub, async (_room, { storage }) =>
    [
      "key_id, expires_at_ms FROM keys",
      "task_id FROM accounts",
      "* FROM calibrations",
      "* FROM replays",
      "* FROM webhooks",
      "* FROM deliveries",
    ].map((what) => storage.sql.exec(`SELECT ${what}`).toArray()),
  );
}

test("every route with POST is known to make something, or to change what is there", () => {
  const posts = METHODS.filter(([, methods]) => methods.split(", ").includes("POST")).map(([path]) => path);
  expect([...Object.keys(CREATES), ...CHANGES].toSorted()).toEqual(posts.toSorted());
});

describe.each(Object.keys(CREATES))("POST %s", (route) => {
  test("asked again with the same key and body answers the same, byte for byte, and says so", async () => {
    const { ask } = await prepare(route);
    const first = await ask("k");
    expect(isReplay(first)).toBeNull();
    expect([200, 201, 202]).toContain(first.status);
    const answer = await seen(first);
    for (let turn = 0; turn < 2; turn++) {
      clock.pass(60_000);
      const again = await ask("k");
      expect(isReplay(again)).toBe("true");
      expect(await seen(again)).toEqual(answer);
    }
  });

  test("asked several times at once makes one thing", async () => {
    const { ask } = await prepare(route);
    const answers = await Promise.all(Array.from({ length: 4 }, async () => ask("k")));
    const replays = answers.filter((response) => isReplay(response) === "true");
    expect(replays).toHaveLength(3);
    const texts = await Promise.all(answers.map(async (response) => response.text()));
    expect(new Set(texts).size).toBe(1);
  });

  test("with another body is a conflict, and leaves the first answer as it was", async () => {
    const { ask, otherBody } = await prepare(route);
    const answer = await seen(await ask("k"));
    const other = await ask("k", { body: otherBody });
    expect(await problemOf(other)).toEqual({ status: 409, code: "idempotency_conflict", paths: [] });
    expect(await seen(await ask("k"))).toEqual(answer);
  });

  test("answers the same after its market room was evicted", async () => {
    const { ask, tenantId } = await prepare(route);
    const answer = await seen(await ask("k"));
    await evictDurableObject(marketStub(tenantId));
    const again = await ask("k");
    expect(isReplay(again)).toBe("true");
    expect(await seen(again)).toEqual(answer);
  });

  test("makes a new thing under another key, and under the same one after 24 h", async () => {
    const { ask, otherBody, thirdBody = otherBody } = await prepare(route);
    const first = await idOf(await ask("k"));
    const isNew = !MADE_ONCE_FOR_GOOD.includes(route);
    expect((await idOf(await ask("l", { body: thirdBody }))) !== first).toBe(isNew);
    clock.pass(DAY_MS - 1);
    expect(await idOf(await ask("k"))).toBe(first);
    clock.pass(1);
    const later = await ask("k", { body: otherBody });
    expect(isReplay(later)).toBeNull();
    expect((await idOf(later)) !== first).toBe(isNew);
  });
});

// A new tenant has no room yet: see idempotency-secrets.test.ts.
test.each(Object.keys(CREATES).filter((route) => route !== "/admin/tenants"))(
  "POST %s that dies in its transaction has made nothing, and leaves its key free",
  async (route) => {
    const { ask, tenantId } = await prepare(route);
    const before = await stored(tenantId);
    await execute(tenantId, DEATH);
    expect((await ask("k")).status).toBe(500);
    expect(await stored(tenantId)).toEqual(before);
    await execute(tenantId, "DROP TRIGGER death");
    const made = await ask("k");
    expect(isReplay(made)).toBeNull();
    expect(await stored(tenantId)).not.toEqual(before);
    const answer = await seen(made);
    expect(await seen(await ask("k"))).toEqual(answer);
  },
);
