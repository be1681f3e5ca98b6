/**
 * Turns under any interleaving of admissions, awards, ends, escalations, cancels, spent tokens, changed limits and restarts: no limit is
 * passed, nobody overtakes within a key, and all that was admitted comes to its end.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TenantLimits } from "../../../src/market/rate-limit.ts";
import { useStoppedClock } from "./market-day.ts";
import { TurnsWalk } from "./turns-walk.ts";

const clock = useStoppedClock();

const limits: fc.Arbitrary<Partial<TenantLimits>> = fc.record({
  concurrentTasks: fc.constantFrom(1, 2, 4, null),
  maxTraces: fc.constantFrom(1, 2, 3),
  maxQueued: fc.constantFrom(2, 4, 1_000),
});
const pick = fc.nat({ max: 5 });
type Move = readonly [name: string, act: (walk: TurnsWalk) => Promise<void>];

const move = <T>(
  weight: number,
  values: fc.Arbitrary<T>,
  made: (walk: TurnsWalk, value: T) => Promise<void>,
) => ({
  weight,
  arbitrary: values.map((value): Move => {
    const name = /walk\.(\w+)/.exec(made.toString())?.[1] ?? "?";
    return [`${name}(${JSON.stringify(value)})`, async (walk) => made(walk, value)];
  }),
});

const admit: Move = ["admit", async (walk) => walk.admit(0)];
const award: Move = ["award", async (walk) => walk.award(0)];
const fail: Move = ["fail", async (walk) => walk.fail(0)];

/** What walks meet seldom is walked in every run: a full queue, and a next attempt that waits behind another's first. */
const seldom: [Partial<TenantLimits>, Move[]][] = [
  [{ concurrentTasks: 1, maxTraces: 1, maxQueued: 2 }, [admit, admit, admit, admit]],
  [{ concurrentTasks: null, maxTraces: 1, maxQueued: 1_000 }, [admit, admit, award, award, fail]],
];

const moves = fc.array(
  fc.oneof(
    move(8, pick, async (walk, p) => walk.admit(p)),
    move(6, pick, async (walk, p) => walk.award(p)),
    move(3, pick, async (walk, p) => walk.accept(p)),
    move(4, pick, async (walk, p) => walk.finish(p)),
    move(3, pick, async (walk, p) => walk.fail(p)),
    move(2, pick, async (walk, p) => walk.cancel(p)),
    move(2, fc.tuple(pick, fc.constantFrom(300, 4_000)), async (walk, [p, tokens]) => walk.spend(p, tokens)),
    move(1, fc.constantFrom(1_000, 5_000), async (walk, ms) => walk.pass(ms)),
    move(1, pick, async (walk) => walk.evict()),
    move(1, limits, async (walk, l) => walk.setLimits(l)),
  ),
  { minLength: 15, maxLength: 40 },
);

test(
  "no interleaving passes a limit, lets overtake, or leaves anybody waiting",
  { timeout: 300_000 },
  async () => {
    const met = { turns: 0, places: 0, refusals: 0, accepted: 0, again: 0 };
    await fc.assert(
      fc.asyncProperty(limits, moves, async (first, made) => {
        const walk = await TurnsWalk.open(clock, first);
        for (const [, act] of made) {
          await act(walk);
          await walk.check();
        }
        await walk.end();
        met.turns += walk.met.turns;
        met.places += walk.met.places;
        met.refusals += walk.met.refusals;
        met.accepted += walk.met.accepted;
        met.again += walk.met.again;
      }),
      { numRuns: 25, examples: seldom },
    );
    // The walks met what they are about.
    expect(Math.min(...Object.values(met))).toBeGreaterThan(0);
  },
);
