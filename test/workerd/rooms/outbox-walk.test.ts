/** An outbox on random walks against a model: nothing is lost, skipped, told out of order, or told again for nothing. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { migrateSchema } from "../../../src/durable/schema.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";
import { Walk, type Change, type Step } from "./outbox-walk.ts";

beforeEach(() => {
  // Far in the future: the runtime, which has a clock of its own, rings no alarm by itself.
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: 2_000_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const lane = fc.constantFrom(0, 0, 0, 1);
const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      lane,
      kind: fc.constantFrom("open" as const, "other" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("replace" as const, "drop" as const), lane }) },
);
const transaction = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  fails: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      together: fc.array(transaction, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("flush" as const), lane }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pass" as const),
      ms: fc.constantFrom(10, 10, 260, 510, 2_100, 31_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("receiver" as const),
      is: fc.constantFrom("well" as const, "failing" as const, "slow" as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "die" } as const) },
);

async function walk(steps: readonly Step[]): Promise<string[]> {
  const object = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
  return runInDurableObject(object, async (_room, { storage }) => {
    migrateSchema(storage, TASK_SCHEMA);
    const walked = new Walk(storage);
    for (const taken of steps) {
      await walked.take(taken);
      if (walked.faults.length > 0) return walked.faults;
    }
    await walked.finish();
    return walked.faults;
  });
}

test("what is decided is told in order, and told again only after a death or a failure", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      expect(await walk(steps)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
