/** Pools and policies are stored once for the tasks that share them, and go with the last of these. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { migrateSchema } from "../../../src/durable/schema.ts";
import type { AuctionId, TaskId } from "../../../src/market/ids.ts";
import type { Clearing } from "../../../src/market/clear.ts";
import { makePolicy } from "../../../src/market/policy.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { MarketStore } from "../../../src/tenancy/market-store.ts";
import type { MarketQuote, MarketTask, TaskTerms } from "../../../src/tenancy/task-store.ts";
import { POOL } from "./market-day.ts";

const aTask = (sequence: number) =>
  ({ taskId: `tsk_${sequence}` as TaskId, sequence, state: "finished" }) as MarketTask;

function termsUnder(name: string, sequence: number): TaskTerms {
  const policy = makePolicy({ name, rules: { kind: "cheapest" }, pool: POOL, version: 1, weights: null });
  return { auctionId: `auc_${sequence}` as AuctionId, seed: sequence, pool: POOL, policy };
}

async function inStore<T>(work: (store: MarketStore, storage: DurableObjectStorage) => T): Promise<T> {
  const room = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
  return runInDurableObject(room, async (_room, { storage }) => {
    migrateSchema(storage, MARKET_SCHEMA);
    return work(new MarketStore(storage), storage);
  });
}

const grounds = (storage: DurableObjectStorage) =>
  storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM grounds").one().n;

test("tasks in turns under two policies are two grounds, and each reads its own terms", async () => {
  await inStore((store, storage) => {
    for (let n = 0; n < 6; n += 1) store.tasks.add(aTask(n), termsUnder(n % 2 === 0 ? "even" : "odd", n));
    expect(grounds(storage)).toBe(2);
    for (let n = 0; n < 6; n += 1) {
      expect(store.tasks.terms(aTask(n).taskId)).toEqual(termsUnder(n % 2 === 0 ? "even" : "odd", n));
    }
    const afresh = new MarketStore(storage);
    expect(afresh.tasks.terms(aTask(3).taskId)).toEqual(termsUnder("odd", 3));
  });
});

test("a ground that no task names any more goes, and its id does not mislead", async () => {
  await inStore((store, storage) => {
    store.tasks.add(aTask(1), termsUnder("first", 1));
    expect(store.tasks.terms(aTask(1).taskId).policy.name).toBe("first");
    store.history.remove([store.history.oldest() ?? 0]);
    store.tasks.forgetSettled();
    store.tasks.add(aTask(2), termsUnder("second", 2));
    expect(grounds(storage)).toBe(1);
    expect(store.tasks.terms(aTask(2).taskId).policy.name).toBe("second");
    store.tasks.add(aTask(3), termsUnder("first", 3));
    expect(store.tasks.terms(aTask(3).taskId)).toEqual(termsUnder("first", 3));
  });
});

test("a ground whose transaction failed is stored again", async () => {
  await inStore((store, storage) => {
    const failing = () =>
      storage.transactionSync(() => {
        store.tasks.add(aTask(1), termsUnder("one", 1));
        throw new Error("later in the transaction");
      });
    expect(failing).toThrow("later in the transaction");
    store.forget();
    store.tasks.add(aTask(1), termsUnder("one", 1));
    expect(store.tasks.terms(aTask(1).taskId)).toEqual(termsUnder("one", 1));
  });
});

test("a list of all tasks holds none of their clearings, and says as much of each as its row needs", async () => {
  await inStore((store) => {
    const clearing = { bids: "x".repeat(100_000) } as unknown as Clearing;
    const quote = { deadlineS: 60, open: { clearing, offers: [], expiresAtMs: 1 } } as unknown as MarketQuote;
    const escalation = { maxAttempts: 2, clearing, tried: [], latest: null };
    store.tasks.add({ ...aTask(1), quote, escalation }, termsUnder("one", 1));
    store.tasks.add({ ...aTask(2), quote: null }, termsUnder("one", 2));
    expect(store.tasks.all()).toEqual([
      { ...aTask(2), quote: null },
      { ...aTask(1), quote: { deadlineS: 60 } },
    ]);
    expect(store.tasks.find(aTask(1).taskId)).toMatchObject({ quote, escalation });
  });
});
