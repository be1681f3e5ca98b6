/** Token buckets: what they let through in any time, and what they say of how long to wait. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawFrom, FULL_BUCKET, leftIn, waitForMs, type Bucket } from "../../../src/market/rate-limit.ts";

const MINUTE = 60_000;
const START = 2_000_000_000_000;
const perMinute = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000_000 }));
const times = fc.array(fc.oneof(fc.nat(5), fc.nat(3_000), fc.nat(200_000)), { minLength: 1, maxLength: 60 });

function drawn(units: number, of: number): Bucket {
  return drawFrom(FULL_BUCKET, units, { perMinute: of, nowMs: START });
}

describe("a bucket", () => {
  test("takes a minute's allowance at once, and then one after the other", () => {
    const time = { perMinute: 4, nowMs: START };
    const empty = drawn(4, 4);
    expect(leftIn(FULL_BUCKET, time)).toBe(4);
    expect(leftIn(empty, time)).toBe(0);
    expect(waitForMs(empty, 1, time)).toBe(15_000);
    expect(leftIn(empty, { ...time, nowMs: START + 14_999 })).toBe(0);
    expect(leftIn(empty, { ...time, nowMs: START + 15_000 })).toBe(1);
  });

  test("that was overdrawn has nothing until the debt is refilled", () => {
    const time = { perMinute: 1_000, nowMs: START };
    const debt = drawn(3_500, 1_000);
    expect(leftIn(debt, time)).toBe(-2_500);
    expect(waitForMs(debt, 0, time)).toBe(150_000);
    expect(waitForMs(debt, 0, { ...time, nowMs: START + 149_999 })).toBe(1);
    expect(waitForMs(debt, 0, { ...time, nowMs: START + 150_000 })).toBe(0);
  });

  test("of a changed limit has that limit, less what is drawn", () => {
    const bucket = drawn(10, 10);
    expect(leftIn(bucket, { perMinute: 30, nowMs: START })).toBe(20);
    expect(leftIn(bucket, { perMinute: 5, nowMs: START })).toBe(-5);
  });

  test("gains nothing from a clock that is set back and forth", () => {
    const back = drawFrom(drawn(1, 1), 0, { perMinute: 1, nowMs: START - 50_000 });
    expect(waitForMs(back, 1, { perMinute: 1, nowMs: START - 50_000 })).toBe(MINUTE);
    expect(waitForMs(back, 1, { perMinute: 1, nowMs: START })).toBe(MINUTE);
  });

  test("lets through, within any time, a minute's allowance and what that time refills, and no less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), times, (limit, waits) => {
        let [bucket, nowMs]: [Bucket, number] = [FULL_BUCKET, START];
        const through: number[] = [];
        const refused: number[] = [];
        for (const ms of waits) {
          nowMs += ms;
          const time = { perMinute: limit, nowMs };
          const isFree = waitForMs(bucket, 1, time) === 0;
          if (isFree) bucket = drawFrom(bucket, 1, time);
          (isFree ? through : refused).push(nowMs);
        }
        for (const [from, first] of through.entries()) {
          for (const [at, last] of through.entries()) {
            if (at < from) continue;
            expect(at - from + 1).toBeLessThanOrEqual(limit + ((last - first) * limit) / MINUTE);
          }
        }
        // Nobody is refused where a minute before it had room.
        for (const at of refused) {
          expect(through.filter((one) => one > at - MINUTE).length).toBeGreaterThan(0);
        }
      }),
    );
  });

  test("says to the millisecond how long to wait", () => {
    fc.assert(
      fc.property(
        perMinute,
        fc.nat(10_000_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (limit, more, part) => {
          const bucket = drawn(more, limit);
          const units = Math.floor(part * limit);
          const wait = waitForMs(bucket, units, { perMinute: limit, nowMs: START });
          const at = (ms: number) => waitForMs(bucket, units, { perMinute: limit, nowMs: START + ms });
          expect(at(wait)).toBe(0);
          expect(leftIn(bucket, { perMinute: limit, nowMs: START + wait })).toBeGreaterThanOrEqual(units);
          if (wait > 0) expect(at(wait - 1)).toBe(1);
        },
      ),
    );
  });

  test("forgets nothing and keeps nothing: draws in parts are one draw", () => {
    fc.assert(
      fc.property(perMinute, times, times, (limit, units, waits) => {
        let [bucket, nowMs] = [drawn(0, limit), START];
        let lowest = 0;
        const sums = units.map((some, at) => {
          nowMs += waits[at % waits.length] ?? 0;
          bucket = drawFrom(bucket, some, { perMinute: limit, nowMs });
          return some;
        });
        // A bucket that was never full again has refilled for all the time.
        const all = sums.reduce((a, b) => a + b, 0) * MINUTE - (nowMs - START) * limit;
        lowest = Math.max(lowest, all);
        expect(bucket.owed).toBeGreaterThanOrEqual(lowest);
        expect(
          drawFrom(bucket, 0, { perMinute: limit, nowMs: nowMs + Math.ceil(bucket.owed / limit) }).owed,
        ).toBe(0);
      }),
    );
  });
});
