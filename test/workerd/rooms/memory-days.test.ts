/**
 * The memory under any interleaving: auctions clear and settle in two tenants' rooms while consumers come, hang, fail and
 * die, writes arrive late, and two replicas of the index show them at different times.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BROKEN_WRITE_MS, CLAIM_MS } from "../../../src/market/passage.ts";
import { GRACE_MS } from "../../../src/tenancy/memory-window.ts";
import { openMarket, useStoppedClock } from "./market-day.ts";
import { World, type Fate } from "./memory-world.ts";

const clock = useStoppedClock();

const day = fc.nat({ max: 1 });
const pick = fc.nat({ max: 5 });
const replica = fc.nat({ max: 1 });
/** Few directions, so that equally near tasks are met. */
const angle = fc.nat({ max: 12 }).map((step) => step / 4);
const outcome = fc.constantFrom<"pass" | "fail">("pass", "fail");
const fate = fc.constantFrom<Fate>(
  "answer",
  "answer",
  "answer",
  "fail",
  "late",
  "die",
  "die-late",
  "die-done",
);
const wait = fc.constantFrom(1_000, 6_000, 6_000, 20_000, BROKEN_WRITE_MS, GRACE_MS, CLAIM_MS);

type Move = (world: World) => Promise<void>;
const move = <T extends unknown[]>(
  weight: number,
  arguments_: { [At in keyof T]: fc.Arbitrary<T[At]> },
  made: (world: World, ...values: T) => Promise<void>,
) => ({
  weight,
  arbitrary: fc.tuple<T>(...arguments_).map(
    (values): Move =>
      async (world) =>
        made(world, ...values),
  ),
});
const moves = fc.array(
  fc.oneof(
    move(4, [day, angle], async (world, d, a) => world.clear(d, a)),
    move(3, [pick, outcome], async (world, p, o) => world.settle(p, o)),
    move(5, [day, replica], async (world, d, r) => world.carry(d, r)),
    move(4, [day, replica, pick, outcome], async (world, d, r, p, o) =>
      world.carry(d, r, async () => world.settle(p, o)),
    ),
    move(3, [day], async (world, d) => world.startConsumer(d)),
    move(5, [pick, fate, replica], async (world, p, f, r) => world.decide(p, f, r)),
    move(1, [pick], async (world, p) => world.arrive(p)),
    move(5, [replica, fc.integer({ min: 1, max: 4 })], async (world, r, more) => world.show(r, more)),
    move(5, [wait], async (world, ms) => world.pass(ms)),
    move(4, [day, angle, replica], async (world, d, a, r) => world.ask(d, a, r)),
    move(3, [], async (world) => world.finishAsking()),
    // Chance alone rarely comes to these two.
    move(2, [day, angle], async (world, d, a) => {
      world.show(0, Infinity);
      await world.pass(6_000);
      await world.carry(d, 0);
      await world.ask(d, a, 1);
      await world.finishAsking();
    }),
    move(2, [day, pick, outcome], async (world, d, p, o) => {
      await world.startConsumer(d);
      await world.decide(-1, "late");
      await world.settle(p, o);
      await world.pass(20_000);
      await world.carry(d, 0);
    }),
  ),
  { minLength: 20, maxLength: 60, size: "max" },
);

test("a retrieval finds what a perfect memory would, and at rest the index shows the newest of everything", async () => {
  const seen = { answers: 0, versions: 0 };
  await fc.assert(
    fc.asyncProperty(moves, async (sequence) => {
      const world = new World([await openMarket(), await openMarket()], clock);
      for (const one of sequence) {
        await one(world);
        expect(world.crowded).toEqual([]);
      }
      await world.finishAsking();
      await world.drain();
      for (const { shown, newest } of await world.indexed()) {
        expect(shown).toEqual(newest);
        seen.versions += newest.size;
      }
      for (const d of [0, 1]) await world.ask(d, 0.3, 1);
      await world.finishAsking();
      for (const { found, perfect } of world.answers) expect(found).toEqual(perfect);
      seen.answers += world.answers.filter(({ perfect }) => perfect.length > 0).length;
    }),
    { numRuns: 70 },
  );
  expect(seen.answers).toBeGreaterThan(100);
  expect(seen.versions).toBeGreaterThan(200);
}, 240_000);
