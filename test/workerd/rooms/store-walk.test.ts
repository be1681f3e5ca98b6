/** Tasks and their rows for the history on random walks: what is remembered is what stands, and every state is carried. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { test } from "vitest";
import { migrateSchema } from "../../../src/durable/schema.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { StoreWalk, type Change, type Step } from "./store-walk.ts";

const change: fc.Arbitrary<Change> = fc.record({
  do: fc.constantFrom("admit", "award", "settle", "renew"),
  pick: fc.nat(20),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("transact" as const),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
      fails: fc.nat(3).map((n) => n === 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("carry" as const), limit: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      pick: fc.nat(5),
      refused: fc.nat(4).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "die" } as const) },
);

test("whatever fails, dies or is reported late, each task is as it was left, and its last state is carried", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      const object = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
      await runInDurableObject(object, async (_room, { storage }) => {
        migrateSchema(storage, MARKET_SCHEMA);
        const walk = new StoreWalk(storage);
        for (const taken of steps) walk.take(taken);
        walk.finish();
      });
    }),
    { numRuns: 60 },
  );
});
